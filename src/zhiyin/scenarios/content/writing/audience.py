"""What an audience reads: its interests, the words of what it takes, and the headlines it opens."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from zhiyin.bundle import FOLDER, active
from zhiyin.config import Settings
from zhiyin.errors import BundleError
from zhiyin.feedback.outcomes import DAY, outcomes
from zhiyin.preprocess.weights import weight_of_event
from zhiyin.rank.interests import NAME, InterestModel, InterestParams, read_interests
from zhiyin.scenarios.content.groups import EVERYBODY, Group, members
from zhiyin.scenarios.content.writing.effects import Learned, learn
from zhiyin.scenarios.content.writing.phrases import Rarity, rarity_of
from zhiyin.understand.items.terms import TermCounts, grams
from zhiyin.understand.texts import plain

if TYPE_CHECKING:
    import polars as pl

    from zhiyin.store.sql import SqlStore

DAYS = 90
"""What an audience did in so many days before its latest event counts."""
SHOWN = 20_000
"""Lists that are looked at for what headlines do, the latest: a busy site shows more in a day than can be read while
somebody waits, and the traits need far fewer."""
WORDS = 200
"""Words kept, those that tell most."""
PRIOR = 20.0
"""Items that a word's rate is drawn to everybody's by."""
INTERESTS = 8
FEWEST = 3
"""People of whom together something may be told."""
CATALOGUE = 20_000
"""Titles in which terms are counted, at most: an even sample of more."""
SPOKEN = 0.5
"""What a word of an interest is worth beside one that the audience's own items say."""


@dataclass(frozen=True)
class InterestShare:
    """``share`` of the audience's interest, ``lift`` times that of everybody."""

    id: str
    name: str
    share: float
    lift: float


@dataclass(frozen=True)
class Audience:
    """``people`` who took something, ``words`` what they take more (above 0) or less of than the catalogue has, in log
    odds, ``interests`` the strongest first (empty before the first training), ``learned`` what headlines they open."""

    group: Group
    people: int
    words: Mapping[str, float]
    interests: tuple[InterestShare, ...]
    learned: Learned
    said: Mapping[str, int] = field(default_factory=dict)
    """In how many titles of the catalogue each term stands, those of one title alone left out."""
    titles: int = 0

    @property
    def rarity(self) -> Rarity | None:
        """How rare a term is in the catalogue; None where there is none."""
        return rarity_of(self.said, self.titles) if self.titles else None

    def liking(self, text: str) -> float:
        """How much ``text`` is of what the audience takes: mean worth of its words, in [-1, 1]."""
        found = [self.words[word] for word in grams(text) if word in self.words]
        return float(np.tanh(sum(found) / (len(found) + 2))) if found else 0.0

    @property
    def few(self) -> bool:
        """Whether what is known of it would tell what single persons do: it is then neither kept nor sent anywhere."""
        return self.people < FEWEST

    def to_dict(self) -> dict[str, Any]:
        """As it is kept with a draft: it names nobody."""
        if self.few or self.group.by_id:
            group = (
                {"name": "people by id", "where": None, "circle": None} if self.group.by_id else self.group.to_dict()
            )
            return {"group": group, "people": self.people, "interests": [], "words": [], "headlines": None}
        effects = [vars(one) for one in self.learned.effects]
        return {
            "group": self.group.to_dict(),
            "people": self.people,
            "interests": [vars(one) for one in self.interests],
            "words": [word for word, weight in self.words.items() if weight > 0][:20],
            "headlines": {
                "shows": self.learned.shows,
                "taken": self.learned.taken,
                "note": self.learned.note,
                "effects": effects,
            },
        }


NOBODY = Audience(EVERYBODY, 0, {}, (), Learned((), 0, 0, 0, "nobody was looked at"))
"""Whoever is written for is not known."""


def audience_of(
    store: SqlStore, settings: Settings, project: Path, group: Group = EVERYBODY, *, now: int | None = None
) -> Audience:
    """What is known of ``group`` from what it did and was shown. Raises UsageError for a group that is not there."""
    people = members(store, group)
    latest = store.recent.latest((time.time_ns() // 1000 if now is None else now) + 1)
    until = 0 if latest is None else latest + 1
    events = store.recent.events(until - DAYS * DAY, until)
    liked = events.filter(weight_of_event(settings.preprocess) > 0)
    own = liked if people is None else liked.filter(liked["user_id"].is_in(people))
    taken = own.select("user_id", "item_id").unique()
    items = store.items()
    titles = {
        key: plain(title)
        for key, title in zip(items["item_id"].to_list(), items["title"].to_list(), strict=True)
        if title
    }
    interests, spoken = _interests(store, project, taken, liked.select("user_id", "item_id").unique())
    words = _words(titles, taken["item_id"].to_list())
    for word, weight in spoken.items():
        words[word] = words.get(word, 0.0) + weight
    shown = _shown(store, events, until, people)
    ordered = dict(sorted(words.items(), key=lambda one: (-one[1], one[0])))
    counts = TermCounts(list(titles.values())[:: -(-len(titles) // CATALOGUE) or 1])
    people_ = taken["user_id"].n_unique()
    return Audience(group, people_, ordered, interests, learn(shown, titles), counts.count, counts.total)


def _words(titles: Mapping[str, str], taken: Sequence[str]) -> dict[str, float]:
    """Log odds of each word in what was taken (an item as often as people took it) over its part of the catalogue, a
    rate being drawn to that by ``PRIOR`` items; those that tell most, weighted by how sure they are."""
    said = {item: set(grams(title)) for item, title in titles.items()}
    base = Counter(word for words in said.values() for word in words)
    total, times = len(said), [item for item in taken if item in said]
    if not times:
        return {}
    counts = Counter(word for item in times for word in said[item])
    worth = {}
    for word, count in base.items():
        if count < 2:
            continue
        rate = count / total
        drawn = (counts[word] + PRIOR * rate) / (len(times) + PRIOR)
        odds = np.log(drawn / (1 - min(drawn, 0.999))) - np.log(rate / (1 - min(rate, 0.999)))
        error = np.sqrt(1 / (counts[word] + PRIOR * rate) + 1 / count)
        worth[word] = (float(odds), float(abs(odds) / error))
    best = sorted(worth, key=lambda word: (-worth[word][1], word))[:WORDS]
    return {word: worth[word][0] for word in best if worth[word][1] > 1}


def _interests(
    store: SqlStore, project: Path, own: pl.DataFrame, everybody: pl.DataFrame
) -> tuple[tuple[InterestShare, ...], dict[str, float]]:
    """Mean of q(z|c) over what was taken, against everybody's; and what the words of interests are worth by it. Empty
    where nothing is trained."""
    if own.is_empty() or not store.bundles()["active"].any():
        return (), {}
    try:
        bundle = active(store, project / FOLDER)
        if NAME not in bundle.manifest.models:
            return (), {}
        model = InterestModel(InterestParams(**bundle.manifest.models[NAME])).restore(bundle.arrays(NAME))
    except (BundleError, TypeError, ValueError):
        # Of another version: written without it.
        return (), {}
    means = []
    for frame in (own, everybody):
        rows = bundle.items.rows(frame["item_id"].to_list())
        rows = rows[(rows >= 0) & (rows < len(model.items))]
        means.append(model.items[rows].mean(axis=0) if len(rows) else np.zeros(model.items.shape[1]))
    mine, base = means
    named = [one for one in read_interests(bundle.manifest.interests) if not one.general]
    found: list[InterestShare] = []
    words: dict[str, float] = {}
    for one in named:
        share, lift = float(mine[one.row]), float(mine[one.row] / max(base[one.row], 1e-9))
        found.append(InterestShare(one.id, one.name, round(share, 4), round(lift, 3)))
        for word in (gram for text in one.words for gram in grams(text)):
            words[word] = words.get(word, 0.0) + SPOKEN * share * len(named) * float(np.log(max(lift, 1e-3)))
    found.sort(key=lambda one: (-one.share, one.id))
    return tuple(found[:INTERESTS]), words


def _shown(store: SqlStore, events: pl.DataFrame, until: int, people: Sequence[str] | None) -> pl.DataFrame:
    frame = store.impressions.frame(since=until - DAYS * DAY, most=SHOWN)
    if people is not None:
        frame = frame.filter(frame["user_id"].is_in(list(people)))
    return outcomes(frame, events).frame
