"""6 Re-ranking joined with the rest: one file of stages per surface, read, checked against the catalogue, and run.

``pipelines/NAME.toml`` in the project's folder is the pipeline of surface NAME; where the project has none, the one
that comes with Zhiyin under that name, else the default.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from zhiyin.errors import ConfigError, UsageError
from zhiyin.rerank import Asked, Items, Stage, Trace
from zhiyin.rerank.base import Values, changed, listed
from zhiyin.rerank.reading import read_stages
from zhiyin.rerank.trace import Said, moves_between
from zhiyin.types import DEFAULT_SURFACE, Floats, Ints

FOLDER = "pipelines"
"""Folder of a project that holds its pipeline files."""
SHIPPED = Path(__file__).parent / "rerank" / "surfaces"
LONGEST = 60
"""Characters of a surface's name at most: it names a file, in whatever script."""


@dataclass(frozen=True)
class Request:
    """One list to arrange: candidate ``rows`` int32 [c], best first, with ``scores`` float32 [c], and who asks. ``k``
    is how much of it is shown.

    ``chances`` float32 [c] are calibrated probabilities that each is taken, where there are any: what relevance is
    worth in place of the scores. ``level`` is the score (with ``chances``, the probability) of a typical first place,
    see ``itemview.level_of``; None goes by the list itself."""

    rows: Ints
    scores: Floats
    items: Items
    asked: Asked = field(default_factory=Asked)
    k: int = 10
    level: float | None = None
    chances: Floats | None = None


@dataclass(frozen=True)
class Ranked:
    """The first k: item ``rows`` int32, the ``scores`` that relevance gave them (they need not fall any more), and
    ``propensities`` float64, the chance that each item came to stand where it does, 1 where nothing is drawn. One trace
    for each stage, in order."""

    rows: Ints
    scores: Floats
    propensities: Values
    traces: list[Trace]
    said: Mapping[int, list[Said]] = field(default_factory=dict)
    """What stages tell of items by row, in their order."""

    def moved(self, row: int, name: str) -> list[tuple[str, str]]:
        """What each stage did with the item ``row``, in English and Chinese; empty where none moved it."""
        return [
            (f"{trace.stage}, {move.line('en', name)}", f"{trace.stage}，{move.line('zh', name)}")
            for trace in self.traces
            for move in trace.moves
            if move.row == row
        ]


class Pipeline:
    """Stages in order. It keeps nothing between lists, so one can serve every thread."""

    def __init__(self, name: str, stages: Sequence[Stage], candidates: int = 200, where: str | None = None) -> None:
        self.name = name
        self.stages = list(stages)
        self.candidates = candidates
        self.where = where or f"pipeline {name}"
        self._fits: Items | None = None

    @classmethod
    def load(cls, path: Path) -> Pipeline:
        """The pipeline of a file. Raises ConfigError naming file, stage, key and fix."""
        where = str(path)
        try:
            told = tomllib.loads(path.read_text(encoding="utf-8"))
        except OSError as refused:
            what = f"the file cannot be read: {refused.strerror}"
            raise ConfigError(what, where=where, fix="check the name; see 'zhiyin pipelines list'") from refused
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as broken:
            raise ConfigError(f"not valid TOML: {broken}", where=where, fix="correct that line") from broken
        return cls.parse(path.stem, told, where)

    @classmethod
    def parse(cls, name: str, told: dict[str, Any], where: str) -> Pipeline:
        """The pipeline that ``told`` (as TOML has it) describes. Raises ConfigError."""
        candidates, stages = read_stages(told, where)
        return cls(name, stages, candidates, where)

    @classmethod
    def default(cls) -> Pipeline:
        """The pipeline of a project that has none, chosen by measurement; see docs/pipelines.md."""
        return cls.load(SHIPPED / f"{DEFAULT_SURFACE}.toml")

    @property
    def asks_seen(self) -> bool:
        """Whether candidates must hold what the person has seen, and ``Asked.seen`` be given."""
        return any(stage.asks_seen for stage in self.stages)

    @property
    def asks_events(self) -> bool:
        """Whether ``Asked.seen`` must be given."""
        return any(stage.asks_events for stage in self.stages)

    def asks_near(self, events: int) -> bool:
        """Whether ``Asked.near`` must be given for somebody with a history of so many events."""
        return any(stage.asks_near(events) for stage in self.stages)

    @property
    def asks_shown(self) -> bool:
        """Whether ``Asked.shown`` must be given."""
        return any(stage.asks_shown for stage in self.stages)

    @property
    def asks_facts(self) -> bool:
        """Whether attributes or times of items are read."""
        return any(stage.asks_facts for stage in self.stages)

    def describe(self) -> list[str]:
        """One line a stage, in order."""
        return [f"{place}. {one.kind}: {one.describe()}" for place, one in enumerate(self.stages, 1)]

    def check(self, items: Items) -> None:
        """Raise ConfigError where a stage names an item, an attribute or a category that is nowhere in ``items``."""
        for place, stage in enumerate(self.stages, 1):
            try:
                stage.check(items)
            except ConfigError as wrong:
                key = f", {wrong.where}" if wrong.where else ""
                where = f"{self.where}, stage {place} ({stage.kind}){key}"
                raise ConfigError(wrong.what, where=where, fix=wrong.fix) from wrong
        self._fits = items

    def run(self, request: Request) -> Ranked:
        """The stages one after the other. Raises ConfigError where the file does not fit the items."""
        items = self._checked(request.items)
        given = listed(request.rows, request.scores, request.asked, request.level, request.chances)
        shown = np.ones(len(given))
        traces = []
        asked = request.asked
        said: dict[int, list[Said]] = {}
        for place, stage in enumerate(self.stages, 1):
            change = stage.arrange(given, asked, items)
            asked = self._narrowed(place, asked, items)
            after, shown = changed(given, shown, change)
            moves = moves_between(given.rows, after.rows, request.k, change.whys, stage.up, stage.down)
            traces.append(Trace(stage.kind, place, moves, list(change.notes)))
            given = after
            _add(said, change.said)
        return Ranked(given.rows[: request.k], given.scores[: request.k], shown[: request.k], traces, said)

    def run_many(
        self,
        rows: Ints,
        scores: Floats,
        items: Items,
        asked: Sequence[Asked],
        *,
        k: int = 10,
        level: float | None = None,
        chances: Floats | None = None,
        said: Sequence[dict[int, list[Said]]] | None = None,
    ) -> tuple[Ints, Floats, Values]:
        """The same for B people at once, without traces: ``rows`` int32 [B, c] (-1 behind the end of a short list),
        ``scores`` float32 [B, c]. Gives rows, scores and propensities [B, k], -1, -inf and NaN behind the end. What
        stages tell of items is added to ``said``, one for each person."""
        items = self._checked(items)
        worth = [None] * len(rows) if chances is None else list(chances)
        given = [
            listed(own, said, who, level, more) for own, said, who, more in zip(rows, scores, asked, worth, strict=True)
        ]
        shown = [np.ones(len(one)) for one in given]
        for number, stage in enumerate(self.stages, 1):
            changes = stage.arrange_many(given, asked, items)
            asked = [self._narrowed(number, who, items) for who in asked]
            for place, change in enumerate(changes):
                given[place], shown[place] = changed(given[place], shown[place], change)
                if said is not None:
                    _add(said[place], change.said)
        shape = (len(given), k)
        found = np.full(shape, -1, dtype=np.int32)
        values, chance = np.full(shape, -np.inf, dtype=np.float32), np.full(shape, np.nan)
        for place, one in enumerate(given):
            size = min(k, len(one))
            found[place, :size], values[place, :size] = one.rows[:k], one.scores[:k]
            chance[place, :size] = shown[place][:k]
        return found, values, chance

    def _narrowed(self, place: int, asked: Asked, items: Items) -> Asked:
        """``asked`` with what stage ``place`` drops not allowed any more, where a later stage could bring it in."""
        if not any(stage.adds for stage in self.stages[place:]):
            return asked
        held = self.stages[place - 1].permits(asked, items)
        if held is None:
            return asked
        return replace(asked, allowed=held if asked.allowed is None else held & asked.allowed)

    def _checked(self, items: Items) -> Items:
        if self._fits is not items:
            self.check(items)
        return items


def _add(said: dict[int, list[Said]], more: Mapping[int, Sequence[Said]]) -> None:
    for row, told in more.items():
        said.setdefault(row, []).extend(told)


def pipeline_for(project: Path, surface: str) -> Pipeline:
    """The pipeline of ``surface``: the project's own, the shipped one, or the default. Raises ConfigError for a file
    that is wrong, UsageError for a name that cannot be that of a file."""
    if not surface or len(surface) > LONGEST or any(sign in "/\\" or not sign.isprintable() for sign in surface):
        what = f"a surface cannot be called {surface[:LONGEST]!r}"
        raise UsageError(
            what, fix=f"use a name of up to {LONGEST} characters without slashes; see 'zhiyin pipelines list'"
        )
    for path in (project / FOLDER / f"{surface}.toml", SHIPPED / f"{surface}.toml"):
        if path.is_file():
            return Pipeline.load(path)
    return Pipeline.default()


def surfaces(project: Path) -> dict[str, Path]:
    """Every pipeline that can be had by name, the project's own before those shipped."""
    shipped = {path.stem: path for path in sorted(SHIPPED.glob("*.toml"))}
    own = {path.stem: path for path in sorted((project / FOLDER).glob("*.toml"))}
    return {**shipped, **own}
