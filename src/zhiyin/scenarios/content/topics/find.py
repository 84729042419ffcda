"""Finding topics: what was taken of late, grouped by what it says, named, and held against what was found before."""

from __future__ import annotations

import hashlib
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import count
from typing import TYPE_CHECKING, Any

import numpy as np

from zhiyin.config import Settings
from zhiyin.errors import NotEnoughData
from zhiyin.llm.prompts import render
from zhiyin.ports import LanguageModels, NoLanguageModels, Progress, Silent
from zhiyin.prepare import read_catalogue
from zhiyin.scenarios.content.topics.activity import read_events
from zhiyin.scenarios.content.topics.grouping import NONE, centres_of, groups_of, placed
from zhiyin.scenarios.content.topics.kept import (
    BY_PERSON,
    Topic,
    Topics,
    read_topics,
    topics_now,
    with_names,
    write_topics,
)
from zhiyin.scenarios.content.topics.naming import Spoken, named, spoken, still_holds
from zhiyin.scenarios.content.topics.settings import TopicsSettings, WindowSettings
from zhiyin.types import Catalogue, Floats, IdMap, Ints
from zhiyin.understand.encoder import make_encoder
from zhiyin.understand.fusion import Fusion
from zhiyin.understand.items.terms import TermCounts
from zhiyin.understand.long_texts import encode_parts, item_parts

if TYPE_CHECKING:
    import polars as pl

    from zhiyin.store.sql import SqlStore

COUNTED = 400
"""Characters of an item's text whose words are counted."""
DIMENSION = 64
"""Of the vectors that stand in where there is no text encoder."""
FUTURE = 1
"""An event of the last microsecond is inside the window."""


@dataclass(frozen=True)
class Finding:
    """What came of it: ``topics`` as kept now; ``items`` were looked at, ``placed`` of them belong to a topic; ``kept``
    topics were there before, ``returned`` had gone and came back, ``new`` are new, ``gone`` are no longer found."""

    topics: Topics
    items: int
    placed: int
    kept: int
    returned: int
    new: int
    gone: int

    def to_dict(self) -> dict[str, Any]:
        told = {name: getattr(self, name) for name in ("items", "placed", "kept", "returned", "new", "gone")}
        named = [{"topic_id": one.topic_id, "name": one.name, "items": len(one.items)} for one in self.topics.topics]
        return {"until": self.topics.time, "encoder": self.topics.encoder, **told, "topics": named}

    def line(self) -> str:
        told = f"{len(self.topics.topics):,} topics of {self.placed:,} of {self.items:,} items"
        return f"{told}: {self.kept:,} as before, {self.returned:,} came back, {self.new:,} new, {self.gone:,} gone"


def end_of(store: SqlStore, at: int | None = None) -> int:
    """The end of the late window: ``at``, or just after the latest event that has happened. So a history that was
    imported has a last week, too. Raises NotEnoughData without events that carry a time."""
    if at is not None:
        return at
    latest = store.recent.latest(time.time_ns() // 1000 + FUTURE)
    if latest is None:
        raise NotEnoughData("no event carries a time", fix="import events with a timestamp")
    return latest + FUTURE


def find_topics(
    store: SqlStore,
    settings: Settings,
    *,
    at: int | None = None,
    topics: TopicsSettings | None = None,
    window: WindowSettings | None = None,
    models: LanguageModels | None = None,
    progress: Progress | None = None,
) -> Finding:
    """Find the topics of what people took in the window that ends at ``at`` (microseconds; None: the latest event) and
    in the one before it, and keep them. Raises NotEnoughData where nothing was taken or too little of it has words."""
    topics, window = topics or TopicsSettings(), window or WindowSettings()
    models, progress = models or NoLanguageModels(), progress or Silent()
    end = end_of(store, at)
    with progress.task("Reading what was taken"):
        events = read_events(store, end, window, settings.preprocess)
        wanted = _busiest(events)
        items = store.items(wanted)
        items = items.filter(~items["hidden"])
    shown = set(items["item_id"].to_list())
    order = IdMap([key for key in wanted if key in shown])
    catalogue = read_catalogue(items, order)
    if sum(bool(text.strip()) for text in catalogue.texts) < topics.support:
        what = "too few of the items that people took have a title or a description"
        raise NotEnoughData(what, fix="import items with titles: --items FILE")
    vectors, encoder = _vectors(store, settings, items, order, catalogue, topics.seed, progress)
    with progress.task("Grouping items"):
        groups = groups_of(vectors[: topics.items], topics)
        centres = centres_of(vectors[: topics.items], groups)
        groups = np.concatenate([groups, np.full(len(vectors) - len(groups), NONE)]).astype(np.int32)
        # What lay in groups too small for a topic, and what was not looked at, goes to the nearest.
        left = np.flatnonzero(groups == NONE)
        groups[left] = placed(vectors[left], centres, topics.near)
    inside = _inside(vectors, centres, groups)
    words = TermCounts([text[:COUNTED] for text in catalogue.texts])
    counts = Counter(kind for kinds in catalogue.categories for kind in dict.fromkeys(kinds))
    said = [spoken(rows, catalogue.titles, catalogue.categories, words, counts) for rows in inside]
    before = read_topics(store)
    matched = _match(order, inside, centres if encoder else None, before, encoder, topics)
    with progress.task("Naming topics"):
        gone = {one.topic_id for one in (*before.topics, *before.retired)} if before else set()
        found = _named(order, inside, said, centres if encoder else None, matched, end, models, settings, gone)
    known = {one.topic_id for one in before.topics} if before else set()
    retired = _retired(before, {one.topic_id for one in found})
    kept = Topics(end, encoder, tuple(found), tuple(retired))
    with store.writing() as writer:
        kept = with_names(kept, topics_now(writer))
        write_topics(writer, kept)
    same = sum(one is not None and one.topic_id in known for one in matched)
    back = sum(one is not None for one in matched) - same
    total = sum(map(len, inside))
    return Finding(kept, len(order), total, same, back, len(found) - same - back, len(known) - same)


def _busiest(events: pl.DataFrame) -> list[str]:
    """Items that were taken, those that most people took first."""
    import polars as pl

    taken = events.select("user_id", "item_id").unique().group_by("item_id").agg(pl.len().alias("people"))
    return taken.sort(["people", "item_id"], descending=[True, False])["item_id"].to_list()


def _vectors(
    store: SqlStore,
    settings: Settings,
    items: pl.DataFrame,
    order: IdMap,
    catalogue: Catalogue,
    seed: int,
    progress: Progress,
) -> tuple[Floats, str | None]:
    """Unit rows in the order of ``order``, centred on them, and the id of the encoder; without one the words that
    texts share stand in."""
    encoder = make_encoder(settings.encoder, catalogue.texts, progress)
    if encoder is None:
        return TermCounts([text[:COUNTED] for text in catalogue.texts]).vectors(DIMENSION, seed), None
    parts: list[list[str]] = [[""] for _ in range(len(order))]
    columns = items.select("title", "description", "categories").iter_rows()
    for row, (title, description, kinds) in zip(order.rows(items["item_id"].to_list()), columns, strict=True):
        parts[row] = item_parts(title, description, kinds or [])
    vectors = encode_parts(parts, encoder, store, progress)
    return Fusion([vectors])([vectors]), encoder.model_id


def _inside(vectors: Floats, centres: Floats, groups: Ints) -> list[list[int]]:
    """Rows of each group, nearest to its middle first."""
    found = []
    for place, centre in enumerate(centres):
        rows = np.flatnonzero(groups == place)
        near = np.argsort(-np.round(vectors[rows] @ centre, 6), kind="stable")
        found.append([int(row) for row in rows[near]])
    return found


def _match(
    order: IdMap,
    inside: Sequence[Sequence[int]],
    centres: Floats | None,
    before: Topics | None,
    encoder: str | None,
    settings: TopicsSettings,
) -> list[Topic | None]:
    """The topic of before that each group is: by common items, one to one; then, of those left over and of those that
    had gone, by the centre."""
    found: list[Topic | None] = [None] * len(inside)
    if before is None or not inside:
        return found
    places = before.places
    common = np.zeros((len(inside), max(1, len(before.topics))))
    known = {item for item in places if item in order}
    sizes = np.array([sum(item in known for item in one.items) for one in before.topics] or [0], dtype=np.float64)
    for group, rows in enumerate(inside):
        there = [places[order.ids[row]] for row in rows if order.ids[row] in places]
        for place, both in Counter(there).items():
            common[group, place] = both / (len(there) + sizes[place] - both)
    _assign(common, settings.kept_share, before.topics, found)
    if centres is None or encoder != before.encoder:
        return found
    taken = {one.topic_id for one in found if one is not None}
    left = [one for one in (*before.topics, *before.retired) if one.topic_id not in taken and one.centre is not None]
    left = [one for one in left if one.centre is not None and len(one.centre) == centres.shape[1]]
    if left:
        alike = centres @ np.stack([one.centre for one in left if one.centre is not None]).T
        alike[[place for place, one in enumerate(found) if one is not None]] = -1
        _assign(alike.astype(np.float64), settings.again, left, found)
    return found


def _assign(alike: np.ndarray, least: float, topics: Sequence[Topic], found: list[Topic | None]) -> None:
    """One to one, so that the sum is largest (Hungarian method); pairs below ``least`` are none."""
    from scipy.optimize import linear_sum_assignment

    for group, place in zip(*linear_sum_assignment(-np.round(alike, 9)), strict=True):
        if alike[group, place] >= least and place < len(topics) and found[group] is None:
            found[group] = topics[place]


def _named(
    order: IdMap,
    inside: Sequence[Sequence[int]],
    said: Sequence[Spoken],
    centres: Floats | None,
    matched: Sequence[Topic | None],
    now: int,
    models: LanguageModels,
    settings: Settings,
    gone: set[str],
) -> list[Topic]:
    """``gone`` are ids that may come back, and no new topic may have."""
    stays = [
        one is not None and (one.named_by == BY_PERSON or still_holds(one.name, told))
        for one, told in zip(matched, said, strict=True)
    ]
    taken = {one.name for one, holds in zip(matched, stays, strict=True) if one is not None and holds}
    bare = [place for place, holds in enumerate(stays) if not holds]
    seconds = settings.llm.batch_seconds
    fresh = dict(zip(bare, named([said[place] for place in bare], taken, models, render, seconds=seconds), strict=True))
    used = {one.topic_id for one in matched if one is not None} | gone
    found = []
    for place, (rows, told) in enumerate(zip(inside, said, strict=True)):
        old = matched[place]
        items = tuple(order.ids[row] for row in rows)
        key = old.topic_id if old is not None else _new_id(items, used)
        used.add(key)
        if place in fresh:
            name, by, note = fresh[place].text, fresh[place].tier.value, fresh[place].note
        else:
            assert old is not None
            name, by, note = old.name, old.named_by, old.note
        centre = None if centres is None else centres[place]
        made = now if old is None else old.made
        found.append(Topic(key, name, told.language, by, note, told.words, told.kinds, items, centre, made, now))
    return found


def _new_id(items: Sequence[str], used: set[str]) -> str:
    """From the item in the middle that no other topic is called after: the same data give the same ids."""
    for turn in count():
        for item in items:
            text = f"{item}\n{turn}" if turn else item
            key = "d-" + hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:12]
            if key not in used:
                return key
    raise AssertionError("there is always another number")


def _retired(before: Topics | None, found: set[str]) -> list[Topic]:
    """Those that are not found any more, the longest gone first; what they held is not kept."""
    if before is None:
        return []
    gone = [replace(one, items=()) for one in (*before.retired, *before.topics) if one.topic_id not in found]
    return sorted(gone, key=lambda one: (one.found, one.topic_id))
