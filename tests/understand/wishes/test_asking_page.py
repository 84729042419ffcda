"""The table of docs/asking.md is true, and so are the figures its formulas name."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from zhiyin.understand.wishes.asking import SURE
from zhiyin.understand.wishes.lexicon import read_lexicon
from zhiyin.understand.wishes.matcher import BEST, NAMED, TEXT
from zhiyin.understand.wishes.parse import parse
from zhiyin.understand.wishes.rank import BEND, EDIT, POPULARITY, REQUEST
from zhiyin.understand.wishes.spaces import HIGH

PAGE = (Path(__file__).parents[3] / "docs" / "asking.md").read_text(encoding="utf-8")


def table() -> list[list[str]]:
    lines = PAGE.partition("| said |")[2].partition("\n\n")[0].splitlines()[2:]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("row", table(), ids=lambda row: row[0])
def test_examples(films: Any, row: list[str]) -> None:
    said, wish, rule = row
    (read,) = parse(said, films.vocabulary).wishes
    assert f"{read.text} {read.weight:g} {read.field}" == wish
    assert read.hard is (rule == "yes")


def test_there_are_examples_in_both_languages() -> None:
    assert len(table()) >= 15
    assert sum("一" <= row[0][0] <= "鿿" for row in table()) >= 5


def test_figures() -> None:
    assert f"{BEST:g} max |w| a(w, c) + {1 - BEST:.1f} sum" in PAGE
    assert f"z(c) / ({BEND:g} + |z(c)|)" in PAGE
    assert f"weight {REQUEST:g} for a request, {EDIT:g} for edits" in PAGE
    assert f"score(c) = {POPULARITY:g} b * popularity(c) + {REQUEST:g} wish(c)" in PAGE
    assert f"{NAMED:g} to 1 for" in PAGE
    assert f"at most {TEXT:g} where its text only sounds like it" in PAGE
    assert HIGH == 4 and "four of them being 1" in PAGE  # noqa: PT018
    assert f"calibrated {SURE:.0%}".replace("%", " %") in PAGE


def test_the_lexicon_of_the_example() -> None:
    more = read_lexicon().extended([["space opera", "太空歌剧"]])
    assert more.names_like("太空歌剧") == ["space opera", "太空歌剧"]
