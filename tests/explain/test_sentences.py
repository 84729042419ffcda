"""Templates read as written here, cite what they say, and always pass the checker."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhiyin.explain.checker import problem
from zhiyin.explain.evidence import Crowd, Evidence, Interested, Kind, Own, Wished, gather
from zhiyin.explain.sentences import ACTIONS, SENTENCES, phrasings, plan, sentences
from zhiyin.types import Catalogue, Wish

RATED = Evidence("event:1", Kind.EVENT, 0.6, "a", "Toy Story (1995)", "rating")
SEEN = Evidence("event:2", Kind.EVENT, 0.4, "b/1", "流浪地球", "view")
COMEDY = Evidence(
    "attribute:a:Comedy", Kind.ATTRIBUTE, None, "a", "Toy Story (1995)", names=("Comedy",), where="category"
)
TEA = Evidence("attribute:b/1:地球", Kind.ATTRIBUTE, None, "b/1", "流浪地球", names=("地球",), where="title")
BOTH = Evidence("together:a", Kind.TOGETHER, None, "a", "Toy Story (1995)", count=12, total=1031)
TREND = Evidence("trend:30", Kind.TREND, 0.1, count=41, rank=3, days=30)
EVER = Evidence("trend:all", Kind.TREND, None, count=1041, rank=300)
WISH = Evidence("wish:1", Kind.WISH, names=("slow sci-fi", "Sci-Fi"), where="category", said="profile")
ASKED = Evidence("wish:2", Kind.WISH, names=("科幻",), where="near", said="request")
INTEREST = Evidence("interest:z", Kind.INTEREST, 0.32, names=("慢节奏科幻",))


def texts(*evidence: Evidence) -> list[str]:
    return [one.text for language in ("en", "zh") for one in sentences(evidence, language)]


@pytest.mark.parametrize(
    ("evidence", "told"),
    [
        (
            [RATED, COMEDY, BOTH],
            [
                'Suggested mainly because you rated "Toy Story (1995)": both are listed under "Comedy".',
                'Of the 1,031 other people who chose "Toy Story (1995)", 12 chose this as well.',
                "推荐它主要是因为您评价过《Toy Story (1995)》，两者都属于“Comedy”。",
                "另外1031位选过《Toy Story (1995)》的人中，有12位也选了它。",
            ],
        ),
        (
            [RATED, SEEN, TREND],
            [
                'Suggested mainly because you rated "Toy Story (1995)" and looked at "流浪地球".',
                "41 people chose it in the last 30 days on record, which puts it at number 3.",
                "推荐它主要是因为您评价过《Toy Story (1995)》，也看过《流浪地球》。",
                "在有记录的最近30天里，有41人选了它，排在第3位。",
            ],
        ),
        (
            [WISH, SEEN, TEA],
            [
                'Your profile says that you want "slow sci-fi", and it is listed under "Sci-Fi".',
                'Suggested because you looked at "流浪地球": both have a title that mentions "地球".',
                "您的画像里写着想要“slow sci-fi”，它属于“Sci-Fi”。",
                "推荐它是因为您看过《流浪地球》，两者的标题里都有“地球”。",
            ],
        ),
        (
            [ASKED, INTEREST],
            [
                'You asked for "科幻", and it comes close to that.',
                'It fits your interest in "慢节奏科幻", which makes up 32% of your profile.',
                "您想要“科幻”，它与此相近。",
                "它符合您对“慢节奏科幻”的兴趣，这占您画像的32%。",
            ],
        ),
        ([EVER], ["1,041 people chose it so far.", "到目前为止，有1041人选了它。"]),
        ([], []),
    ],
)
def test_templates(evidence: list[Evidence], told: list[str]) -> None:
    assert texts(*evidence) == told


def test_every_action_has_words_that_hold() -> None:
    for action in [*ACTIONS, "头一回", ""]:
        event = Evidence("event:x/1", Kind.EVENT, 0.3, "a", "Tea 茶", action)
        for language in ("en", "zh"):
            for text in phrasings(plan([event])[0], language):
                assert problem(text, ["event:x/1"], {"event:x/1": event}, language) is None, text


def test_a_loud_trend_comes_before_the_neighbours() -> None:
    loud = Evidence("trend:7", Kind.TREND, 0.8, count=41, rank=3, days=7)
    quiet = Evidence("event:1", Kind.EVENT, 0.2, "a", "Toy Story (1995)", "rating")
    assert [claim.kind for claim in plan([quiet, BOTH, loud])] == [Kind.EVENT, Kind.TREND]
    assert [claim.kind for claim in plan([RATED, BOTH, TREND])] == [Kind.EVENT, Kind.TOGETHER]


WORDS = st.one_of(
    st.text(max_size=90),
    st.text(alphabet="茶书《》“”「」\"'，。百三 x…", max_size=40),
    st.sampled_from(
        ["Ignore all previous instructions", "这是最畅销的《书》", 'A "B" (1995)', "100% 3rd 第一", "…", "\ue000"]
    ),
)


@settings(max_examples=150, deadline=None)
@given(
    titles=st.lists(WORDS, min_size=4, max_size=4),
    kinds=st.lists(st.lists(WORDS, max_size=3), min_size=2, max_size=2),
    pulls=st.lists(st.floats(-1, 5, width=32), min_size=3, max_size=3),
    actions=st.lists(st.sampled_from([*ACTIONS, "other"]), min_size=3, max_size=3),
    people=st.tuples(st.integers(0, 2000), st.integers(0, 5000), st.integers(1, 200)),
    days=st.one_of(st.none(), st.integers(1, 400)),
    wish=WORDS,
    near=st.booleans(),
    common=st.floats(0, 5),
    interest=st.tuples(WORDS, st.floats(0, 1)),
    language=st.sampled_from(["en", "zh"]),
)
def test_templates_always_hold(  # type: ignore[no-untyped-def]
    titles, kinds, pulls, actions, people, days, wish, near, common, interest, language
) -> None:
    catalogue = Catalogue(titles, [kinds[0], kinds[1], kinds[0], kinds[1]], titles, None, np.zeros(4, dtype=np.bool_))
    both, count, rank = people
    crowd = Crowd({row: (min(both, count), max(both, count)) for row in (1, 2, 3)}, count, rank, days)
    rows = np.array([1, 2, 3], dtype=np.int32)
    found = gather(
        0,
        ["a b", "茶/1", '"', "\n"],
        catalogue,
        Own(rows, np.array(pulls, dtype=np.float32), ["1", "2", "书 3"], actions),
        common=common,
        crowd=crowd,
        wishes=[Wished(Wish(wish, 1.0), near=near), Wished(Wish(titles[1], 0.5), "profile")],
        interests=[Interested("z/1", *interest)],
    )
    evidence = {one.id: one for one in found}
    told = sentences(found, language)
    assert len(told) <= SENTENCES
    assert bool(told) == bool(found)
    for one in told:
        assert one.evidence
        assert problem(one.text, one.evidence, evidence, language) is None, one
    for claim in plan(found):
        for text in phrasings(claim, language):
            assert problem(text, claim.ids, evidence, language) is None, text
