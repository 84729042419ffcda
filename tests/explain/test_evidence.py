"""Evidence holds what is true of the item and the person, and nothing of small groups."""

from __future__ import annotations

import numpy as np
import pytest

from zhiyin.crowd import Crowds
from zhiyin.explain.evidence import ANONYMOUS, Crowd, Interested, Kind, Own, Wished, gather, meets, shared_words
from zhiyin.explain.text import WIDTH, shortened, shown, width
from zhiyin.scripts import language_of
from zhiyin.types import NO_TIME, Catalogue, Histories, IdMap, Wish

DAY = 86_400_000_000
CATALOGUE = Catalogue(
    ["Solaris", "Stalker", "《星际穿越》", "流浪地球 2", 'The "Best" Movie', ""],
    [["Film", "Science Fiction"], ["Film", "Science Fiction"], ["电影", "科幻"], ["电影", "科幻"], ["Film"], []],
    ["Solaris. A slow film about a planet", "", "", "", "", ""],
    None,
    np.zeros(6, dtype=np.bool_),
)
IDS = ["a", "b/1", "星 际", "d", "e", "f/书"]


def own(rows: list[int], pulls: list[float], actions: list[str] | None = None) -> Own:
    keys = [str(10 + place) for place in range(len(rows))]
    return Own(np.array(rows, dtype=np.int32), np.array(pulls, dtype=np.float32), keys, actions or ["view"] * len(rows))


def test_events_by_strength_with_what_they_share() -> None:
    found = gather(0, IDS, CATALOGUE, own([1, 4, 3], [1.0, 2.0, -1.0]), common=1.0)
    assert [(one.id, one.share) for one in found] == [
        ("event:11", 0.5),
        ("attribute:e:Film", None),
        ("event:10", 0.25),
        ("attribute:b/1:Science Fiction", None),
        ("attribute:b/1:Film", None),
    ]
    assert found[0].title == "The 'Best' Movie"


def test_a_category_of_nearly_everything_tells_nothing() -> None:
    found = gather(0, IDS, CATALOGUE, own([1], [1.0]), spread={"Film": 0.9, "Science Fiction": 0.2})
    assert [one.names for one in found if one.kind is Kind.ATTRIBUTE] == [("Science Fiction",)]


def test_groups_too_small_to_hide_in_are_not_spoken_of() -> None:
    for people in range(ANONYMOUS + 3):
        crowd = Crowd({1: (people, 40)}, people, 2, 30)
        kinds = {one.kind for one in gather(0, IDS, CATALOGUE, own([1], [1.0]), crowd=crowd)}
        assert ({Kind.TOGETHER, Kind.TREND} <= kinds) == (people >= ANONYMOUS)
        assert ({Kind.TOGETHER, Kind.TREND} & kinds == set()) == (people < ANONYMOUS)


@pytest.mark.parametrize(
    ("text", "item", "where"),
    [
        ("science fiction", 0, "category"),
        ("SOLARIS", 0, "title"),
        ("slow film", 0, "text"),
        ("科幻电影", 2, "category"),
        ("流浪地球", 3, "title"),
        ("horror", 0, None),
        ("sol", 0, None),
        ("恐怖", 2, None),
    ],
)
def test_a_wish_is_evidence_where_the_item_says_so(text: str, item: int, where: str | None) -> None:
    wished = Wished(Wish(text, 1.0))
    assert meets(wished, item, CATALOGUE) == (where is not None)
    found = gather(item, IDS, CATALOGUE, own([], []), wishes=[wished])
    assert [one.where for one in found] == ([where] if where else [])
    against = gather(item, IDS, CATALOGUE, own([], []), wishes=[Wished(Wish(text, -1.0))])
    assert against == []


def test_a_wish_met_by_vectors_alone_says_so() -> None:
    found = gather(0, IDS, CATALOGUE, own([1], [3.0]), wishes=[Wished(Wish("loneliness", 1.0), pull=1.0, near=True)])
    assert (found[0].id, found[0].where, found[0].share) == ("wish:1", "near", 0.25)


def test_interests_and_nothing() -> None:
    found = gather(
        0, IDS, CATALOGUE, own([], []), interests=[Interested("z 3", "慢科幻", 0.31), Interested("y", "x", 0)]
    )
    assert [(one.id, one.names, one.share) for one in found] == [("interest:z 3", ("慢科幻",), 0.31)]
    assert gather(5, IDS, CATALOGUE, own([], [])) == []


def test_shared_words() -> None:
    assert shared_words("Lavender Hand Cream with Oil", "hand soap, LAVENDER with") == ["Lavender", "Hand"]
    assert shared_words("云南绿茶礼盒装", "绿茶 礼盒") == ["绿茶", "礼盒"]
    assert shared_words("流浪地球", "地球") == ["地球"]
    assert shared_words("Men 24", "Men 24") == []


def test_titles_are_made_fit_to_be_quoted() -> None:
    assert shown("《星际穿越》") == "星际穿越"
    assert shown('a "b"\n“c”\u200b\x00 ＂d') == "a 'b' 'c' 'd"
    assert shown("\n", "id/1") == "id/1"
    assert shown("", "") == "?"
    long = shown("word " * 40)
    assert width(shortened(long)) <= WIDTH
    assert shortened(long).endswith("word…")
    assert shortened("茶" * 60) == "茶" * 27 + "…"


def test_language() -> None:
    assert language_of(["绿茶", "Tea", "红茶"]) == "zh"
    assert language_of(["Tea", "123", ""]) == "en"
    assert language_of([]) == "en"


def test_crowds_count_others_once() -> None:
    users = IdMap(["我", "b", "c", "d"])
    rows = [[0, 1], [0, 1], [0, 2], [1]]
    times = [[0, DAY], [0, 40 * DAY], [0, 3], [41 * DAY]]
    crowds = Crowds(users, Histories.of(rows, times=times), 3, 30.0)
    about = crowds.about(1, [0], "我")
    assert about.together == {0: (1, 2)}, "b of b and c; the person asking is not counted"
    assert (about.count, about.rank, about.days) == (2, 1, 30)
    assert crowds.about(0, [], "nobody").count == 0
    assert crowds.about(0, [1], "nobody").together == {1: (2, 3)}
    timeless = Crowds(users, Histories.of(rows, times=[[NO_TIME] * len(row) for row in rows]), 3, 30.0)
    assert (timeless.about(0, [], "").count, timeless.about(0, [], "").days) == (3, None)
