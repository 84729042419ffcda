"""Facts first: whether a text says only what its source says, in English and Chinese."""

from zhiyin.scenarios.grounding.checking import Checked, Kept, Removed, check
from zhiyin.scenarios.grounding.marks import Evidence
from zhiyin.scenarios.grounding.source import Fact, Source

__all__ = ["Checked", "Evidence", "Fact", "Kept", "Removed", "Source", "check"]
