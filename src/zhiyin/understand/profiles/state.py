"""What is kept of a person's events: sums that new events are added to, and the strongest events of each interest."""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhiyin.types import NO_TIME, Floats, Ints, Longs
from zhiyin.understand.profiles.space import ProfileParams, Space

VERSION = 1
DAY = 86_400_000_000
"""Microseconds."""
NONE = -1
"""Place of evidence that is not there."""

Doubles = NDArray[np.float64]


@dataclass(frozen=True)
class Signs:
    """Events that show interest, in order of arrival: ``seqs`` and ``times`` (NO_TIME where unknown) int64 [k],
    ``items`` ids, ``rows`` int32 [k] in the space or -1, ``weights`` float32 [k] > 0."""

    seqs: Longs
    times: Longs
    items: Sequence[str]
    rows: Ints
    weights: Floats


@dataclass(frozen=True)
class State:
    """Index 0 of the first axis is the long term, 1 the present. All fade alike, so all are as of ``latest``.

    ``read`` counts the rows that were looked at, ``events`` those that showed interest in an item that is known.
    ``sums`` [2, d] are weighted h(c), ``mass`` [2] the weights, ``squares`` [2] their squares; ``pulls`` and
    ``pull_squares`` [2, Z] the same of what speaks for each interest. ``seqs``, ``when``, ``names`` (places in
    ``items``) and ``worth`` [2, Z, kept] are the strongest events of each, worth falling, seq ``NONE`` where there are
    fewer.
    """

    read: int
    events: int
    latest: int
    sums: Doubles
    mass: Doubles
    squares: Doubles
    pulls: Doubles
    pull_squares: Doubles
    seqs: Longs
    when: Longs
    names: Longs
    worth: Doubles
    items: list[str]


def empty(space: Space, params: ProfileParams) -> State:
    width = space.representation.shape[1]
    size = space.people(np.zeros((1, width), dtype=np.float32)).shape[1]
    none = np.full((2, size, params.kept), NONE, dtype=np.int64)
    zeros = np.zeros((2, size))
    worth = np.zeros((2, size, params.kept))
    return State(
        0, 0, NO_TIME, np.zeros((2, width)), np.zeros(2), np.zeros(2), zeros, zeros.copy(), none, none.copy(),
        none.copy(), worth, [],
    )  # fmt: skip


def advance(state: State, signs: Signs, read: int, space: Space, params: ProfileParams) -> State | None:
    """``state`` with ``signs`` added, of ``read`` rows looked at; None where one of them happened before what was
    added already: then the whole history has to be read in order.

    An event without a time happened when the latest before it, by arrival, did. Items that the space does not know are
    counted as read and otherwise left out.
    """
    known = np.flatnonzero(signs.rows >= 0)
    state = replace(state, read=state.read + read)
    if not len(known):
        return state
    said = signs.times[known]
    before = np.maximum.accumulate(np.concatenate(([state.latest], said)))[:-1]
    times = np.where(said == NO_TIME, before, said)
    if state.events and times.min() < state.latest:
        return None
    order = known[np.lexsort((signs.seqs[known], times))]
    times = np.sort(times)
    fades = [_fades(state.latest if state.events else int(times[0]), times, params, part) for part in (0, 1)]
    fade = np.stack(fades)  # [2, 1 + k]: of what was there, and of each new event
    weights = signs.weights[order].astype(np.float64) * fade[:, 1:]
    rows = signs.rows[order]
    shown = space.representation[rows].astype(np.float64)
    pulls = weights[:, :, None] * space.pulls(rows).astype(np.float64)
    old = fade[:, 0]
    items = state.items + [signs.items[place] for place in order]
    fresh = np.arange(len(state.items), len(items))
    grown = State(
        state.read,
        state.events + len(order),
        max(state.latest, int(times[-1])),
        state.sums * old[:, None] + weights @ shown,
        state.mass * old + weights.sum(axis=1),
        state.squares * old**2 + (weights**2).sum(axis=1),
        state.pulls * old[:, None] + pulls.sum(axis=1),
        state.pull_squares * old[:, None] ** 2 + (pulls**2).sum(axis=1),
        *_strongest(state, pulls, old, signs.seqs[order], times, fresh, params.kept),
        items,
    )
    return _compact(grown)


def _fades(before: int, times: Longs, params: ProfileParams, part: int) -> Doubles:
    """What is left of the state's sums, and of each new event, once the last new one has been added: [1 + k]."""
    days, steps = (params.long_days, params.long_events) if part == 0 else (params.now_days, params.now_events)
    line = np.concatenate(([before], times))
    gaps = np.where((line[1:] != NO_TIME) & (line[:-1] != NO_TIME), line[1:] - line[:-1], 0) / DAY
    halvings = np.concatenate((np.maximum(gaps, 0) / days + 1 / steps, [0.0]))
    left: Doubles = np.exp2(-np.cumsum(halvings[::-1])[::-1])
    return left


def _strongest(
    state: State, pulls: Doubles, old: Doubles, seqs: Longs, times: Longs, fresh: Longs, kept: int
) -> tuple[Longs, Longs, Longs, Doubles]:
    """The ``kept`` strongest of what was kept and what is new, for each half-life and interest; ties to the earlier."""
    size = pulls.shape[2]

    def joined(before: NDArray[Any], new: NDArray[Any]) -> NDArray[Any]:
        return np.concatenate((before, np.broadcast_to(new, (2, size, len(new)))), axis=2)

    worth = np.concatenate((state.worth * old[:, None, None], pulls.transpose(0, 2, 1)), axis=2)
    places = [joined(state.seqs, seqs), joined(state.when, times), joined(state.names, fresh)]
    # Rounding must not decide between events that are worth the same, read at once or one by one.
    order = np.lexsort((places[0], -np.round(np.log2(np.maximum(worth, 1e-300)), 6)))[:, :, :kept]
    taken, when, names = (np.take_along_axis(one, order, axis=2) for one in places)
    best = np.take_along_axis(worth, order, axis=2)
    nothing = best <= 0
    return (
        np.where(nothing, NONE, taken),
        np.where(nothing, NONE, when),
        np.where(nothing, NONE, names),
        np.where(nothing, 0.0, best),
    )


def _compact(state: State) -> State:
    """Without the items that are no evidence any more."""
    used, places = np.unique(state.names, return_inverse=True)
    shift = int(len(used) > 0 and used[0] == NONE)
    items = [state.items[place] for place in used[shift:]]
    return replace(state, names=places.reshape(state.names.shape) - shift, items=items)


ARRAYS = ("sums", "mass", "squares", "pulls", "pull_squares", "seqs", "when", "names", "worth")


def to_bytes(state: State, params: ProfileParams) -> bytes:
    """An .npz without pickle."""
    head = {
        "version": VERSION,
        "params": params.model_dump(),
        "items": state.items,
        **{name: getattr(state, name) for name in ("read", "events", "latest")},
    }
    told = np.frombuffer(json.dumps(head, ensure_ascii=False).encode("utf-8"), dtype=np.uint8)
    out = io.BytesIO()
    np.savez_compressed(out, head=told, **{name: getattr(state, name) for name in ARRAYS})
    return out.getvalue()


def from_bytes(told: bytes, space: Space, params: ProfileParams) -> State | None:
    """None where it is damaged, of another version or other parameters, or does not fit the space."""
    try:
        with np.load(io.BytesIO(told), allow_pickle=False) as arrays:
            head = json.loads(arrays["head"].tobytes().decode("utf-8"))
            if head["version"] != VERSION or head["params"] != params.model_dump():
                return None
            counts = {name: int(head[name]) for name in ("read", "events", "latest")}
            values: dict[str, Any] = {**counts, **{name: arrays[name] for name in ARRAYS}}
            state = State(**values, items=list(head["items"]))
    except Exception:  # whatever a damaged archive raises (zlib, zip, JSON, types): it is made again from the events
        return None
    wanted = empty(space, params)
    shapes = [(getattr(state, name).shape, getattr(wanted, name).shape) for name in ARRAYS]
    fits = all(found == right for found, right in shapes) and int(state.names.max(initial=-1)) < len(state.items)
    return state if fits else None
