"""What an answer may claim of an item."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.types import ItemFeatures, Tier
from zhiyin.understand.items.audience import NAMES
from zhiyin.understand.items.grounding import Said, checked, grounded_name
from zhiyin.understand.items.source import ItemSource

SOURCE = ItemSource("茶/1", "Lipton Green Tea, 15 ml, 云南绿茶", "Made in 1999. 口感清香，适合送礼。", ("Tea",))
RULED = ItemFeatures("en", {"t-tea": 0.8}, {"volume": "15 ml"}, "Made in 1999.", [], Tier.NONE)


@pytest.mark.parametrize(
    ("words", "there"),
    [
        ("15 ml", True),
        ("15ml", True),
        ("5 ml", False),
        ("lipton", True),
        ("LIPTON GREEN", True),
        ("云南绿茶", True),
        ("云 南", True),
        ("福建", False),
        ("ton", False),
        ("tea", True),
        ("1,999", True),
        ("199", False),
        ("", False),
    ],
)
def test_words_are_found_whole(words: str, there: bool) -> None:
    assert Said(SOURCE.whole).holds(words) is there


@pytest.mark.parametrize(
    ("summary", "kept"),
    [
        ("Green tea made in 1999.", "Green tea made in 1999."),
        ("Green tea made in 1998.", "Made in 1999."),
        ("口感清香的云南绿茶。", "口感清香的云南绿茶。"),
        ("荣获金奖的武夷岩茶大红袍。", "Made in 1999."),
        ("Green tea. The official partner of Nestle.", "Green tea."),
        ("", "Made in 1999."),
    ],
)
def test_summaries_keep_what_the_text_bears_out(summary: str, kept: str) -> None:
    assert checked({"summary": summary}, SOURCE, RULED, {"Tea": "t-tea"}, Counter()).features.summary == kept


def test_a_grounded_name_shares_a_word_with_the_texts() -> None:
    assert grounded_name("Green teas of Yunnan tea", ["Green tea"], [])
    assert grounded_name("绿茶饮品", ["云南绿茶"], [])
    assert not grounded_name("HACKED", ["Green tea"], [])
    assert not grounded_name("tea " * 30, ["Green tea"], [])


JSON = st.recursive(
    st.none() | st.booleans() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)


@given(
    st.fixed_dictionaries(
        {},
        optional=dict.fromkeys(("language", "topics", "proposal", "audience", "attributes", "summary"), JSON),
    )
)
def test_whatever_is_answered_nothing_comes_from_outside(told: dict[str, Any]) -> None:
    read = checked(told, SOURCE, RULED, {"Tea": "t-tea"}, Counter())
    assert set(read.features.topics) <= {"t-tea"}
    assert set(read.features.audience) <= set(NAMES)
    assert read.features.language == "en"
    assert all(Said(SOURCE.whole).holds(value) for value in read.features.attributes.values())
