"""Profiles: what the system believes of a person, from which events, and what the person says of it."""

from zhiyin.understand.profiles.build import build
from zhiyin.understand.profiles.edits import Meaning, meaning, read_edit, wishes_of
from zhiyin.understand.profiles.follow import Followed, follow
from zhiyin.understand.profiles.space import Interest, ProfileParams, Space
from zhiyin.understand.profiles.view import Profile

__all__ = [
    "Followed",
    "Interest",
    "Meaning",
    "Profile",
    "ProfileParams",
    "Space",
    "build",
    "follow",
    "meaning",
    "read_edit",
    "wishes_of",
]
