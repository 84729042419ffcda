from __future__ import annotations

import re
from xml.etree import ElementTree

import numpy as np
import pytest

from zhiyin.report.plots import LABEL_HEIGHT, Point, _spread, activity, long_tail, trade_off, whiskers
from zhiyin.testing.fixtures import DAY, START
from zhiyin.types import Longs

SVG = "{http://www.w3.org/2000/svg}"


def words(svg: str) -> list[str]:
    return ["".join(text.itertext()).strip() for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]


def point(name: str, value: float, *, served: bool = False, other: float = 0.0) -> Point:
    return Point(name, value, value - 0.01, value + 0.01, served, other)


MODELS = [point("popular", 0.05, other=0.01), point("<模型> $x_1$ & co", 0.2, served=True, other=0.4)]


def figures() -> dict[str, str]:
    times: Longs = START + np.arange(50, dtype=np.int64) ** 2 * DAY
    return {
        "tail": long_tail(np.arange(100)),
        "activity": activity(times),
        "whiskers": whiskers("HR@10", MODELS),
        "trade_off": trade_off("Coverage@10", "NDCG@10", MODELS),
    }


def test_text_stays_text_and_colours_are_the_pages_own() -> None:
    for name, svg in figures().items():
        assert words(svg), name
        assert "var(--" in svg, name
        assert "#0102" not in svg, name
        assert "<metadata" not in svg, name
        assert not re.search(r"<svg[^>]*\bwidth=", svg), name
        assert ElementTree.fromstring(svg).attrib["role"] == "img"


def test_same_every_time() -> None:
    assert figures() == figures()


def test_ids_of_two_figures_differ() -> None:
    both = [set(re.findall(r'\bid="([^"]*)"', whiskers(name, MODELS))) for name in ("HR@10", "NDCG@10")]
    assert both[0]
    assert not both[0] & both[1]


def test_names_are_written_as_they_are() -> None:
    for svg in (figures()["whiskers"], figures()["trade_off"]):
        assert "<模型> $x_1$ & co" in words(svg)


def test_whiskers_show_values_and_mark_the_served() -> None:
    svg = figures()["whiskers"]
    assert [word for word in words(svg) if re.fullmatch(r"0\.\d{4}", word)] == ["0.0500", "0.2000"]
    assert svg.count("var(--accent)") >= 3, "dot, line, name or value"
    assert "var(--accent)" not in whiskers("HR@10", MODELS[:1])


@pytest.mark.parametrize("counts", [[1], [0, 0, 5], [3] * 9, list(range(5000))])
def test_long_tails(counts: list[int]) -> None:
    svg = long_tail(np.array(counts))
    assert ElementTree.fromstring(svg) is not None
    assert len(svg) < 20_000


def test_long_tail_names_the_share_of_the_top_tenth() -> None:
    assert "10 % of items: 91%" in words(long_tail(np.array([91] + [1] * 9)))


@pytest.mark.parametrize("span", [1, 1_000_000, DAY, 40 * DAY, 40 * 365 * DAY])
def test_activity_over_any_span(span: int) -> None:
    assert len(words(activity(np.array([START - span, START], dtype=np.int64)))) > 2


@pytest.mark.parametrize("points", [[], [Point("only", 0.0, None, None, True)]])
def test_little_to_draw(points: list[Point]) -> None:
    for svg in (whiskers("HR@10", points), trade_off("Coverage@10", "HR@10", points)):
        assert ElementTree.fromstring(svg) is not None


def test_labels_make_room_for_each_other() -> None:
    crowd = [point(name, 0.1, other=0.3) for name in "abcd"]
    heights = _spread([*crowd, point("far", 0.1, other=0.9)], right=100, top=0.2)
    assert np.diff(sorted(heights[:4])).min() >= LABEL_HEIGHT - 1e-3
    assert heights[4] == pytest.approx(0.5), "nothing is near it"
