"""What was shown again and again and never taken makes room."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
from pydantic import Field

from zhiyin.rerank.base import Asked, Change, Listed, Stage, StageParams
from zhiyin.rerank.boosts import by_worth
from zhiyin.rerank.items import DAY, Items
from zhiyin.rerank.trace import Why
from zhiyin.types import NO_TIME


class RepeatedParams(StageParams):
    factor: float = Field(0.8, ge=0, le=1)
    """What an item is worth is multiplied by this for each time that it was shown to the person at the first place;
    place k counts as 1 / log2(k + 1) times."""
    days: float = Field(14.0, gt=0, le=3650)
    """Lists older than this are forgotten."""
    most: int = Field(20, ge=1, le=1000)
    """More times do not count."""


class Repeated(Stage):
    """A list that is asked for every day and answered with the same items tires people, and teaches nothing. Candidates
    are what was not taken, for what was taken does not come out again; so what was shown of them found no favour."""

    kind: ClassVar[str] = "repeated"
    params_type: ClassVar[type[StageParams]] = RepeatedParams
    up: ClassVar[Why] = Why("others were shown often and not taken", "其他结果多次展示而未被选择")
    down: ClassVar[Why] = Why("makes room", "让位")
    params: RepeatedParams

    @property
    def asks_shown(self) -> bool:
        return True

    def describe(self) -> str:
        own = self.params
        return f"worth times {own.factor:g} for each time shown in the last {own.days:g} days and not taken"

    def arrange(self, given: Listed, asked: Asked, items: Items) -> Change:
        own = self.params
        if asked.shown is None or not len(asked.shown.rows):
            return Change(np.arange(len(given)))
        kept = asked.shown.rows >= 0
        if asked.now != NO_TIME:
            kept &= asked.shown.times >= asked.now - own.days * DAY
        counts = np.zeros(len(items))
        np.add.at(counts, asked.shown.rows[kept], 1 / np.log2(asked.shown.places[kept] + 1))
        times = np.minimum(counts[given.rows], own.most)
        whys = {
            int(row): Why(f"shown {count:.3g} times and not taken", f"展示 {count:.3g} 次而未被选择")
            for row, count in zip(given.rows.tolist(), times.tolist(), strict=True)
            if count > 0
        }
        return by_worth(given, given.worth * own.factor**times, whys)
