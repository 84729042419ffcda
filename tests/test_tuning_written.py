"""What tuning writes into zhiyin.toml: between its marks alone."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.config import load_settings
from zhiyin.errors import ConfigError, UsageError
from zhiyin.tuning.written import CLOSE, OPEN, Tables, as_toml, marked, with_marked, without_marked, write

FOUND: Tables = {"linear": {"decay": 0.85, "rules": 1e-05}, "item_knn": {"neighbours": 120, "weighting": "bm25"}}
MINE = """\
# 我的店: settings of "our" shop
name = "shop / 店"   # its name

[train]   # how we train
search_seconds = 600.0
"""


def test_a_file_of_its_own() -> None:
    text = as_toml(FOUND, ["found\nlast night", "茶"])
    assert text.splitlines()[:4] == ["# found last night", "# 茶", "", "[models.linear]"]
    assert tomllib.loads(text) == {"models": FOUND}


def test_comments_and_order_stay(tmp_path: Path) -> None:
    text = with_marked(MINE, FOUND, "zhiyin.toml")
    assert text.startswith(MINE)
    assert without_marked(text, "zhiyin.toml") == MINE
    write(tmp_path / "zhiyin.toml", text)
    assert load_settings(tmp_path).models == FOUND
    assert marked(text, "") == FOUND


def test_a_table_that_is_there_keeps_what_it_says() -> None:
    mine = MINE + "[ models . 'linear' ]  # ours\nkeep = 50 # few\n\n[models.als]\nfactors = 64\n"
    text = with_marked(mine, FOUND, "")
    assert tomllib.loads(text)["models"] == {
        "linear": {**FOUND["linear"], "keep": 50},
        "als": {"factors": 64},
        "item_knn": FOUND["item_knn"],
    }
    assert re.sub(rf"{OPEN}.*?{CLOSE}\n", "", text, flags=re.DOTALL) == mine
    assert marked(text, "") == FOUND


def test_written_again_it_replaces_itself() -> None:
    once = with_marked(MINE, FOUND, "")
    assert with_marked(once, FOUND, "") == once
    assert marked(with_marked(once, {"als": {"alpha": 2.0}}, ""), "") == {"als": {"alpha": 2.0}}
    assert with_marked(once, {}, "") == MINE


def test_line_ends_of_the_file_stay() -> None:
    mine = MINE.replace("\n", "\r\n").removesuffix("\r\n")
    text = with_marked(mine, FOUND, "")
    assert "\n" not in text.replace("\r\n", "")
    assert tomllib.loads(text)["models"] == FOUND


@pytest.mark.parametrize(
    ("mine", "words"),
    [
        ("models.linear.keep = 50\n", "not written as a table"),
        ("[models]\nlinear = {keep = 50}\n", "not written as a table"),
        ("[models.linear]\ndecay = 0.3\n", "cannot be added"),
        (f"{OPEN}\nname = 'x'\n", "follows"),
        (f"name = 'x'\n{CLOSE}\n", "stands alone"),
        ('name = """\n[models.linear]\n"""\n[models]\nlinear.keep = 50\n', "cannot be added"),
    ],
)
def test_what_cannot_be_added_is_refused_in_a_line(mine: str, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as refused:
        with_marked(mine, FOUND, "zhiyin.toml")
    assert "\n" not in refused.value.line
    assert refused.value.fix


def test_an_unwritable_place_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="cannot be written"):
        write(tmp_path / "no folder" / "tuned.toml", "")


VALUES = st.one_of(
    st.booleans(),
    st.integers(-(2**40), 2**40),
    st.floats(allow_nan=False, allow_infinity=False),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
)
TABLES = st.dictionaries(
    st.sampled_from(["linear", "item_knn", "als"]),
    st.dictionaries(st.from_regex(r"[a-z_]{1,12}", fullmatch=True), VALUES, min_size=1, max_size=4),
)


@given(tables=TABLES)
def test_any_values_can_be_read_back(tables: dict[str, dict[str, Any]]) -> None:
    mine = MINE + "[models.linear]\nKEEP = 1\n"
    text = with_marked(mine, tables, "")
    assert marked(text, "") == tables
    assert without_marked(text, "") == mine
