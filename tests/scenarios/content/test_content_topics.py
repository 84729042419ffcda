"""Topics of the small site: found, counted, kept from run to run, asked about."""

from __future__ import annotations

import json

import pytest

from zhiyin.cli.common import Project
from zhiyin.errors import LlmTimeout, NotEnoughData, UsageError
from zhiyin.llm.opening import client_of
from zhiyin.ports import Prompt
from zhiyin.scenarios.content.groups import Group
from zhiyin.scenarios.content.topics import (
    Discussed,
    Topic,
    TopicsSettings,
    WindowSettings,
    discussed,
    find_topics,
    name_topic,
    read_topics,
)
from zhiyin.scenarios.content.topics.questions import problem
from zhiyin.scripts import Language
from zhiyin.testing.llm import Scripted
from zhiyin.types import Tier

COARSE = TopicsSettings()


def found(site: Project, **more: object) -> Discussed:
    return discussed(site.store, site.settings, **more)  # type: ignore[arg-type]


def subject(topic: Topic) -> str:
    return topic.items[0].split("/")[0]


def test_topics_are_the_subjects(site: Project) -> None:
    finding = find_topics(site.store, site.settings, topics=COARSE)
    assert finding.items == finding.placed == 42
    kept = read_topics(site.store)
    assert kept is not None
    assert len(kept.topics) == 3
    for topic in kept.topics:
        assert len({item.split("/")[0] for item in topic.items}) == 1
        assert len(topic.items) == 14
        assert (topic.language, topic.named_by) == ("en" if subject(topic) == "space" else "zh", "none")
    names = {subject(topic): topic.name for topic in kept.topics}
    assert "茶" in names["tea"]
    assert "rocket" in names["space"]
    assert len(set(names.values())) == 3


def test_what_rises_and_who_reads_what(site: Project) -> None:
    find_topics(site.store, site.settings, topics=COARSE)
    kept = read_topics(site.store)
    assert kept is not None
    ids = {subject(topic): topic.topic_id for topic in kept.topics}
    told = found(site)
    assert [one.topic_id for one in told.topics if one.rising] == [ids["tea"]]
    assert told.topics[0].topic_id == ids["tea"]
    assert told.topics[0].growth_low is not None
    assert told.topics[0].growth_low > 1
    assert told.unplaced == 0.0
    assert [one.topic_id for one in found(site, only_rising=True).topics] == [ids["tea"]]
    by_id = {one.topic_id: one for one in found(site, group=Group.of({"city": "杭州"})).topics}
    assert by_id[ids["rail"]].lift is not None
    assert by_id[ids["rail"]].lift > 1.1  # type: ignore[operator]
    example = told.topics[0].examples[0]
    assert example.people >= 3
    assert example.item_id.startswith("tea/")
    before = found(site, at=(told.until - 7 * 86_400_000_000), window=WindowSettings(days=7, before=21))
    assert not any(one.rising for one in before.topics)


def test_ids_and_names_stay(site: Project) -> None:
    find_topics(site.store, site.settings, topics=COARSE)
    first = read_topics(site.store)
    assert first is not None
    tea = next(topic for topic in first.topics if subject(topic) == "tea")
    name_topic(site.store, tea.topic_id, "  春茶 ")
    with site.store.writing() as writer:
        writer.set_items([("tea/new", "明前茶叶与采茶节的新报道", None, [], "{}", None, False)])
        stamp = first.time - 1_000_000
        writer.add_events([(None, f"读者/{n}", "tea/new", "read", None, stamp - n) for n in range(3)])
        writer.set_hidden(["tea/0 号"], True)
    again = find_topics(site.store, site.settings, topics=COARSE)
    assert (again.kept, again.new, again.gone) == (3, 0, 0)
    second = read_topics(site.store)
    assert second is not None
    assert {one.topic_id for one in second.topics} == {one.topic_id for one in first.topics}
    now = second.get(tea.topic_id)
    assert (now.name, now.named_by, now.made) == ("春茶", "person", tea.made)
    assert "tea/new" in now.items
    assert "tea/0 号" not in now.items
    assert find_topics(site.store, site.settings, topics=COARSE).topics == second


def test_a_topic_that_goes_is_remembered(site: Project) -> None:
    find_topics(site.store, site.settings, topics=COARSE)
    first = read_topics(site.store)
    assert first is not None
    tea = next(topic.topic_id for topic in first.topics if subject(topic) == "tea")
    with site.store.writing() as writer:
        writer.set_hidden([f"tea/{at} 号" for at in range(14)], True)
    finding = find_topics(site.store, site.settings, topics=COARSE)
    assert finding.gone >= 1
    kept = read_topics(site.store)
    assert kept is not None
    assert tea in [one.topic_id for one in kept.retired]
    assert all(one.items == () for one in kept.retired)
    with pytest.raises(UsageError, match="no topic"):
        found(site, topic_id=tea)


def test_few_people_are_no_topic_of_a_group(site: Project) -> None:
    find_topics(site.store, site.settings, topics=COARSE)
    assert found(site, group=Group.of({"id": ["读者/1", "读者/2"]})).topics == []


def test_nothing_found_yet_and_nothing_to_find(site: Project) -> None:
    with pytest.raises(NotEnoughData, match="no topics were found yet"):
        found(site)
    with pytest.raises(NotEnoughData, match="too few"):
        find_topics(site.store, site.settings, at=1)
    find_topics(site.store, site.settings, topics=COARSE)
    kept = read_topics(site.store)
    assert kept is not None
    for name in ("", " ", "x" * 81, "a\nb\0"):
        with pytest.raises(UsageError, match="no name"):
            name_topic(site.store, kept.topics[0].topic_id, name)
    with pytest.raises(UsageError, match="another topic is called"):
        name_topic(site.store, kept.topics[0].topic_id, kept.topics[1].name.upper())


def test_questions_of_templates_hold(site: Project) -> None:
    find_topics(site.store, site.settings, topics=COARSE)
    told = found(site, questions=5)
    assert (told.tier, told.fallback) == (Tier.NONE, None)
    for topic in told.topics:
        language: Language = "en" if topic.examples[0].item_id.startswith("space") else "zh"
        assert len(topic.questions) >= 4
        assert len({one.text for one in topic.questions}) == len(topic.questions)
        for one in topic.questions:
            assert problem(one.text, topic, language) is None, one.text
    quoted = told.topics[0].questions[1]
    assert len(quoted.items) == 2
    assert "《" in quoted.text


def asked(site: Project, answer: object) -> Discussed:
    def reply(prompt: Prompt) -> str:
        if isinstance(answer, Exception):
            return answer  # type: ignore[return-value]
        return json.dumps({"questions": answer}, ensure_ascii=False)

    settings = site.settings.llm.model_copy(update={"provider": "openai", "model": "scripted"})
    models = client_of(Scripted(reply, tier=Tier.REMOTE), settings, site.store.calls)
    kept = read_topics(site.store)
    assert kept is not None
    tea = next(topic.topic_id for topic in kept.topics if subject(topic) == "tea")
    return found(site, topic_id=tea, questions=3, models=models)


def test_a_models_questions_are_held_against_the_titles(site: Project) -> None:
    find_topics(site.store, site.settings, topics=COARSE)
    plain = found(site).topics[0]
    good = f"你怎么看{plain.name}？"
    invented = ["北京大学的专家为什么说龙井茶能治疗糖尿病？", "你知道2035年会怎样吗？", "What about tea?"]
    told = asked(site, [good, *invented[:2]])
    (topic,) = told.topics
    assert told.tier is Tier.REMOTE
    assert (topic.questions[0].text, topic.questions[0].tier) == (good, Tier.REMOTE)
    for one in topic.questions[1:]:
        assert one.tier is Tier.NONE
        assert one.text not in invented
        assert one.reason is not None
        assert one.reason.startswith("the model's question was not taken")
    for text in (*invented, "这是一句话。", "茶" * 200 + "？", "《没有这条》怎么样？", ""):
        if text:
            assert problem(text, topic, "zh") is not None, text


def test_a_model_that_fails_leaves_templates(site: Project) -> None:
    find_topics(site.store, site.settings, topics=COARSE)
    told = asked(site, LlmTimeout("too slow"))
    assert told.tier is Tier.NONE
    assert told.fallback is not None
    assert "too slow" in told.fallback["reason"]
    assert len(told.topics[0].questions) == 3
