"""The figure and the section of the page that say whether chances come true."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

import numpy as np
import pytest

from zhiyin.evaluate.reliability import chances_report
from zhiyin.report import ReportContent
from zhiyin.report.page import render
from zhiyin.report.plots import reliability_plot
from zhiyin.report.views import reliability_table, share

SVG = "{http://www.w3.org/2000/svg}"
BINS = [
    {"count": 9000, "told": 0.002, "seen": 0.001, "low": 0.0005, "high": 0.0019},
    {"count": 400, "told": 0.05, "seen": 0.055, "low": 0.037, "high": 0.081},
    {"count": 40, "told": 0.3, "seen": 0.325, "low": 0.2, "high": 0.48},
]


def shapes(svg: str) -> tuple[list[str], list[str]]:
    """Paths of dots and of lines in the accent colour: both stand in ``d`` attributes or uses."""
    root = ElementTree.fromstring(svg)
    dots = [use.attrib["y"] for use in root.iter(f"{SVG}use") if "accent" in use.attrib.get("style", "")]
    lines = [path.attrib["d"] for path in root.iter(f"{SVG}path") if "accent" in path.attrib.get("style", "")]
    return dots, lines


def test_a_dot_and_a_line_for_each_bin() -> None:
    svg = reliability_plot(BINS)
    dots, lines = shapes(svg)
    assert len(dots) == len(BINS)
    assert len(lines) >= len(BINS)
    heights = [float(y) for y in dots]
    assert heights == sorted(heights, reverse=True), "more was seen further up"
    words = ["".join(text.itertext()).strip() for text in ElementTree.fromstring(svg).iter(f"{SVG}text")]
    assert "told: chance of an item, %" in words
    assert {"0.1", "1", "10"} <= set(words)
    assert "#0102" not in svg
    assert reliability_plot(BINS) == svg


@pytest.mark.parametrize(
    "bins",
    [
        [{"count": 3, "told": 0.0, "seen": 0.0, "low": 0.0, "high": 0.56}],
        [{"count": 3, "told": 1.0, "seen": 1.0, "low": 0.44, "high": 1.0}],
        [{"count": 10**6, "told": 1e-7, "seen": 0.0, "low": 0.0, "high": 4e-6}],
        [],
    ],
)
def test_little_to_draw(bins: list[dict[str, float]]) -> None:
    dots, _ = shapes(reliability_plot(bins))
    assert len(dots) == sum(one["seen"] > 0 for one in bins)


def test_small_shares_keep_their_digits() -> None:
    assert [share(value) for value in (0.0, 0.00031, 0.0123, 0.5, 1.0)] == ["0 %", "0.031 %", "1.2 %", "50 %", "100 %"]
    table = reliability_table(BINS)
    assert [cell.text for cell in table.rows[1].cells] == ["5 %", "5.5 %", "400"]
    assert table.rows[1].cells[1].below == "3.7 %–8.1 %"


def test_the_page_shows_it_where_it_was_measured(content: ReportContent) -> None:
    assert content.evaluation is not None
    assert "Whether chances come true" not in render(content)
    random = np.random.default_rng(0)
    told = random.random((300, 12)) * 0.2
    told[:, 11] = 0
    hit = random.random(told.shape) < told
    figures = chances_report(told, hit)
    page = render(replace(content, evaluation={**content.evaluation, "chances": figures}))
    assert "Whether chances come true" in page
    assert f"Expected calibration error {figures['error']:.4f}" in page
    assert len(re.findall(r'<th scope="row">\d+</th>', page)) == len(figures["bins"])
    nothing = chances_report(np.full((3, 4), np.nan), np.zeros((3, 4), dtype=np.bool_))
    assert nothing["bins"] == []
    assert nothing["error"] is None
    assert "Whether chances come true" not in render(
        replace(content, evaluation={**content.evaluation, "chances": nothing})
    )


def test_places_counted_are_the_first_with_an_item() -> None:
    told = np.array([[0.5, 0.1, 0.0, np.nan], [0.5, 0.1, 0.1, np.nan]])
    hit = np.array([[True, False, False, True], [False, False, True, True]])
    figures = chances_report(told, hit, ranks=2)
    assert sum(one["count"] for one in figures["bins"]) == 4
    assert figures["hits"] == pytest.approx(1 / 4)
    assert chances_report(told, hit)["hits"] == pytest.approx(2 / 5)
