"""Help for an author: nothing but the author's own sentences without a model, nothing that they do not say with one."""

from __future__ import annotations

import json
import re
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhiyin.cli.common import Project
from zhiyin.errors import LlmTimeout, UsageError
from zhiyin.llm.opening import client_of
from zhiyin.ports import Prompt
from zhiyin.scenarios.content.groups import Group
from zhiyin.scenarios.content.writing import (
    Draft,
    audience_of,
    delete_draft,
    drafts,
    edit_draft,
    publish_draft,
    read_draft,
    versions,
    write_draft,
)
from zhiyin.scenarios.content.writing.article import Article
from zhiyin.scenarios.content.writing.audience import NOBODY
from zhiyin.scenarios.content.writing.headlines import candidates, held
from zhiyin.scenarios.content.writing.making import make
from zhiyin.testing.llm import Scripted
from zhiyin.types import Tier

ZH = "\n\n".join(
    [
        "昨晚，火箭队在主场以112比98战胜雄鹿队，取得三连胜。姚明全场得到27分和13个篮板，其中第三节独得12分。"
        "主教练赛后表示，球队的防守是取胜的关键。",
        "雄鹿队此前五战四胜，状态出色。不过他们的主力控卫因伤没有出场，替补后卫只得到6分。"
        "第二节雄鹿队一度领先9分，但火箭队在半场结束前打出一波14比2的攻势。",
        "火箭队下一场将在周五客场挑战湖人队。如果能够取胜，他们将升至西部第四。",
    ]
)
EN = "\n\n".join(
    [
        "The city council voted 7 to 2 on Tuesday to close Market Street to private cars from March. "
        "The plan, first proposed in 2019, adds protected bike lanes and wider pavements along the two-mile street. "
        "Buses and taxis may still use it.",
        "Shop owners are divided. Some fear that customers who drive will stay away, while others point to a trial "
        "last summer in which sales rose by 8 percent. "
        "According to the council, air pollution on the street fell by a fifth.",
        "Work begins in January and will cost 4.2 million dollars. "
        "Would you cycle on Market Street if it were free of cars?",
    ]
)


def flat(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize(("text", "title"), [(ZH, "火箭三连胜"), (EN, "Market Street to close to cars"), (ZH, "")])
def test_every_sentence_is_the_authors(text: str, title: str) -> None:
    article = Article.of(text, title)
    made = make(article, NOBODY)
    assert made.language == ("zh" if text is ZH else "en")
    assert 3 <= len(made.headlines) <= 5
    assert made.headlines[0].worth >= made.headlines[-1].worth
    if title:
        assert title in [one.text for one in made.headlines]
    for one in made.headlines:
        if one.sentences:
            assert held(one.text, article.sentences[one.sentences[0]].text), one.text
    for place in made.summary_of:
        assert article.sentences[place].text in flat(text)
    first = article.sentences[0].text
    assert made.summary.startswith(first)
    assert len(made.outline) >= 2
    for part in made.outline:
        assert all(point in flat(text) for point in part.points)
    for block in made.draft.split("\n\n"):
        if not block.startswith("## "):
            assert all(one in flat(text) for one in re.split(r"(?<=[。.!?？]) ?", block) if one)
    assert made == make(Article.of(text, title), NOBODY)


@pytest.mark.parametrize("headline", ["龙井早采五天", "Market Street to close"])
def test_a_headline_above_the_text_is_no_sentence_of_its_summary(headline: str) -> None:
    body = ZH if headline.startswith("龙") else EN
    made = make(Article.of(f"{headline}\n\n{body}"), NOBODY)
    assert headline not in made.summary
    assert made.summary.startswith(Article.of(body).sentences[0].text)
    assert make(Article.of(headline), NOBODY).summary == headline, "unless it is all there is"


def test_a_headline_does_not_lose_what_limits_it() -> None:
    told = [
        ("如果明天下雨，比赛将在周六举行。", "比赛将在周六举行"),
        ("The bridge is safe, engineers said, unless the river rises above four metres.", "The bridge is safe"),
        ("新药对小鼠有效，但尚未在人体上试验。", "新药对小鼠有效"),
        (
            "The new rule covers all shops (except pharmacies) in the old town.",
            "The new rule covers all shops in the old town",
        ),
    ]
    for sentence, wrong in told:
        found = [one.text for one in candidates(Article.of(sentence), [])]
        assert wrong not in found, found
    shorter = [one.text for one in candidates(Article.of("雄鹿队此前五战四胜，状态出色。"), [])]
    assert "雄鹿队此前五战四胜" in shorter
    opened = candidates(Article.of("In addition, the council will review parking in nearby streets."), [])
    assert [one.text for one in opened] == ["The council will review parking in nearby streets"]


@settings(max_examples=60, deadline=None)
@given(
    st.text(alphabet=st.sampled_from("茶山水abc,.，。!？?（）()“”0123456789 \n如果但不 The"), min_size=1, max_size=300)
)
def test_any_text_can_be_read(text: str) -> None:
    article = Article.of(text)
    made = make(article, NOBODY)
    for one in made.headlines:
        assert not one.sentences or held(one.text, article.sentences[one.sentences[0]].text)
    assert all(article.sentences[place].text in flat(text) for place in made.summary_of)
    assert len(made.summary_of) <= 3


def test_a_draft_takes_less_than_50_milliseconds() -> None:
    """Of the processor, of a text of three screens; the middle one of five."""
    text = "\n\n".join([ZH.replace("火箭", f"火箭{at}") for at in range(12)])
    assert 2000 < len(text) < 4000
    took = []
    for _ in range(5):
        began = time.process_time()
        make(Article.of(text, "火箭三连胜"), NOBODY)
        took.append(time.process_time() - began)
    assert sorted(took)[2] < 0.05


def test_a_long_text_takes_no_longer() -> None:
    article = "".join(f"第{at}条路线经过{at % 7}个村庄，沿途的茶园在{at % 12 + 1}月采摘。\n" for at in range(4000))
    began = time.process_time()
    made = make(Article.of(article), NOBODY)
    assert time.process_time() - began < 2
    assert made.summary


def written(site: Project, text: str = ZH, **more: object) -> Draft:
    return write_draft(site.store, site.settings, site.folder, text, **more)  # type: ignore[arg-type]


def test_a_draft_is_kept_with_its_versions(site: Project) -> None:
    made = written(site, title="火箭三连胜", group=Group.of({"city": "杭州"}))
    assert (made.version, made.state, made.tier, made.fallback) == (1, "draft", Tier.NONE, None)
    assert read_draft(site.store, made.draft_id) == made
    assert made.readers["group"]["where"] == {"city": ["杭州"]}
    edited = edit_draft(
        site.store, made.draft_id, {"summary": "火箭赢了。", "headlines": ["火箭赢了", made.headlines[0].text]}
    )
    assert (edited.version, edited.edited) == (2, ["headlines", "summary"])
    assert [one.kind for one in edited.headlines] == ["edited", made.headlines[0].kind]
    published = publish_draft(site.store, made.draft_id, 1)
    assert (published.version, published.state) == (1, "published")
    assert [(one.version, one.state) for one in versions(site.store, made.draft_id)] == [(2, "draft"), (1, "published")]
    assert [one.draft_id for one in drafts(site.store)] == [made.draft_id]
    assert written(site, keep=False).draft_id not in [one.draft_id for one in drafts(site.store)]
    with pytest.raises(UsageError, match="has no version 9"):
        read_draft(site.store, made.draft_id, 9)
    with pytest.raises(UsageError, match="no part 'source'"):
        edit_draft(site.store, made.draft_id, {"source": "x"})
    assert delete_draft(site.store, made.draft_id) == 2
    for gone in (read_draft, versions, delete_draft, publish_draft):
        with pytest.raises(UsageError, match="no draft"):
            gone(site.store, made.draft_id)
    with pytest.raises(UsageError, match="characters"):
        written(site, "太短")


def test_what_is_kept_names_nobody(site: Project) -> None:
    """A draft outlives whoever it was written for."""
    for group in (Group.of({"id": "读者/1"}), Group.of({"id": [f"读者/{n}" for n in range(9)]})):
        made = written(site, group=group)
        kept = site.store.records.latest("content.draft", made.draft_id)
        assert kept is not None
        assert "读者/" not in json.dumps(kept.body, ensure_ascii=False)
        assert made.readers["words"] == []
    assert written(site, group=Group.of({"city": "杭州"})).readers["words"]


def test_readers_pull_what_they_read_forward(site: Project) -> None:
    """Of two subjects in one text the one that the readers take comes first in headlines and tags."""
    site.store.records.delete("content.topics", "all")
    text = (
        "新茶的采摘从三月开始，茶农说今年的茶叶产量增加。龙井的工艺在村里传了三代人。"
        "新线的高铁从五月开通，车站说铁路的时刻有所调整。停运的列车在六月恢复运行。"
    )
    with site.store.writing() as writer:
        rows = [
            (None, f"铁路迷/{n}", f"rail/{at} 号", "read", None, 1_703_600_000_000_000 + n)
            for n in range(9)
            for at in range(14)
        ]
        rows += [
            (None, f"茶客/{n}", f"tea/{at} 号", "read", None, 1_703_600_000_000_000 + n)
            for n in range(9)
            for at in range(14)
        ]
        writer.add_events(rows)
    for who, word in (("铁路迷", "铁路"), ("茶客", "茶")):
        audience = audience_of(
            site.store, site.settings, site.folder, Group.of({"id": [f"{who}/{n}" for n in range(9)]})
        )
        assert audience.people == 9
        best = make(Article.of(text), audience).headlines[0].text
        assert word in best or (word == "铁路" and "高铁" in best), best
        assert audience.liking("铁路与车站的新线") * (1 if word == "铁路" else -1) > 0


GOOD = {
    "headlines": ["火箭队战胜雄鹿队，取得三连胜", "火箭队夺得总冠军"],
    "summary": "火箭队在主场以112比98战胜雄鹿队。姚明得到40分。",
    "outline": [
        {"heading": "姚明", "points": ["姚明全场得到27分和13个篮板。", "姚明入选名人堂。"]},
        {"heading": "火星", "points": ["球队去了火星。"]},
    ],
    "draft": (
        "## 火箭队\n火箭队在主场战胜雄鹿队，取得三连胜。姚明全场得到27分。\n\n球队的防守是取胜的关键。科比得了50分。"
    ),
}


def modelled(site: Project, answer: object) -> Draft:
    def reply(prompt: Prompt) -> str:
        assert "‹data›" not in prompt.user
        if isinstance(answer, LlmTimeout):
            return answer  # type: ignore[return-value]
        return json.dumps(answer, ensure_ascii=False)

    how = site.settings.llm.model_copy(update={"provider": "openai", "model": "scripted"})
    models = client_of(Scripted(reply, tier=Tier.REMOTE), how, site.store.calls)
    return written(site, title="火箭三连胜", models=models, seconds=5.0)


def test_what_a_model_writes_is_held_against_the_source(site: Project) -> None:
    told = modelled(site, GOOD)
    assert (told.tier, told.fallback) == (Tier.REMOTE, None)
    assert told.headlines[0].text == "火箭三连胜"
    assert "火箭队战胜雄鹿队，取得三连胜" in [one.text for one in told.headlines]
    assert told.summary == "火箭队在主场以112比98战胜雄鹿队。"
    assert [part.heading for part in told.outline] == ["姚明"]
    assert told.outline[0].points == ("姚明全场得到27分和13个篮板。",)
    whole = json.dumps(told.to_dict()["headlines"], ensure_ascii=False) + told.summary + told.draft
    for invented in ("总冠军", "40", "名人堂", "火星", "科比", "50"):
        assert invented not in whole, invented
    assert {one.part for one in told.removed} == {"headline", "summary", "outline", "draft"}
    assert told.said > len(told.removed) >= 5
    assert read_draft(site.store, told.draft_id) == told


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (LlmTimeout("too slow"), "too slow"),
        (
            {"headlines": ["外星人来了地球上"], "summary": "外星人来了。", "outline": [], "draft": "外星人。"},
            "nothing of the model's",
        ),
    ],
)
def test_a_model_that_is_no_use_leaves_the_authors_sentences(site: Project, answer: object, said: str) -> None:
    told = modelled(site, answer)
    assert told.tier is Tier.NONE
    assert told.fallback is not None
    assert said in told.fallback["reason"]
    plain = written(site, title="火箭三连胜", keep=False)
    assert (told.headlines, told.summary, told.draft) == (plain.headlines, plain.summary, plain.draft)


def test_a_small_model_is_not_asked_for_free_text(site: Project) -> None:
    def reply(prompt: Prompt) -> str:
        raise AssertionError("asked")

    how = site.settings.llm.model_copy(update={"provider": "embedded"})
    models = client_of(Scripted(reply), how, site.store.calls)
    assert written(site, models=models, keep=False).tier is Tier.NONE


def test_the_shipped_surface_brings_new_articles_forward(tmp_path: Path) -> None:
    import numpy as np

    from zhiyin.pipeline import Request, pipeline_for
    from zhiyin.rerank import Asked, Facts, Items
    from zhiyin.types import IdMap

    now, day = 1_700_000_000_000_000, 86_400_000_000
    ids = [f"文/{at}" for at in range(6)]
    times = np.array([now - at * 30 * day for at in range(6)][::-1], dtype=np.int64)
    items = Items(IdMap(ids), [[f"k{at}"] for at in range(6)], facts=lambda: Facts([{} for _ in ids], times))
    rows, scores = np.arange(6, dtype=np.int32), np.linspace(1.0, 0.9, 6).astype(np.float32)
    ranked = pipeline_for(tmp_path, "articles").run(Request(rows, scores, items, Asked(now=now), k=6))
    assert ranked.rows[0] == 5
