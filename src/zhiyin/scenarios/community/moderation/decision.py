"""What was decided of a text: plain data, the same in Python, on the command line and over HTTP."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

from zhiyin.scenarios.community.moderation.policy import Action
from zhiyin.types import Tier

CLASSIFIER, LLM = "classifier", "llm"


@dataclass(frozen=True)
class Evidence:
    """``text`` is what stands in the original from ``start`` to ``end``."""

    start: int
    end: int
    text: str


@dataclass(frozen=True)
class Finding:
    """One category: ``confidence`` that the text offends it, and the ``action`` that asks for. ``rule`` is
    "CATEGORY/RULE" or "classifier"; ``kind`` says against what kind of group, where it is known."""

    category: str
    severity: int
    action: Action
    confidence: float
    rule: str
    kind: str | None
    evidence: tuple[Evidence, ...]


@dataclass(frozen=True)
class Decision:
    """``action`` with the finding that led to it; ``findings`` holds every category above one half or with an action,
    the deciding one first. ``confidence`` is that the decision is right: that the text offends, or with ``allow`` that
    it does not. ``category``, ``severity``, ``rule`` and ``kind`` are None where it is allowed.

    ``stage`` names who had the last word: rules, classifier or llm. ``tier`` is that of the language model that took
    part. ``fallback`` says why a text in doubt went without a language model, or the classifier without one of its
    readers. ``model`` and ``policies`` say by what it was decided."""

    action: Action
    category: str | None
    severity: int | None
    confidence: float
    rule: str | None
    kind: str | None
    evidence: tuple[Evidence, ...]
    findings: tuple[Finding, ...]
    stage: str
    tier: Tier
    fallback: dict[str, str] | None
    language: str
    model: str | None
    policies: str
    expires_days: float | None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)
