"""A name that a person gives while topics are being found stays."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from zhiyin.scenarios.content.topics import name_topic
from zhiyin.scenarios.content.topics.kept import (
    BY_PERSON,
    Topic,
    Topics,
    read_topics,
    topics_now,
    with_names,
    write_topics,
)
from zhiyin.store import open_store


def topic(number: int, name: str) -> Topic:
    return Topic(f"d-{number}", name, "en", "none", None, (), (), (f"i{number}",), None, 1, 1)


def test_a_name_given_meanwhile_stays(tmp_path: Path) -> None:
    before = Topics(1, None, (topic(1, "one"), topic(2, "two")))
    with closing(open_store("sqlite:///zhiyin.db", tmp_path)) as store:
        with store.writing() as writer:
            write_topics(writer, before)
        name_topic(store, "d-1", "篮球")
        name_topic(store, "d-2", "three")
        found = Topics(2, None, (topic(1, "uno"), topic(3, "three")))
        with store.writing() as writer:
            write_topics(writer, with_names(found, topics_now(writer)))
        kept = read_topics(store)
    assert kept is not None
    assert [(one.name, one.named_by) for one in kept.topics] == [("篮球", BY_PERSON), ("three", "none")]
