"""Product pages: a model that lies, policies, what comes first, limits, versions and review."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from zhiyin.cli.common import open_project
from zhiyin.errors import ConfigError, Conflict, LlmError, LlmTimeout, NotThere
from zhiyin.llm.prompts import render
from zhiyin.ports import Answer, Likelihoods, NoLanguageModels, Options, Progress, Prompt
from zhiyin.scenarios.shop.pages import Length, PageName, PageRequest, Pages, State, Tone, load_policy, make_page
from zhiyin.scenarios.shop.pages.asked import DESCRIPTION_WIDTH, TITLE_WIDTH
from zhiyin.scenarios.shop.pages.draft import cut, width
from zhiyin.scenarios.shop.pages.page import Page
from zhiyin.testing.independent import leftovers
from zhiyin.testing.project import BOOKS, TEAS, run
from zhiyin.types import Job, Tier
from zhiyin.understand.items.source import item_source

POLICY = load_policy()
CREAM = item_source(
    "c/1 %?#",
    "Weleda Skin Food, 2.5 oz",
    "A thick cream with lanolin. It is made in Switzerland. The best cream ever.",
    ["Beauty", "Skin Care", "Creams"],
    json.dumps({"brand": "Weleda", "color": "white", "price": 12.5, "stock": 3, "image_url": "http://x/y.png"}),
)
TEA = item_source(
    "茶", "西湖龙井 50克", "产自杭州。最佳绿茶。", ["茶", "绿茶"], json.dumps({"品牌": "狮峰", "产地": "杭州"})
)
LIES: dict[str, Any] = {
    "en": {
        "bullets": ["Brand: Weleda", "Size: 3.5 oz", "Certified organic", "Brand: Nivea"],
        "description": [
            "Weleda Skin Food is listed under Skin Care.",
            "It is waterproof. It comes with 2 brushes.",
            "It has no lanolin.",
            "It was made in Germany.",
        ],
        "faq": [
            {"question": "Which brand is it?", "answer": "The brand is Weleda."},
            {"question": "Does it cure eczema?", "answer": "Yes."},
        ],
        "meta_description": "The best cream by Weleda, now 20% off.",
    },
    "zh": {
        "bullets": ["品牌：狮峰", "规格：100克", "有机认证"],
        "description": ["它收录在绿茶类别中。", "它能降血压。", "产地是苏州。", "一共三罐。"],
        "faq": [{"question": "它是什么品牌？", "answer": "品牌是狮峰。"}, {"question": "能减肥吗？", "answer": "能。"}],
        "meta_description": "全国第一的龙井。",
    },
}


def texts_of(page: Page) -> list[str]:
    return [text for _, text in page.texts()]


class Model(NoLanguageModels):
    """Answers ``data``, or an error; of several ways of saying a thing it finds the last one likeliest."""

    def __init__(self, data: Any, tier: Tier = Tier.REMOTE) -> None:
        self.data, self._tier = data, tier
        self.prompts: list[Prompt] = []

    def tier(self, job: Job) -> Tier:
        return self._tier if job is Job.PAGES else Tier.NONE

    def complete(
        self, job: Job, prompts: Sequence[Prompt], *, seconds: float | None = None, progress: Progress | None = None
    ) -> list[Answer | LlmError]:
        self.prompts += prompts
        if isinstance(self.data, LlmError):
            return [self.data for _ in prompts]
        return [Answer(json.dumps(self.data), self.data, self._tier, "m", False, 1, 1) for _ in prompts]

    def likelihoods(
        self, job: Job, asked: Sequence[Options], *, seconds: float | None = None, progress: Progress | None = None
    ) -> list[Likelihoods | LlmError]:
        told: list[Likelihoods | LlmError] = []
        for one in asked:
            logs = np.arange(len(one.options), dtype=np.float32)
            told.append(Likelihoods(logs, np.ones(len(logs), dtype=np.int32), self._tier, "m", False, 1))
        return told


@pytest.mark.parametrize("language", ["en", "zh"])
def test_a_model_that_lies_publishes_nothing_of_it(language: str) -> None:
    item = CREAM if language == "en" else TEA
    request = PageRequest(item_id=item.item_id, language=language)
    page = make_page(item, request, POLICY, models=Model(LIES[language]), render=render)
    values = [item.title, item.description, *item.categories, *(value for _, value in item.fields)]
    assert [left for text in texts_of(page) for left in leftovers(text, values)] == []
    assert page.tier is Tier.REMOTE
    assert (page.counted.model, page.counted.template) == (10 if language == "en" else 9, 0)
    by_model = [one for one in page.removed if one.by == "model"]
    assert page.counted.replaced + page.counted.dropped >= 6
    assert {one.kind for one in by_model} >= {"number", "claim"}
    assert all(one.why for one in by_model)
    assert page.bullets[0] == LIES[language]["bullets"][0]
    for claim in page.claims:
        text = dict(page.texts())[claim.field]
        assert text[claim.start : claim.end] == claim.text
        assert claim.value in values or claim.key in ("size", "weight", "volume", "count", "year")


def test_without_a_model_and_with_one_that_fails() -> None:
    request = PageRequest(item_id=CREAM.item_id)
    plain = make_page(CREAM, request, POLICY)
    assert (plain.tier, plain.fallback) == (Tier.NONE, None)
    failed = make_page(CREAM, request, POLICY, models=Model(LlmTimeout("the deadline passed")), render=render)
    assert failed.tier is Tier.NONE
    assert failed.fallback is not None
    assert "deadline" in failed.fallback["reason"]
    assert texts_of(failed) == texts_of(plain)
    nonsense = make_page(CREAM, request, POLICY, models=Model({"bullets": 3, "faq": "x"}), render=render)
    assert texts_of(nonsense) == texts_of(plain)


def test_a_small_model_chooses_among_the_ways_of_saying_it() -> None:
    models = Model(None, Tier.EMBEDDED)
    page = make_page(CREAM, PageRequest(item_id=CREAM.item_id), POLICY, models=models, render=render)
    assert page.tier is Tier.EMBEDDED
    assert page.description[0].startswith("Under ")


def test_policies_hold_for_the_item_s_own_words() -> None:
    page = make_page(CREAM, PageRequest(item_id=CREAM.item_id, length=Length.LONG), POLICY)
    assert "best" not in " ".join(texts_of(page)).lower()
    assert any(one.kind == "policy" and "best" in one.what for one in page.removed)
    named = item_source("x", "The Best Gloves 24 in", None, ["Gloves"])
    page = make_page(named, PageRequest(item_id="x"), POLICY)
    assert page.title == "The Gloves 24 in"
    assert [one.what for one in page.removed if one.by == "item"] == ["Best"]
    assert POLICY.broken("Best before March.", "en") == []
    assert [one.what for one in POLICY.broken("这是国家级、ＮＯ．１的产品，最 佳。", "zh")] == ["国家级", "ＮＯ．１"]


def test_what_the_reader_looks_for_comes_first() -> None:
    plain = make_page(CREAM, PageRequest(item_id=CREAM.item_id), POLICY)
    white = make_page(CREAM, PageRequest(item_id=CREAM.item_id, segment=("white",)), POLICY)
    assert plain.bullets[0] == "Brand: Weleda"
    assert white.bullets[0] == "Color: white"
    assert white.emphasis == ["white"]
    assert sorted(white.bullets) == sorted(plain.bullets)
    other = make_page(CREAM, PageRequest(item_id=CREAM.item_id, segment=("mascara", "防水")), POLICY)
    assert texts_of(other) == texts_of(plain)
    assert not any("12.5" in text or "http" in text for text in texts_of(plain))


@pytest.mark.parametrize("tone", Tone)
@pytest.mark.parametrize("length", Length)
def test_lengths_and_limits(tone: Tone, length: Length) -> None:
    for item, language in ((CREAM, "en"), (TEA, "zh")):
        request = PageRequest(item_id=item.item_id, language=language, tone=tone, length=length)
        page = make_page(item, request, POLICY)
        assert len(page.bullets) <= {"short": 3, "medium": 5, "long": 8}[length]
        assert 0 < width(page.meta.title) <= TITLE_WIDTH
        assert 0 < width(page.meta.description) <= DESCRIPTION_WIDTH
        assert Page.from_dict(json.loads(json.dumps(page.to_dict()))) == page


@settings(max_examples=100, deadline=None)
@given(st.text(max_size=120), st.integers(12, 80))
def test_cut_fits(text: str, columns: int) -> None:
    made = cut(text, columns)
    assert width(made) <= columns
    assert made == text or text.startswith(made.removesuffix("…"))


@settings(max_examples=40, deadline=None)
@given(
    st.text(max_size=60),
    st.text(max_size=60),
    st.lists(st.text(max_size=20), max_size=3),
    st.sampled_from(["en", "zh"]),
)
@example("5' tall", "", [], "en")
@example("", "3 '", [], "zh")
def test_any_item_makes_a_page(title: str, description: str, categories: list[str], language: str) -> None:
    item = item_source("x", title, description, categories)
    page = make_page(item, PageRequest(item_id="x", language=language), POLICY)
    assert Page.from_dict(json.loads(json.dumps(page.to_dict()))) == page


def test_versions_and_review(trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = tmp_path / "店"
    shutil.copytree(trained, project)
    name = PageName(TEAS[0], "zh")
    with open_project(project) as opened:
        pages = Pages(opened.store, project)
        first = pages.draft(PageRequest(item_id=TEAS[0], language="zh"))
        assert (first.version, first.state) == (1, State.DRAFT)
        with pytest.raises(Conflict, match="cannot become published"):
            pages.move(name, State.PUBLISHED)
        pages.move(name, State.IN_REVIEW, note="please", by="张")
        pages.move(name, State.PUBLISHED, by="李")
        edited = pages.edit(name, {"bullets": ["类别：茶", "有机认证", "产地：杭州"]})
        assert edited.page.bullets == ["类别：茶"]
        assert {one.sentence for one in edited.page.removed} == {"有机认证", "产地：杭州"}
        assert pages.get(name, state=State.PUBLISHED).version == 1
        pages.move(name, State.IN_REVIEW)
        pages.move(name, State.PUBLISHED)
        assert [(one.version, one.state) for one in pages.versions(name)] == [(2, "published"), (1, "replaced")]
        assert [one.state for one in pages.reviews(name)] == ["published", "in_review", "published", "in_review"]
        assert pages.reviews(name)[-1].note == "please"
        # The item changes: what was drafted before says too much now.
        pages.draft(PageRequest(item_id=TEAS[0], language="zh"))
        pages.move(name, State.IN_REVIEW)
        with opened.store.writing() as writer:
            writer.patch_item(TEAS[0], {"categories": ["饮料"]}, None)
        with pytest.raises(Conflict, match="hold no more"):
            pages.move(name, State.PUBLISHED)
        with pytest.raises(NotThere):
            pages.get(PageName("没有"))
        with pytest.raises(NotThere):
            pages.draft(PageRequest(item_id="没有"))
        with opened.store.writing() as writer:
            writer.add_events([(None, "u", "bare/1", "view")])
        with pytest.raises(Conflict, match="nothing but its id"):
            pages.draft(PageRequest(item_id="bare/1"))
        assert [one.version for one in pages.every()[0]] == [3]
    assert run("pages", "make", BOOKS[0], "--user", "书-1", "--format", "json", "--project", project) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["page"]["user_id"] == "书-1"
    assert told["page"]["emphasis"]
    with open_project(project) as opened:
        assert any(one["kind"] == "person.page" for one in opened.store.export("书-1")["records"])
        opened.store.erase("书-1", b"k" * 32, 0)
        with pytest.raises(NotThere):
            Pages(opened.store, project).get(PageName(BOOKS[0], user_id="书-1"))


def test_own_policies(tmp_path: Path) -> None:
    folder = tmp_path / "policies" / "pages"
    folder.mkdir(parents=True)
    (folder / "superlatives.toml").write_text("", encoding="utf-8")
    (folder / "house.toml").write_text(
        '[[rule]]\nname = "rival"\nwords = ["Weleda"]\naction = "review"\n', encoding="utf-8"
    )
    policy = load_policy(tmp_path)
    page = make_page(CREAM, PageRequest(item_id=CREAM.item_id, length=Length.LONG), policy)
    assert any("best" in text for text in page.description)
    assert page.flags
    assert page.flags[0].what == "Weleda"
    (folder / "house.toml").write_text('[[rule]]\nname = "x"\nwordz = []\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="wordz"):
        load_policy(tmp_path)
    (folder / "house.toml").write_text('[[rule]]\nname = "x"\npatterns = ["("]\n', encoding="utf-8")
    with pytest.raises(ConfigError, match="regular expression"):
        load_policy(tmp_path)


def test_what_says_nothing_is_not_let_through_either() -> None:
    empty = {
        "bullets": ["1. Weleda", "Brand", "品牌"],
        "description": ["The item.", "It comes from Weleda", "It comes from Weleda.", "It comes from Weleda."],
        "faq": [{"question": "Brand", "answer": "It comes from Weleda."}],
        "meta_description": "...",
    }
    page = make_page(CREAM, PageRequest(item_id=CREAM.item_id), POLICY, models=Model(empty), render=render)
    assert {one.sentence for one in page.removed if one.kind == "form"} == {
        "Brand", "品牌", "The item.", "It comes from Weleda", "It comes from Weleda.", "..."
    }  # fmt: skip
    assert page.description.count("It comes from Weleda.") == 1
    assert page.meta.description != "..."
