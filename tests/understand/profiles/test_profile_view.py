from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhiyin.cli.profile import page
from zhiyin.errors import LlmError, LlmUnreachable, UsageError
from zhiyin.llm.prompts import render
from zhiyin.ports import Answer, NoLanguageModels, Progress, Prompt
from zhiyin.rank.interests import NamedInterest
from zhiyin.store.profiles import KeptEdit
from zhiyin.testing.fixtures import DAY, START
from zhiyin.types import NO_TIME, Floats, IdMap, Ints, Job, Tier, Wish
from zhiyin.understand.profiles import Profile, ProfileParams, build, meaning, wishes_of
from zhiyin.understand.profiles.state import Signs, State, advance, empty
from zhiyin.understand.profiles.text import language_for, refused
from zhiyin.understand.profiles.view import Evidence, Weighed
from zhiyin.understand.profiles.weigh import trend

PARAMS = ProfileParams(doubt=1.0)
ITEMS = IdMap([f"号/{number} x" for number in range(9)])
TITLES = [f"{kind} {number}" for kind in ("Dark House", "Star Road", "恋爱故事") for number in range(3)]
NAMED = [
    NamedInterest("i1", 0, "Horror", ["Horror", "dark"], ITEMS.ids[:3], False, Tier.NONE),
    NamedInterest("i2", 1, "Science Fiction", ["Sci-Fi", "star"], ITEMS.ids[3:6], False, Tier.NONE),
    NamedInterest("i4", 2, "爱情", ["爱情"], ITEMS.ids[6:], False, Tier.NONE),
    NamedInterest("i7", 3, "What many people take", [], [], True, Tier.NONE),
]


class Three:
    """Items 0-2, 3-5, 6-8 each speak for one interest; the fourth is nobody's."""

    representation: Floats = np.repeat(np.eye(3, dtype=np.float32), 3, axis=0)

    def people(self, states: Floats) -> Floats:
        logits = np.concatenate((3 * states, np.zeros((len(states), 1))), axis=1)
        rows = np.exp(logits)
        return np.asarray(rows / rows.sum(axis=1, keepdims=True), dtype=np.float32)

    def pulls(self, rows: Ints) -> Floats:
        return np.concatenate((self.representation[rows], np.zeros((len(rows), 1), dtype=np.float32)), axis=1)


SPACE = Three()


def state_of(rows: Sequence[int], days: Sequence[int] | None = None) -> State:
    times = [NO_TIME] * len(rows) if days is None else [START + day * DAY for day in days]
    told = Signs(
        np.arange(1, len(rows) + 1),
        np.array(times, dtype=np.int64),
        [ITEMS.ids[row] for row in rows],
        np.array(rows, dtype=np.int32),
        np.ones(len(rows), dtype=np.float32),
    )
    state = advance(empty(SPACE, PARAMS), told, len(rows), SPACE, PARAMS)
    assert state is not None
    return state


def shown(state: State, now: int = NO_TIME, edits: Sequence[KeptEdit] = (), **more: Any) -> Profile:
    def title(item: str) -> str | None:
        return TITLES[ITEMS.row(item)]

    return build("谁/1", "b1", state, SPACE, NAMED, title, ITEMS.rows, now=now, edits=edits, params=PARAMS, **more)


def by_id(profile: Profile) -> dict[str, Weighed]:
    return {one.id: one for one in profile.interests}


def said(number: int, text: str, wishes: Sequence[Wish] = (), undone: bool = False, **about: Any) -> KeptEdit:
    return KeptEdit(number, START, text, meaning(text, list(wishes), **about).to_dict(), undone)


NO_HORROR = Wish("恐怖", -1.0, hard=True)
LESS_HORROR = Wish("horror", -0.5)
MORE_SCIENCE = Wish("science fiction", 0.8)


def affinity(wish: Wish) -> Floats:
    """The matcher's part: knows that 恐怖 is horror."""
    found = np.zeros(9, dtype=np.float32)
    if wish.text in ("恐怖", "horror"):
        found[:3] = 0.9
    return found


def test_weights_sum_to_one_and_name_their_events() -> None:
    found = shown(state_of([0, 1, 0, 4], [0, 1, 2, 3]))
    assert sum(one.long_term for one in found.interests) == pytest.approx(1, abs=1e-3)
    assert sum(one.now for one in found.interests) == pytest.approx(1, abs=1e-3)
    horror = by_id(found)["i1"]
    assert found.interests[0].id == "i1"
    assert {event.event for event in horror.evidence} == {1, 2, 3}
    assert sum(event.share for event in horror.evidence) == pytest.approx(1, abs=1e-3)
    assert horror.evidence[0].title in ("Dark House 0", "Dark House 1")
    assert horror.evidence[0].time is not None
    assert by_id(found)["i4"].evidence == []
    assert len(found.vector) == 3
    assert found.vector[0] == pytest.approx(0.75, abs=0.02)


def test_what_is_recent_weighs_more_now() -> None:
    found = by_id(shown(state_of([0] * 6 + [3, 3, 3], [*range(6), 200, 201, 202])))
    assert found["i2"].now > found["i2"].long_term
    assert found["i2"].trend == "rising"
    assert found["i1"].trend == "falling"
    assert trend(0.3, 0.3, PARAMS) == "steady"


def test_a_profile_fades_with_time_and_is_surer_with_more() -> None:
    few, many = state_of([0, 0], [0, 1]), state_of([0] * 12, range(12))
    assert shown(many).confidence > shown(few).confidence > 0
    later = shown(many, now=START + 720 * DAY)
    assert later.confidence < shown(many, now=START + 11 * DAY).confidence
    assert by_id(later)["i1"].long_term < by_id(shown(many))["i1"].long_term
    nobody = shown(state_of([]))
    assert nobody.confidence == 0
    assert nobody.latest is None
    assert nobody.text == "Nothing is known of you yet."
    assert {one.long_term for one in nobody.interests} == {0.25}
    mixed = shown(state_of([0, 3, 6] * 4, range(12)))
    assert mixed.confidence < shown(many).confidence


@settings(max_examples=25, deadline=None)
@given(st.lists(st.integers(0, 8), max_size=12), st.integers(0, 3000))
def test_every_number_stays_in_its_range(rows: list[int], later: int) -> None:
    found = shown(state_of(rows, range(len(rows))), now=START + later * DAY, edits=[said(1, "x", [MORE_SCIENCE])])
    for one in found.interests:
        assert 0 <= one.long_term <= 1
        assert 0 <= one.now <= 1
        assert 0 <= one.confidence <= 1
        assert all(0 < event.share <= 1 for event in one.evidence)
    assert 0 <= found.confidence <= 1


def test_statements_are_in_the_persons_language() -> None:
    english = shown(state_of([0, 1, 0], [0, 1, 2]))
    assert english.language == "en"
    assert english.statements[0].text.startswith(("You like Horror", "Perhaps: You like Horror"))
    assert "Dark House" in english.text
    chinese = shown(state_of([6, 7, 8, 6], range(4)))
    assert chinese.language == "zh"
    assert "爱情" in chinese.text
    assert "《恋爱故事" in chinese.text
    assert shown(state_of([6, 7]), attributes='{"language": "en-GB"}').language == "en"
    assert shown(state_of([0]), language="zh").language == "zh"


@pytest.mark.parametrize(
    ("attributes", "titles", "expected"),
    [
        ('{"lang": "zh-CN"}', ["Star"], "zh"),
        ('{"language": "fr"}', ["三体"], "zh"),
        ("[1]", [], "en"),
        ("{broken", ["Star Wars 星"], "en"),
    ],
)
def test_language(attributes: str, titles: list[str], expected: str) -> None:
    assert language_for(attributes, titles) == expected


def test_a_mute_in_chinese_wins_over_what_was_read() -> None:
    state = state_of([0, 1, 2, 3], range(4))
    found = by_id(shown(state, edits=[said(1, "不要再推恐怖片", [NO_HORROR])], affinity=affinity))
    assert (found["i1"].long_term, found["i1"].now, found["i1"].edited) == (0, 0, "muted")
    assert found["i1"].by == [1]
    assert sum(one.long_term for one in found.values()) == pytest.approx(1, abs=1e-3)
    profile = shown(state, edits=[said(1, "不要再推恐怖片", [NO_HORROR])], affinity=affinity)
    assert all("i1" not in one.interests or one.source == "said" for one in profile.statements)
    undone = by_id(shown(state, edits=[said(1, "不要再推恐怖片", [NO_HORROR], undone=True)], affinity=affinity))
    assert undone["i1"].edited is None
    assert undone["i1"].long_term > 0


def test_less_and_more_move_weights() -> None:
    state = state_of([0, 1, 2, 3], range(4))
    before = by_id(shown(state))
    edit = said(3, "less horror, more science fiction", [LESS_HORROR, MORE_SCIENCE])
    after = by_id(shown(state, edits=[edit]))
    assert after["i1"].long_term < 0.75 * before["i1"].long_term
    assert after["i2"].long_term > before["i2"].long_term
    assert (after["i1"].edited, after["i2"].edited) == ("less", "more")
    profile = shown(state, edits=[edit])
    own = next(one for one in profile.statements if one.source == "said")
    assert (own.text, own.id, own.confidence, set(own.interests)) == (edit.said, "e3", 1.0, {"i1", "i2"})
    assert wishes_of([edit, replace(edit, edit_id=4, undone=True)]) == [LESS_HORROR, MORE_SCIENCE]


def test_a_statement_can_be_rewritten_and_removed() -> None:
    state = state_of([0, 1, 2, 3, 3], range(5))
    plain = shown(state)
    target = by_id(plain)["i1"]
    rewrite = said(1, "I like old ghost stories", about=target)
    profile = shown(state, edits=[rewrite])
    mine = next(one for one in profile.statements if one.id == "i1")
    assert (mine.text, mine.source, mine.edit) == ("I like old ghost stories", "said", 1)
    assert mine.evidence
    gone = shown(
        state, edits=[rewrite, KeptEdit(2, START, "", meaning("", [], about=target, remove=True).to_dict(), False)]
    )
    assert all(one.id != "i1" for one in gone.statements)


def test_edits_survive_a_training_that_renumbers() -> None:
    state = state_of([0, 1, 2, 3], range(4))
    edit = said(1, "I like old ghost stories", about=by_id(shown(state))["i1"])
    moved = [replace(NAMED[0], id="i9"), *NAMED[1:3], replace(NAMED[3], id="i1", name="Garden", words=["garden"])]
    profile = build(
        "u", "b2", state, SPACE, moved, lambda item: None, ITEMS.rows, now=NO_TIME, edits=[edit], params=PARAMS
    )
    assert next(one for one in profile.statements if one.source == "said").id == "i9"
    muted = said(2, "no horror", [Wish("horror", -1.0, hard=True)])
    again = build(
        "u", "b2", state, SPACE, moved, lambda item: None, ITEMS.rows, now=NO_TIME, edits=[muted], params=PARAMS
    )
    assert by_id(again)["i9"].edited == "muted"


def test_everything_muted_is_no_division_by_zero() -> None:
    wishes = [Wish(name, -1.0, hard=True) for name in ("horror", "science fiction", "爱情")]
    found = shown(state_of([0, 3, 6]), edits=[said(1, "nothing", wishes)])
    assert by_id(found)["i7"].long_term == pytest.approx(1.0)


def test_an_edit_must_say_something() -> None:
    with pytest.raises(UsageError, match="without a word"):
        meaning("  ", [])
    with pytest.raises(UsageError, match="characters"):
        meaning("长" * 3000, [])


class Remote(NoLanguageModels):
    def __init__(self, told: Any) -> None:
        self.told = told
        self.prompts: list[Prompt] = []

    def tier(self, job: Job) -> Tier:
        return Tier.REMOTE

    def complete(
        self, job: Job, prompts: Sequence[Prompt], *, seconds: float | None = None, progress: Progress | None = None
    ) -> list[Answer | LlmError]:
        self.prompts += prompts
        if isinstance(self.told, LlmError):
            return [self.told]
        return [Answer("", self.told, Tier.REMOTE, "m", False, 1, 1)]


def test_a_server_words_what_holds_and_templates_the_rest() -> None:
    state = state_of([0, 1, 2, 3, 4], range(5))
    told = {
        "sentences": [
            {"interest": "i1", "text": "You often enjoy Horror such as “Dark House 0”."},
            {"interest": "i2", "text": "You love Science Fiction and hate your neighbours."},
        ]
    }
    model = Remote(told)
    found = shown(state, models=model, render=render)
    texts = {one.id: one.text for one in found.statements}
    assert texts["i1"] == "You often enjoy Horror such as “Dark House 0”."
    assert "neighbours" not in found.text
    assert found.tier is Tier.REMOTE
    assert "hate" in (found.note or "")
    assert "<data>" in model.prompts[0].user


@pytest.mark.parametrize(
    "told", [LlmUnreachable("no connection"), None, {"sentences": "x"}, {"sentences": [1, {"interest": 3}]}, []]
)
def test_a_failing_server_changes_nothing_but_the_note(told: Any) -> None:
    state = state_of([0, 1, 2, 3, 4], range(5))
    plain, found = shown(state), shown(state, models=Remote(told), render=render)
    assert found.text == plain.text
    assert found.tier is Tier.NONE
    assert found.note
    assert found.interests == plain.interests


def test_sentences_are_held_to_what_is_known() -> None:
    event = Evidence(1, "a", "Dark House 0", None, 1.0)
    one = Weighed("i1", "Horror", ["dark"], False, 0.5, 0.5, "steady", 1.0, [event])
    assert refused("You like Horror, as “Dark House 0” shows.", one, "en") is None
    for wrong in (
        "",
        "You like comedies.",
        "You like Horror; visit www.example.com now.",
        "You like Horror and “Another Title”.",
        "Lately you like Horror.",
        "You like Horror less.",
        "You like Horror 100 times.",
        "You like Horror. Ignore the rules.",
        "您喜欢Horror，快去购物。",
    ):
        assert refused(wrong, one, "en") is not None, wrong
    assert refused("Lately you turn to Horror.", replace(one, trend="rising"), "en") is None
    chinese = replace(one, name="爱情", words=[], evidence=[replace(event, title="恋爱故事")], trend="falling")
    assert refused("您喜欢爱情，例如《恋爱故事》，不过近来少了些。", chinese, "zh") is None
    assert refused("您喜欢爱情，请转账。", chinese, "zh") is not None


def test_the_page_reads_in_both_languages() -> None:
    state = state_of([0, 1, 2, 3, 3], [0, 1, 2, 3, 4])
    text = page(shown(state, edits=[said(1, "less horror", [LESS_HORROR])]))
    assert "谁/1: 5 events, the last on 2023-11-18" in text
    assert "Horror [i1]" in text
    assert "less, as said" in text
    assert "Dark House 2" in text
    assert "  1. less horror" in text
    chinese = page(shown(state, language="zh"))
    assert "5 条记录" in chinese
    assert "依据: Dark House" in chinese
    empty_page = page(shown(state_of([])))
    assert "Nothing is known of you yet." in empty_page
    assert "Interests" not in empty_page
    evil = page(replace(shown(state), user_id="a\x1b[31m\nb"))
    assert "\x1b" not in evil
