"""What stages may know of items, each part read only when a stage asks for it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from zhiyin.errors import ConfigError
from zhiyin.types import NO_TIME, Floats, IdMap, Ints, Longs

if TYPE_CHECKING:
    from zhiyin.rerank.arms import Chooser
    from zhiyin.rerank.social.actions import Acting, Actions

Groups = tuple[NDArray[np.int64], Ints, list[str]]
"""Compressed rows of group numbers by item ([n + 1], [entries]), and the groups' names."""
CATEGORY = "category"
"""Name of the key that stands for an item's categories; every other key is an attribute."""


@dataclass(frozen=True)
class Facts:
    """What the store says of items beside their texts: ``attributes`` by row, and ``times`` int64 [n] (microseconds,
    ``NO_TIME`` where unknown) at which they were made."""

    attributes: Sequence[dict[str, Any]]
    times: Longs


@dataclass(frozen=True)
class Seen:
    """One person's events as stored: item ``rows`` int32, ``times`` int64 (microseconds, ``NO_TIME`` where unknown)
    and ``types``, aligned, in order of arrival. ``others`` are ids, types and times of events with what is no item
    here."""

    rows: Ints
    times: Longs
    types: Sequence[str]
    others: Sequence[tuple[str, str, int]] = ()


@dataclass(frozen=True)
class Shown:
    """What one person was shown of late, a row each time: item ``rows`` int32 (-1: unknown here), ``places`` int64 in
    their lists (from 1), and ``times`` int64 (microseconds), aligned."""

    rows: Ints
    places: Longs
    times: Longs


class Items:
    """The n items that may come out, by row.

    ``vectors`` float32 [n, d] are unit rows, zeros where an item has no text. ``popularity`` float [n] >= 0 counts how
    many people took each. It, ``facts`` and ``interests`` (float32 [n, Z], q(z|c)) may be functions, called at most
    once, when a stage first asks. A stage that asks for facts where there are none raises ConfigError. ``choosers``
    gives what learned from outcomes whom to try, by its name; None where nothing was learned. ``acting`` gives what
    learned from events which actions people take, for some actions and the attribute that names authors.
    """

    def __init__(
        self,
        ids: IdMap,
        categories: Sequence[Sequence[str]],
        *,
        titles: Sequence[str] | None = None,
        vectors: Floats | None = None,
        popularity: NDArray[np.floating[Any]] | Callable[[], NDArray[np.floating[Any]]] | None = None,
        facts: Callable[[], Facts] | None = None,
        interests: Callable[[], Floats] | None = None,
        choosers: Callable[[str], Chooser] | None = None,
        acting: Callable[[Actions, str | None], Acting | None] | None = None,
    ) -> None:
        self.ids = ids
        self.titles = titles if titles is not None else ids.ids
        self.categories = categories
        self.vectors = vectors
        self._popularity = popularity
        self._load_facts = facts
        self._load_interests = interests
        self._load_chooser = choosers
        self._choosers: dict[str, Chooser] = {}
        self._load_acting = acting
        self._acting: dict[tuple[Actions, str | None], Acting | None] = {}
        self.kept: dict[object, Any] = {}
        """What stages made of all items once, by their own keys."""
        self._groups: dict[tuple[str, str], Groups] = {}
        self.masks: dict[str, NDArray[np.bool_]] = {}
        """Conditions that were computed for all items, by their text."""

    def __len__(self) -> int:
        return len(self.ids)

    def name(self, row: int) -> str:
        """The title, or the id where there is none."""
        return self.titles[row] or self.ids.ids[row]

    @cached_property
    def facts(self) -> Facts:
        if self._load_facts is None:
            raise ConfigError("a stage asks for attributes or times of items, and none are here", fix="give them")
        return self._load_facts()

    @cached_property
    def interests(self) -> Floats | None:
        """q(z|c) float32 [n, Z]; None where no interest model is there."""
        return None if self._load_interests is None else self._load_interests()

    def chooser(self, name: str) -> Chooser | None:
        """What learned from outcomes by the method ``name``; None where nothing was learned."""
        if self._load_chooser is None:
            return None
        if name not in self._choosers:
            self._choosers[name] = self._load_chooser(name)
        return self._choosers[name]

    def acting(self, actions: Actions, author: str | None) -> Acting | None:
        """What learned how often people take ``actions``; None where no event says."""
        if self._load_acting is None:
            return None
        if (actions, author) not in self._acting:
            self._acting[actions, author] = self._load_acting(actions, author)
        return self._acting[actions, author]

    @cached_property
    def popularity(self) -> NDArray[np.float64]:
        if self._popularity is None:
            return np.zeros(len(self))
        told = self._popularity() if callable(self._popularity) else self._popularity
        return np.asarray(told, dtype=np.float64)

    @cached_property
    def has_vectors(self) -> bool:
        return self.vectors is not None and bool(self.vectors.any())

    @cached_property
    def category_table(self) -> Any:
        """CSR float32 [n, categories], rows of unit length; an item without categories has an empty row."""
        from scipy import sparse

        indptr, codes, names = self.groups(CATEGORY, "every")
        sizes = np.repeat(np.diff(indptr), np.diff(indptr))
        values = (1 / np.sqrt(np.maximum(sizes, 1))).astype(np.float32)
        return sparse.csr_array((values, codes, indptr), shape=(len(self), max(1, len(names))))

    @cached_property
    def attribute_names(self) -> list[str]:
        """Every attribute that at least one item has, sorted."""
        return sorted({name for own in self.facts.attributes for name in own})

    def groups(self, key: str, which: str = "every") -> Groups:
        """The groups of each item under ``key``: its categories (``which``: every, first or last of them) or the values
        of an attribute. An item without any is in no group."""
        found = self._groups.get((key, which))
        if found is None:
            found = self._groups[key, which] = self._grouped(key, which)
        return found

    def _grouped(self, key: str, which: str) -> Groups:
        numbers: dict[str, int] = {}
        counts, codes = [], []
        for values in self._values(key, which):
            own = dict.fromkeys(values)
            counts.append(len(own))
            codes += [numbers.setdefault(value, len(numbers)) for value in own]
        indptr = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
        return indptr, np.array(codes, dtype=np.int32), list(numbers)

    def _values(self, key: str, which: str) -> list[list[str]]:
        if key != CATEGORY:
            return [values_of(own.get(key)) for own in self.facts.attributes]
        if which == "every":
            return [list(own) for own in self.categories]
        return [list(own[:1] if which == "first" else own[-1:]) for own in self.categories]

    def codes_of(self, groups: Groups, row: int) -> list[int]:
        indptr, codes, _ = groups
        own: list[int] = codes[indptr[row] : indptr[row + 1]].tolist()
        return own

    def ages(self, now: int) -> NDArray[np.float64]:
        """Days since each item was made, float64 [n], at least 0; NaN where that is not known."""
        times = self.facts.times
        return np.where(times == NO_TIME, np.nan, np.maximum(now - times, 0) / DAY)


DAY = 86_400_000_000
"""Microseconds."""


def values_of(cell: Any) -> list[str]:
    """An attribute's values as text: none where it is missing, several out of a list."""
    if cell is None or cell == "":
        return []
    if isinstance(cell, list):
        return [text for one in cell for text in values_of(one)]
    if isinstance(cell, bool):
        return ["true" if cell else "false"]
    if isinstance(cell, float) and cell.is_integer():
        return [str(int(cell))]
    return [str(cell)]
