"""Interests: learned, named and kept stable."""

from zhiyin.rank.interests.align import Previous
from zhiyin.rank.interests.model import NAME, InterestModel, InterestParams
from zhiyin.rank.interests.named import NamedInterest, read_interests
from zhiyin.rank.interests.naming import name_interests

__all__ = ["NAME", "InterestModel", "InterestParams", "NamedInterest", "Previous", "name_interests", "read_interests"]
