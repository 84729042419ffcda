"""What every stage of re-ranking is: a pure function from a list to its new order, with reasons."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from zhiyin.rerank.items import Items, Seen, Shown
from zhiyin.rerank.social.near import Near
from zhiyin.rerank.trace import Said, Why
from zhiyin.types import NO_TIME, Floats, Histories, Ints

Values = NDArray[np.float64]


class StageParams(BaseModel):
    """Parameters of one stage: each stated once, typed, bounded, documented on its field."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)


@dataclass(frozen=True)
class Asked:
    """Who asks. ``history`` has one row. ``mix`` float32 [Z] is p(z|u), the person's interests; None where it is not
    known. ``seen`` are the events as stored, for stages that let items come back or go by what was turned away;
    ``shown`` what was shown of late, for stages that tire of it; ``near`` people near the person and what they took.
    ``allowed`` bool [n] is what may come out at all; None for everything. ``now`` is in microseconds. ``seed`` and
    ``list_id`` (a surface, a request) decide with ``user`` whatever is drawn."""

    user: str | None = None
    history: Histories | None = None
    mix: Floats | None = None
    seen: Seen | None = None
    allowed: NDArray[np.bool_] | None = None
    now: int = NO_TIME
    seed: int = 0
    list_id: str = ""
    shown: Shown | None = None
    near: Near | None = None

    def may_show(self, row: int) -> bool:
        return row >= 0 and (self.allowed is None or bool(self.allowed[row]))


@dataclass(frozen=True)
class Listed:
    """A list on its way through the pipeline: ``rows`` int32 [c], best first, all different. ``scores`` float32 [c]
    are what relevance said and follow their items. ``worth`` float64 [c] >= 0 falls along the list: what an item is
    worth where it stands now, 1 for a typical first place."""

    rows: Ints
    scores: Floats
    worth: Values

    def __len__(self) -> int:
        return len(self.rows)


@dataclass(frozen=True)
class Change:
    """``order``: places of the old list in their new order; a place that is missing was dropped. ``worth``: what the
    items of the new list are worth, falling; None deals theirs out again along the new order. ``added``:
    item rows that were in no place, appended to the old list before ``order`` was read, with the scores of its last.
    ``whys`` gives reasons by item row. ``propensities`` float64, aligned with ``order``: the chance that each item came
    to stand where it does; None for certainty. ``said`` is what is told of items by row, with the list."""

    order: NDArray[np.int64]
    worth: Values | None = None
    added: Sequence[int] = ()
    whys: Mapping[int, Why] = field(default_factory=dict)
    notes: Sequence[Why] = ()
    propensities: Values | None = None
    said: Mapping[int, Sequence[Said]] = field(default_factory=dict)


class Stage(ABC):
    """One rule. It draws nothing but by ``Asked.seed`` and keeps nothing between lists."""

    kind: ClassVar[str]
    params_type: ClassVar[type[StageParams]] = StageParams
    up: ClassVar[Why] = Why("moves up as others go down", "因其他结果下移而上移")
    down: ClassVar[Why] = Why("makes room for others", "为其他结果让位")
    """Why an item moved that has no reason of its own."""

    def __init__(self, params: StageParams) -> None:
        self.params: Any = params

    @property
    def asks_facts(self) -> bool:
        """Whether attributes or times of items are needed."""
        return False

    @property
    def asks_seen(self) -> bool:
        """Whether candidates must hold what the person has seen, and ``Asked.seen`` be given."""
        return False

    @property
    def asks_events(self) -> bool:
        """Whether ``Asked.seen`` must be given, without items coming back for that."""
        return self.asks_seen

    def asks_near(self, events: int) -> bool:
        """Whether ``Asked.near`` must be given for somebody with a history of so many events."""
        return False

    @property
    def asks_shown(self) -> bool:
        """Whether ``Asked.shown`` must be given."""
        return False

    @property
    def adds(self) -> bool:
        """Whether it may bring in items that were no candidates."""
        return False

    def permits(self, asked: Asked, items: Items) -> NDArray[np.bool_] | None:
        """Bool [n]: what it would not drop, which holds for what later stages bring in too; None for everything."""
        return None

    def check(self, items: Items) -> None:  # noqa: B027 - most stages name nothing
        """Raise ConfigError where the parameters name what these items do not have."""

    @abstractmethod
    def describe(self) -> str:
        """What it does with its parameters, on one line."""

    @abstractmethod
    def arrange(self, given: Listed, asked: Asked, items: Items) -> Change: ...

    def arrange_many(self, given: Sequence[Listed], asked: Sequence[Asked], items: Items) -> list[Change]:
        """The same for many people; a stage that can do them together gives the same changes sooner."""
        return [self.arrange(one, who, items) for one, who in zip(given, asked, strict=True)]


def worth_of(scores: Floats, level: float | None = None) -> Values:
    """What scores (falling or not; 0 where the model has nothing to say) are worth, float64 [c] >= 0.

    They are divided by ``level`` (> 0), the score of a typical first place, so that a list of which the model is unsure
    is worth less than one of which it is sure; None takes the list's own best. Scores below 0 are worth 0; a list that
    has no score above 0 is first moved up so that its last is worth 0, and divided by its own best.
    """
    wide = np.asarray(scores, dtype=np.float64)
    if not len(wide):
        return wide
    most = float(wide.max())
    if most <= 0:
        wide, level = wide - wide.min(), None
        most = float(wide.max())
    level = level or most
    return np.maximum(wide, 0.0) / level if level > 0 else np.ones(len(wide))


def listed(
    rows: Ints, scores: Floats, asked: Asked, level: float | None = None, chances: Floats | None = None
) -> Listed:
    """The list that enters the first stage: candidates (-1 for none) that may come out, with what they are worth by
    ``chances`` (NaN: no more than the least of the others), else, or where none is known, by ``scores``."""
    kept = rows >= 0
    if asked.allowed is not None:
        kept &= asked.allowed[rows]
    rows, scores = rows[kept], scores[kept]
    told = scores if chances is None or np.isnan(chances[kept]).all() else chances[kept]
    known = ~np.isnan(told)
    worth = worth_of(np.where(known, told, told[known].min(initial=np.inf)), level)
    # Worth falls along the list, also where scores do not.
    return Listed(rows, scores, np.sort(worth)[::-1])


def changed(given: Listed, chances: Values, change: Change) -> tuple[Listed, Values]:
    """The list after ``change``, and the chance [c] that each of its items stands where it does."""
    rows, scores, worth = given.rows, given.scores, given.worth
    if more := len(change.added):
        rows = np.concatenate((rows, np.array(change.added, dtype=np.int32)))
        scores = np.concatenate((scores, np.full(more, scores.min() if len(scores) else 0, dtype=np.float32)))
        worth = np.concatenate((worth, np.full(more, worth.min() if len(worth) else 1.0)))
        chances = np.concatenate((chances, np.ones(more)))
    order = change.order
    dealt = np.sort(worth[order])[::-1] if change.worth is None else change.worth
    after = chances[order] if change.propensities is None else change.propensities
    return Listed(rows[order], scores[order], dealt), after


def along(order: Sequence[int] | NDArray[np.integer[Any]], count: int) -> NDArray[np.int64]:
    """``order`` followed by the places 0..count-1 that it does not name, in their order."""
    first = np.asarray(order, dtype=np.int64)
    rest = np.ones(count, dtype=np.bool_)
    rest[first] = False
    return np.concatenate((first, np.flatnonzero(rest)))
