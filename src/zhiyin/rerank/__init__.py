"""6 Re-ranking: the order of a list once relevance is known. Each stage is one rule, and says what it did."""

from zhiyin.rerank.base import Asked, Change, Listed, Stage, StageParams
from zhiyin.rerank.items import Facts, Items, Seen, Shown
from zhiyin.rerank.registry import STAGES
from zhiyin.rerank.trace import Move, Trace, Why

__all__ = [
    "STAGES",
    "Asked",
    "Change",
    "Facts",
    "Items",
    "Listed",
    "Move",
    "Seen",
    "Shown",
    "Stage",
    "StageParams",
    "Trace",
    "Why",
]
