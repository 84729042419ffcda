"""The topics of a catalogue: named, bounded in number, with ids that stay."""

from __future__ import annotations

import hashlib
import json
import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Protocol

from pydantic import BaseModel, ConfigDict, Field

_PLURAL = re.compile(r"(?<=[a-z]{3})(?<!s)s$")
_DROPPED = re.compile(r"[\W_]+")


class TaxonomySettings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    size: int = Field(300, ge=1, le=5000)
    """Topics at most. A full taxonomy takes no new ones: ids that are in use are never given up for others."""
    support: int = Field(5, ge=1)
    """Items that must speak of a topic before it becomes one."""
    widest: float = Field(0.8, gt=0, le=1)
    """A category that more than this share of the catalogue is in says nothing and is no topic."""
    alike: float = Field(0.9, gt=0, le=1)
    """Cosine between the vectors of two names from which on they are one topic, said in two ways."""
    alike_across: float = Field(0.75, gt=0, le=1)
    """The same for a name with Chinese characters and one without, provided that of all names of the other kind each is
    the other's nearest."""
    cluster_items: int = Field(40, ge=2)
    """Items of one cluster, on average, when topics are looked for among items that have none."""
    cues: int = Field(6, ge=0, le=50)
    """Distinctive terms kept with a topic; they are part of what is encoded for it."""
    choices: int = Field(8, ge=2, le=64)
    """Topics that a reader chooses among for one item: those of its categories and those whose vectors are nearest."""


@dataclass(frozen=True)
class Topic:
    """``cues`` are terms that speak of it, ``aliases`` other names that lead to it. ``kind`` is where it came from:
    "category", "terms" (a cluster of texts) or "proposed" (a language model, and enough items). ``items`` is how many
    spoke of it when it was made. ``merged_into`` is the id of the topic that took its place, None while in use."""

    topic_id: str
    name: str
    kind: str = "category"
    cues: tuple[str, ...] = ()
    aliases: tuple[str, ...] = ()
    items: int = 0
    merged_into: str | None = None

    @property
    def encoded(self) -> str:
        """What stands for the topic in front of the encoder."""
        return ", ".join([self.name, *self.cues])


class TopicRows(Protocol):
    """The part of the store that keeps topics."""

    def topics(self) -> list[tuple[str, str, str, str | None]]:
        """Id, name, description (JSON) and the id of the topic it was merged into, in order of id."""
        ...

    def put_topics(self, rows: Sequence[tuple[str, str, str, str | None]]) -> None: ...


@dataclass(frozen=True)
class Taxonomy:
    """``topics`` in order of id, merged ones included."""

    topics: tuple[Topic, ...] = ()
    by_id: Mapping[str, Topic] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "by_id", {topic.topic_id: topic for topic in self.topics})

    @cached_property
    def active(self) -> list[Topic]:
        return [topic for topic in self.topics if topic.merged_into is None]

    @cached_property
    def _names(self) -> dict[str, str]:
        names: dict[str, str] = {}
        # Names in use come before aliases, so that an alias never hides a topic.
        for topic in self.topics:
            names.setdefault(name_key(topic.name), self.current(topic.topic_id))
        for topic in self.topics:
            for alias in topic.aliases:
                names.setdefault(name_key(alias), self.current(topic.topic_id))
        return names

    def current(self, topic_id: str) -> str:
        """Follow merges to the topic that is in use now."""
        passed = {topic_id}
        while (topic := self.by_id.get(topic_id)) and topic.merged_into and topic.merged_into not in passed:
            topic_id = topic.merged_into
            passed.add(topic_id)
        return topic_id

    def find(self, name: str) -> str | None:
        """Id of the topic called ``name``, or known by it; spelling, width, case and plural do not count."""
        return self._names.get(name_key(name))

    def name(self, topic_id: str) -> str:
        """Name of the topic in use behind ``topic_id``; "" for an id that is not known."""
        topic = self.by_id.get(self.current(topic_id))
        return topic.name if topic else ""

    def with_topics(self, changed: Iterable[Topic]) -> Taxonomy:
        """This taxonomy with ``changed`` topics put in or replaced."""
        topics = {**self.by_id, **{topic.topic_id: topic for topic in changed}}
        return Taxonomy(tuple(topics[key] for key in sorted(topics)))

    def merged(self, topic_id: str, into: str) -> Taxonomy:
        """This taxonomy with one topic's name leading to another; both keep their ids."""
        return self.with_topics([replace(self.by_id[topic_id], merged_into=self.current(into))])

    def to_rows(self) -> list[tuple[str, str, str, str | None]]:
        return [(topic.topic_id, topic.name, _described(topic), topic.merged_into) for topic in self.topics]


def load_taxonomy(store: TopicRows) -> Taxonomy:
    """The stored taxonomy; empty where none was made."""
    topics = []
    for topic_id, name, described, merged_into in store.topics():
        told = json.loads(described)
        topics.append(
            Topic(
                topic_id,
                name,
                str(told.get("kind", "category")),
                tuple(told.get("cues", ())),
                tuple(told.get("aliases", ())),
                int(told.get("items", 0)),
                merged_into,
            )
        )
    return Taxonomy(tuple(topics))


def topic_id(name: str) -> str:
    """Id of a topic from its name: the same name gives the same id in every run and every growth."""
    return "t-" + hashlib.sha256(name_key(name).encode("utf-8")).hexdigest()[:12]


def name_key(name: str) -> str:
    """``name`` as it is compared: "Hair Care", "haircare" and "HAIR-CARE" are the same, as are "Shampoos" and
    "Shampoo"."""
    folded = unicodedata.normalize("NFKC", name).casefold().replace("&", " and ").replace("’", "'")
    words = [_PLURAL.sub("", word) for word in folded.replace("'s", "").split()]
    return _DROPPED.sub("", "".join(words)) or folded.strip()


def _described(topic: Topic) -> str:
    told = {"kind": topic.kind, "cues": topic.cues, "aliases": topic.aliases, "items": topic.items}
    return json.dumps(told, ensure_ascii=False)
