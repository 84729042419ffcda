"""A causal transformer over item histories: trained with torch, asked with numpy alone."""

from zhiyin.candidates.sequence.model import SequenceModel
from zhiyin.candidates.sequence.params import SequenceParams

__all__ = ["SequenceModel", "SequenceParams"]
