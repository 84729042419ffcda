"""Topics as the store keeps them: one document, the newest version of which counts."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from zhiyin.errors import UsageError
from zhiyin.types import Floats

if TYPE_CHECKING:
    from zhiyin.store.records import Record
    from zhiyin.store.sql import SqlStore
    from zhiyin.store.writer import Writer

KIND, KEY, STATE = "content.topics", "all", "found"
RETIRED = 300
"""Topics that are no longer found and may come back, at most; the longest gone are forgotten."""
BY_PERSON = "person"


@dataclass(frozen=True)
class Topic:
    """``topic_id`` stays from run to run while most of the topic does. ``named_by`` is the tier that named it, or
    "person"; ``note`` says on one line why the configured language model did not, None where it did or none is.
    ``words`` tell it from the others, best first, ``kinds`` are categories that most of its items have; ``items`` are
    ids, nearest to its middle first. ``centre`` float32 [d] is a unit vector, None without an encoder. ``made`` and
    ``found`` are when it was found first and last (microseconds)."""

    topic_id: str
    name: str
    language: str
    named_by: str
    note: str | None
    words: tuple[str, ...]
    kinds: tuple[str, ...]
    items: tuple[str, ...]
    centre: Floats | None
    made: int
    found: int


@dataclass(frozen=True)
class Topics:
    """What was found at ``time``. ``encoder`` is the id of the text encoder, None without one; ``retired`` are topics
    that were found before and are not now, the longest gone first."""

    time: int
    encoder: str | None
    topics: tuple[Topic, ...]
    retired: tuple[Topic, ...] = ()

    @property
    def places(self) -> dict[str, int]:
        """The place of the topic of each item; an item is of one."""
        return {item: place for place, topic in enumerate(self.topics) for item in topic.items}

    def get(self, topic_id: str) -> Topic:
        """Raises UsageError where it is not among those found last."""
        for topic in self.topics:
            if topic.topic_id == topic_id:
                return topic
        raise UsageError(f"no topic '{topic_id}'", fix="see 'zhiyin topics list'; it may have gone")

    def renamed(self, topic_id: str, name: str) -> Topics:
        """With another name for one topic, which stays from now on. Raises UsageError for a name that is in use, empty
        or too long."""
        said = " ".join(name.split())
        if not said or len(said) > 80 or not said.isprintable():
            raise UsageError("no name for a topic", fix="use 1 to 80 printable characters")
        self.get(topic_id)
        if any(one.name.casefold() == said.casefold() and one.topic_id != topic_id for one in self.topics):
            raise UsageError(f"another topic is called '{said}'", fix="choose another name")
        told = [
            replace(one, name=said, named_by=BY_PERSON, note=None) if one.topic_id == topic_id else one
            for one in self.topics
        ]
        return replace(self, topics=tuple(told))


def read_topics(store: SqlStore) -> Topics | None:
    """What was found last; None where nothing was yet."""
    return _topics(store.records.latest(KIND, KEY))


def topics_now(writer: Writer) -> Topics | None:
    """The same as the transaction of ``writer`` sees it: nobody writes meanwhile."""
    return _topics(writer.record(KIND, KEY))


def _topics(kept: Record | None) -> Topics | None:
    if kept is None:
        return None
    body = kept.body
    topics, retired = (tuple(map(_topic, body[name])) for name in ("topics", "retired"))
    return Topics(int(body["time"]), body["encoder"], topics, retired)


def with_names(found: Topics, now: Topics | None) -> Topics:
    """``found`` with the names that people gave in ``now``, while it was being found; of two topics with one name the
    other one's stays."""
    for one in now.topics if now is not None else ():
        if one.named_by == BY_PERSON:
            with suppress(UsageError):
                found = found.renamed(one.topic_id, one.name)
    return found


def write_topics(writer: Writer, topics: Topics) -> None:
    """In place of what was kept: a document of every item would not bear many versions."""
    retired: Sequence[Topic] = topics.retired[-RETIRED:]
    body = {
        "time": topics.time,
        "encoder": topics.encoder,
        "topics": [_told(one) for one in topics.topics],
        "retired": [_told(one) for one in retired],
    }
    writer.delete_records(KIND, KEY)
    writer.put_record(KIND, KEY, STATE, body)


def name_topic(store: SqlStore, topic_id: str, name: str) -> Topic:
    """Call a topic ``name`` from now on. Raises UsageError where no topics were found, there is no such topic, or the
    name is no use."""
    with store.writing() as writer:
        found = topics_now(writer)
        if found is None:
            raise UsageError(f"no topic '{topic_id}'", fix="run 'zhiyin topics find'")
        renamed = found.renamed(topic_id, name)
        write_topics(writer, renamed)
    return renamed.get(topic_id)


def _told(one: Topic) -> dict[str, Any]:
    told = {name: getattr(one, name) for name in Topic.__dataclass_fields__ if name != "centre"}
    packed = None if one.centre is None else base64.b64encode(one.centre.astype("<f2").tobytes()).decode("ascii")
    return told | {"centre": packed}


def _topic(told: dict[str, Any]) -> Topic:
    packed = told["centre"]
    centre = None if packed is None else np.frombuffer(base64.b64decode(packed), dtype="<f2").astype(np.float32)
    lists = {name: tuple(told[name]) for name in ("words", "kinds", "items")}
    return Topic(**told | lists | {"centre": centre})
