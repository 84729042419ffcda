"""What a group discusses, and what is rising in it: topics with shares, growth, examples and questions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from zhiyin.config import Settings
from zhiyin.errors import NotEnoughData
from zhiyin.ports import LanguageModels, NoLanguageModels
from zhiyin.scenarios.content.groups import EVERYBODY, Group, members
from zhiyin.scenarios.content.topics.activity import Activity, active_of, read_events
from zhiyin.scenarios.content.topics.find import end_of
from zhiyin.scenarios.content.topics.kept import Topic, read_topics
from zhiyin.scenarios.content.topics.questions import Question, questions_of
from zhiyin.scenarios.content.topics.rising import Rising, rising
from zhiyin.scenarios.content.topics.settings import WindowSettings
from zhiyin.types import Tier

if TYPE_CHECKING:
    import polars as pl

    from zhiyin.store.sql import SqlStore

EXAMPLES = 3


@dataclass(frozen=True)
class Example:
    """``people`` of the group took it in the late window."""

    item_id: str
    title: str | None
    people: int


@dataclass(frozen=True)
class TopicView:
    """A topic as a group has it of late. ``people`` took something of it, ``share`` is the share of the group's active
    people; ``lift`` is that over everybody's share (None for everybody). ``growth`` of its share of person-days against
    the days before, with a 95 % interval (None where nothing was before); ``rising`` says that it surely grew, ``q`` is
    the share of false alarms that one accepts with it. ``named_by`` is the tier that named it, or "person"."""

    topic_id: str
    name: str
    named_by: str
    words: list[str]
    people: int
    share: float
    lift: float | None
    growth: float | None
    growth_low: float | None
    growth_high: float | None
    q: float
    rising: bool
    items: int
    examples: list[Example]
    questions: list[Question]


@dataclass(frozen=True)
class Discussed:
    """``people`` of the group were active in the ``days`` that end at ``until`` (microseconds); ``found`` is when
    topics were found. ``unplaced`` is the share of what they took then that belongs to no topic. ``tier`` is the
    language model that took part in the questions, ``fallback`` why a configured one did not."""

    group: dict[str, Any]
    until: int
    days: int
    before: int
    found: int
    people: int
    unplaced: float
    tier: Tier
    fallback: dict[str, str] | None
    topics: list[TopicView]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def discussed(
    store: SqlStore,
    settings: Settings,
    group: Group = EVERYBODY,
    *,
    k: int = 20,
    only_rising: bool = False,
    topic_id: str | None = None,
    at: int | None = None,
    window: WindowSettings | None = None,
    questions: int = 3,
    models: LanguageModels | None = None,
    seconds: float | None = None,
) -> Discussed:
    """The ``k`` topics that most people of ``group`` took of late, those that rise first; with ``topic_id`` that one
    alone. ``questions`` of each are given to start a discussion (0: none, which asks no language model); ``seconds`` is
    what a model may take for them, None the settings' ``batch_seconds``.

    Raises NotEnoughData where no topics were found yet, UsageError for a group or topic that is not there.
    """
    window = window or WindowSettings()
    found = read_topics(store)
    if found is None:
        raise NotEnoughData("no topics were found yet", fix="run 'zhiyin topics find'")
    if topic_id is not None:
        found.get(topic_id)
    people = members(store, group)
    until = end_of(store, at)
    events = read_events(store, until, window, settings.preprocess)
    places = found.places
    own = active_of(events, places, len(found.topics), window, people)
    all_ = own if people is None else active_of(events, places, len(found.topics), window)
    told = rising(own.late, own.before, own.active_late, own.active_before, window.prior)
    chosen = _chosen(found.topics, own, told, window, k, only_rising, topic_id)
    titles = _titles(store, [item for place in chosen for item in _examples(found.topics[place], own)])
    shown = [_view(found.topics[place], place, own, all_, told, window, titles, people is None) for place in chosen]
    tier, fallback = Tier.NONE, None
    if questions and shown:
        asked = [found.topics[place] for place in chosen]
        answers = questions_of(asked, shown, questions, models or NoLanguageModels(), settings, seconds)
        shown, tier, fallback = answers.topics, answers.tier, answers.fallback
    taken = sum(own.takers.values())
    placed = sum(count for item, count in own.takers.items() if item in places)
    unplaced = 1 - placed / taken if taken else 0.0
    return Discussed(
        group.to_dict(),
        until,
        window.days,
        window.before,
        found.time,
        own.active,
        round(unplaced, 4),
        tier,
        fallback,
        shown,
    )


def _chosen(
    topics: Sequence[Topic],
    own: Activity,
    told: Rising,
    window: WindowSettings,
    k: int,
    only_rising: bool,
    topic_id: str | None,
) -> list[int]:
    """Places of the topics to show: those that rise first, the surest first; then those that most people took."""
    if topic_id is not None:
        return [place for place, one in enumerate(topics) if one.topic_id == topic_id]
    up = _rises(told, window)
    some = [place for place in range(len(topics)) if own.people[place] >= window.people]
    some = [place for place in some if up[place] or not only_rising]
    some.sort(key=lambda at: (not up[at], told.q[at] if up[at] else 0.0, -own.people[at], topics[at].topic_id))
    return some[:k]


def _rises(told: Rising, window: WindowSettings) -> np.ndarray:
    with np.errstate(invalid="ignore"):
        return (told.q <= window.alarms) & (told.low > 1)


def _view(
    topic: Topic,
    place: int,
    own: Activity,
    all_: Activity,
    told: Rising,
    window: WindowSettings,
    titles: dict[str, str | None],
    everybody: bool,
) -> TopicView:
    share = own.people[place] / own.active if own.active else 0.0
    base = all_.people[place] / all_.active if all_.active else 0.0
    examples = [Example(item, titles[item], own.takers[item]) for item in _examples(topic, own) if item in titles]
    growth, low, high = (
        None if np.isnan(one[place]) else round(float(one[place]), 3) for one in (told.growth, told.low, told.high)
    )
    return TopicView(
        topic_id=topic.topic_id,
        name=topic.name,
        named_by=topic.named_by,
        words=list(topic.words),
        people=int(own.people[place]),
        share=round(float(share), 4),
        lift=None if everybody or not base else round(float(share / base), 3),
        growth=growth,
        growth_low=low,
        growth_high=high,
        q=round(float(told.q[place]), 6),
        rising=bool(_rises(told, window)[place]),
        items=sum(item in own.takers for item in topic.items),
        examples=examples[:EXAMPLES],
        questions=[],
    )


def _examples(topic: Topic, own: Activity) -> list[str]:
    """Items that most of the group took of those in the middle of the topic: what lies at its edge may be read by many,
    and speak of something else."""
    middle = topic.items[: max(2 * EXAMPLES, len(topic.items) // 3)]
    some = [item for item in middle if item in own.takers] or [item for item in topic.items if item in own.takers]
    return sorted(some, key=lambda item: -own.takers[item])[: 2 * EXAMPLES]


def _titles(store: SqlStore, items: Sequence[str]) -> dict[str, str | None]:
    """Of items that may be shown."""
    frame: pl.DataFrame = store.items(items) if items else store.items([])
    frame = frame.filter(~frame["hidden"])
    return dict(zip(frame["item_id"].to_list(), frame["title"].to_list(), strict=True))
