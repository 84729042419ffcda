"""What all readers that ask a language model share: how a prompt is made, and what came of the asking."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from zhiyin.errors import LlmError
from zhiyin.types import ItemFeatures


@dataclass
class Asked:
    """``failed`` counts errors by kind, ``dropped`` what was not accepted by reason, ``proposals`` the items for which
    a topic beyond the taxonomy was proposed. ``calls`` went to the model and were answered; ``tokens_in`` and
    ``tokens_out`` are what it computed for them."""

    calls: int = 0
    tokens_in: int = 0
    tokens_out: int = 0
    failed: Counter[str] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)

    def fail(self, error: LlmError) -> None:
        self.failed[type(error).__name__] += 1


@dataclass(frozen=True)
class Read:
    """One item as read, and the topic that a language model would add to the taxonomy, "" for none."""

    features: ItemFeatures
    proposal: str = ""
