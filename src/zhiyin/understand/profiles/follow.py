"""A person's state brought up to date: only what arrived since is read, or everything where that cannot do."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np

from zhiyin.types import NO_TIME, Ints
from zhiyin.understand.profiles.space import ProfileParams, Space
from zhiyin.understand.profiles.state import Signs, State, advance, empty, from_bytes, to_bytes

if TYPE_CHECKING:
    import polars as pl


class Kept(Protocol):
    @property
    def bundle(self) -> str: ...

    @property
    def seq(self) -> int: ...

    @property
    def state(self) -> bytes: ...


class Events(Protocol):
    """Where events come from: ``store.profiles``."""

    def events_since(self, user_id: str, seq: int) -> pl.DataFrame: ...

    def count(self, user_id: str, seq: int) -> int: ...


@dataclass(frozen=True)
class Followed:
    """``state`` up to the event ``seq``; ``rows`` were read for it; ``kept`` is what to store, None where nothing is
    new."""

    state: State
    seq: int
    rows: int
    kept: bytes | None


def follow(
    user_id: str,
    bundle: str,
    kept: Kept | None,
    events: Events,
    signs_of: Callable[[pl.DataFrame], pl.DataFrame],
    rows_of: Callable[[Sequence[str]], Ints],
    space: Space,
    params: ProfileParams,
) -> Followed:
    """The state of ``user_id`` under ``bundle``, from what was kept of it and the events that arrived since.

    ``signs_of`` keeps the events that show interest and gives them a column ``weight`` (> 0), event by event: repeats
    are not merged. ``rows_of`` maps item ids to rows of the space, -1 where unknown. Everything is read again for
    another bundle, where stored events are gone, and where a new event happened before one that was counted.
    """
    state = None
    if kept is not None and kept.bundle == bundle:
        state = from_bytes(kept.state, space, params)
    if state is not None and kept is not None and events.count(user_id, kept.seq) == state.read:
        fresh = events.events_since(user_id, kept.seq)
        if fresh.is_empty():
            return Followed(state, kept.seq, 0, None)
        grown = advance(state, read_signs(signs_of(fresh), rows_of), len(fresh), space, params)
        if grown is not None:
            return Followed(grown, int(fresh["seq"].max()), len(fresh), to_bytes(grown, params))  # type: ignore[arg-type]
    whole = events.events_since(user_id, 0)
    state = advance(empty(space, params), read_signs(signs_of(whole), rows_of), len(whole), space, params)
    assert state is not None  # nothing comes before an empty state
    last = 0 if whole.is_empty() else int(whole["seq"].max())  # type: ignore[arg-type]
    return Followed(state, last, len(whole), to_bytes(state, params))


def read_signs(frame: pl.DataFrame, rows_of: Callable[[Sequence[str]], Ints]) -> Signs:
    """Columns ``seq``, ``item_id``, ``time``, ``weight`` as arrays, in order of arrival."""
    frame = frame.sort("seq")
    items = frame["item_id"].to_list()
    return Signs(
        frame["seq"].to_numpy(),
        frame["time"].fill_null(NO_TIME).to_numpy(),
        items,
        rows_of(items),
        frame["weight"].to_numpy().astype(np.float32),
    )
