"""What a stage did to a list, in words, Chinese and English."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from zhiyin.scripts import Language
from zhiyin.types import Ints


@dataclass(frozen=True)
class Why:
    """One reason in both languages."""

    en: str
    zh: str

    def said(self, language: Language) -> str:
        return self.zh if language == "zh" else self.en


@dataclass(frozen=True)
class Said:
    """What a stage says of an item to whoever gets the list, beside where it stands. ``kind`` is that of a reason
    (``explain.reasons.Reason``), whose other fields these are; ``source`` names what proposed the item, None where
    the stage only tells more of it."""

    kind: str
    title: str | None = None
    item_id: str | None = None
    share: float | None = None
    source: str | None = None


@dataclass(frozen=True)
class Move:
    """An item that a stage moved. Ranks count from 1; ``before`` None: it was not in the list; ``after`` None: it was
    dropped."""

    row: int
    before: int | None
    after: int | None
    why: Why

    def line(self, language: Language, name: str) -> str:
        if language == "zh":
            path = f"第 {self.before} 位 → 第 {self.after} 位"
            if self.before is None:
                path = f"加入第 {self.after} 位"
            elif self.after is None:
                path = f"从第 {self.before} 位移除"
            return f"{name}：{path}，{self.why.zh}"
        path = f"rank {self.before} -> {self.after}"
        if self.before is None:
            path = f"put at rank {self.after}"
        elif self.after is None:
            path = f"dropped from rank {self.before}"
        return f"{name}: {path}, {self.why.en}"


@dataclass(frozen=True)
class Trace:
    """What one stage did: its ``kind``, its place in the pipeline (from 1), and every item that it dropped, or moved
    into, out of or within the part of the list that is shown. Without moves the stage left that part as it was.
    ``notes`` is what else there is to say: a pin that could not be set, for example."""

    stage: str
    place: int
    moves: list[Move]
    notes: list[Why]

    def lines(self, language: Language, names: Sequence[str]) -> list[str]:
        """For a reader; ``names`` by item row."""
        told = [note.said(language) for note in self.notes]
        return [*told, *(move.line(language, names[move.row]) for move in self.moves)]


def moves_between(before: Ints, after: Ints, shown: int, whys: Mapping[int, Why], up: Why, down: Why) -> list[Move]:
    """Moves from the list ``before`` to ``after`` (item rows, best first), the new order first, then what was dropped.

    ``shown`` is the length that is looked at. ``whys`` gives reasons by item row; the others are told ``up`` or
    ``down``. An item that only makes room (pushed down or up by another's move) is one of the others.
    """
    old = {row: place for place, row in enumerate(before.tolist())}
    new = after.tolist()
    moves = []
    for place, row in enumerate(new):
        was = old.pop(row, None)
        if was == place or (place >= shown and (was is None or was >= shown)):
            continue
        moves.append(
            Move(
                row,
                None if was is None else was + 1,
                place + 1,
                whys.get(row, down if was is not None and was < place else up),
            )
        )
    dropped = [Move(row, place + 1, None, whys.get(row, down)) for row, place in old.items()]
    return moves + dropped
