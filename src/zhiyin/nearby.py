"""Who is near somebody, as stored now: people they are linked with, and members of their circles, with what these took.

Whoever came after training, and has links and no events, is found here too.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from zhiyin.config import PreprocessSettings
from zhiyin.preprocess.dataset import CLOCKS_DIFFER
from zhiyin.preprocess.few import histories_now
from zhiyin.rerank.social.near import Near
from zhiyin.types import Histories

if TYPE_CHECKING:
    from zhiyin.bundle import Bundle
    from zhiyin.newcomers import Shelf
    from zhiyin.store.sql import SqlStore

PEOPLE = 400
"""People who are listened to, at most: the nearest."""
FIRST = 200
"""Links followed from each, at most."""
MATES = 300
"""Members of one circle who are looked at, the strongest."""

Links = dict[str, dict[str, float]]


def near_of(store: SqlStore, user_id: str, histories: Callable[[Sequence[str]], Histories]) -> Near | None:
    """None for somebody who is linked with nobody and in no circle. ``histories`` tells what people took, a row each in
    the order asked."""
    links = store.linked.of([user_id], FIRST)
    own = links.get(user_id, {})
    friends = _shares(own)
    onward: dict[str, float] = {}
    for friend, theirs in store.linked.of(list(friends), FIRST).items():
        for other, share in _shares(theirs).items():
            if other != user_id:
                onward[other] = onward.get(other, 0.0) + friends[friend] * share
    circles, strongest, names = _circles(store, user_id, friends)
    voice = {
        person: friends.get(person, 0.0) + onward.get(person, 0.0) + circles.get(person, 0.0)
        for person in {*friends, *onward, *circles}
    }
    if not voice:
        return None
    people = sorted(voice, key=lambda person: (-voice[person], person))[:PEOPLE]
    taken = histories(people)
    return Near(
        np.array([friends.get(one, 0.0) for one in people]),
        np.array([onward.get(one, 0.0) for one in people]),
        np.array([circles.get(one, 0.0) for one in people]),
        np.array([strongest.get(one, -1) for one in people], dtype=np.int32),
        names,
        taken.items,
        taken.weights,
        taken.times,
        taken.owners(),
        frozenset(store.linked.followed(user_id)),
    )


def taken_by(store: SqlStore, bundle: Bundle, shelf: Shelf) -> Callable[[Sequence[str]], Histories]:
    """What people took by now, cleaned as for lists, in the rows of ``shelf``."""
    config = bundle.manifest.config
    preprocess, unit, now = PreprocessSettings(**config["preprocess"]), float(config["unit"]), int(config["now"])

    def histories(people: Sequence[str]) -> Histories:
        until = time.time_ns() // 1000 + CLOCKS_DIFFER
        told: dict[str, Any] = {"unit": unit, "known": bundle.users, "now": now, "until": until}
        return histories_now(store.events_of(people), people, shelf.items, preprocess, **told)

    return histories


def _shares(weights: Mapping[str, float]) -> dict[str, float]:
    total = sum(weights.values())
    return {person: weight / total for person, weight in weights.items()} if total > 0 else {}


def _circles(
    store: SqlStore, user_id: str, friends: Mapping[str, float]
) -> tuple[dict[str, float], dict[str, int], list[tuple[str, str]]]:
    """Shares of people by circles in common, the strongest circle of each, and the circles' names. Somebody who came
    after the last run is of the circles of those they are linked with."""
    own = {one.circle_id: one.weight for one in store.circles.of_user(user_id)}
    if not own:
        for friend, share in friends.items():
            for one in store.circles.of_user(friend):
                own[one.circle_id] = own.get(one.circle_id, 0.0) + share * one.weight
    shares: dict[str, float] = {}
    strongest: dict[str, tuple[float, int]] = {}
    names: list[tuple[str, str]] = []
    for key, weight in sorted(_shares(own).items(), key=lambda pair: (-pair[1], pair[0]))[:5]:
        record = store.records.latest("circle", key)
        if record is None:
            continue
        names.append((str(record.body["name"]["en"]), str(record.body["name"]["zh"])))
        mates = {one.user_id: one.weight for one in store.circles.members(key, MATES) if one.user_id != user_id}
        for person, share in _shares(mates).items():
            shares[person] = shares.get(person, 0.0) + weight * share
            if weight * share > strongest.get(person, (0.0, -1))[0]:
                strongest[person] = weight * share, len(names) - 1
    return shares, {person: place for person, (_, place) in strongest.items()}, names
