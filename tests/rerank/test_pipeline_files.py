"""Pipeline files: what is read out of them, and what is refused by file, key and fix."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zhiyin.errors import ConfigError
from zhiyin.pipeline import SHIPPED, Pipeline, pipeline_for, surfaces
from zhiyin.rerank import STAGES, Items
from zhiyin.types import DEFAULT_SURFACE

SOUND = """
candidates = 50

[[stage]]
kind = "boost"
where = { category = "Makeup", price_below = 20, brand = ["A", "小店"] }
factor = 1.2

[[stage]]
kind = "cap"
by = "brand"

[[stage]]
kind = "seen"
again = [{ after_days = 30, types = ["purchase"], where = { category = "Hair" } }]
"""


def written(folder: Path, text: str, name: str = "主页.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_read(tmp_path: Path, items: Items) -> None:
    one = Pipeline.load(written(tmp_path, SOUND))
    assert (one.name, one.candidates, [stage.kind for stage in one.stages]) == ("主页", 50, ["boost", "cap", "seen"])
    assert one.describe() == [
        "1. boost: category Makeup, price_below 20, brand A | 小店: worth times 1.2",
        "2. cap: at most 2 of one brand in the first 10",
        "3. seen: nothing seen before, but for purchase after 30 days where category Hair",
    ]
    assert one.asks_facts
    assert one.asks_seen
    one.check(items)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("candidates = ", "not valid TOML"),
        ("candidate = 3", "unknown key 'candidate' Fix: use some of candidates, stage"),
        ("candidates = 0", "key 'candidates': Input should be greater than or equal to 1"),
        ("[[stage]]\nstrength = 1", "stage 1: no kind Fix: use one of seen, available, boost"),
        ('[[stage]]\nkind = "diversty"', "stage 1: unknown kind 'diversty' Fix: use one of seen, available"),
        (
            '[[stage]]\nkind = "cap"\nby = "brand"\n[[stage]]\nkind = "diversity"\nstenght = 0.2',
            "stage 2 (diversity): unknown key 'stenght' Fix: use some of method, strength",
        ),
        ('[[stage]]\nkind = "diversity"\nstrength = 2', "(diversity): key 'strength': Input should be less than or"),
        ('[[stage]]\nkind = "diversity"\nstrength = nan', "(diversity): key 'strength': Input should be"),
        ('[[stage]]\nkind = "pin"', "(pin): key 'item' is missing Fix: give 'item'"),
        ('[[stage]]\nkind = "boost"\nwhere = {}', "(boost): key 'where': a condition names at least one of category"),
        ('[[stage]]\nkind = "boost"\nwhere = { price_below = "low" }', "key 'where': 'price_below' takes a number"),
        (
            '[[stage]]\nkind = "boost"\nwhere = { brand = [] }',
            "key 'where': 'brand' takes a text, a number, or several",
        ),
        ('[[stage]]\nkind = "seen"\nagain = [{ after = 3 }]', "key 'again.0.after_days' is missing"),
        (
            '[[stage]]\nkind = "seen"\nagain = [{ after_days = 3, kinds = [] }]',
            "(seen): unknown key 'again.0.kinds' Fix: see docs/pipelines.md",
        ),
        ('[[stage]]\nkind = "explore"\nslots = [0]', "(explore): key 'slots': places count from 1"),
        (
            '[[stage]]\nkind = "explore"\n[[stage]]\nkind = "cap"\nby = "brand"',
            "stage 1: 'explore' stands before other stages, which would change the chances it logs Fix: put it last",
        ),
    ],
)
def test_refused(tmp_path: Path, text: str, said: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(ConfigError) as refused:
        Pipeline.load(path)
    assert said in refused.value.line
    assert refused.value.line.startswith(str(path))
    assert " Fix: " in refused.value.line


def test_what_no_item_has_is_named_with_file_and_stage(tmp_path: Path, items: Items) -> None:
    path = written(tmp_path, '[[stage]]\nkind = "boost"\nwhere = { maker = "A" }\n')
    with pytest.raises(ConfigError) as refused:
        Pipeline.load(path).check(items)
    assert refused.value.line == (
        f"{path}, stage 1 (boost), maker: no item has the attribute 'maker' Fix: items have: brand, price, stock"
    )


def test_no_file(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        Pipeline.load(tmp_path / "none.toml")


VALUES = st.recursive(
    st.one_of(st.booleans(), st.integers(-5, 5), st.floats(), st.text(max_size=5)),
    lambda inner: st.one_of(st.lists(inner, max_size=2), st.dictionaries(st.text(max_size=5), inner, max_size=2)),
    max_leaves=4,
)


@settings(max_examples=120, suppress_health_check=[HealthCheck.too_slow], deadline=None)
@given(
    st.dictionaries(st.sampled_from(["candidates", "stage", "x"]), VALUES, max_size=2),
    st.sampled_from(list(STAGES)),
    st.dictionaries(
        st.sampled_from(["strength", "where", "by", "item", "again", "slots", "within"]), VALUES, max_size=3
    ),
)
def test_whatever_a_file_says_it_is_read_or_refused(
    told: dict[str, object], kind: str, more: dict[str, object]
) -> None:
    for one in (told, {**told, "stage": [{"kind": kind, **more}]}):
        refused = None
        try:
            Pipeline.parse("any", one, "any.toml")
        except ConfigError as wrong:
            refused = wrong
        assert refused is None or ("any.toml" in refused.line and refused.fix)


def test_the_shipped_ones_are_sound(items: Items) -> None:
    found = surfaces(Path("nowhere"))
    assert set(found) >= {DEFAULT_SURFACE, "home", "similar", "email", "feed", "articles"}
    for name, path in found.items():
        one = Pipeline.load(path)
        assert one.name == name
        assert one.stages
        assert not one.asks_seen
        one.check(items)
    assert Pipeline.default().describe() == Pipeline.load(SHIPPED / "default.toml").describe()


def test_a_surface_has_the_projects_own_the_shipped_or_the_default(tmp_path: Path) -> None:
    assert pipeline_for(tmp_path, "home").where == str(SHIPPED / "home.toml")
    assert pipeline_for(tmp_path, "新页面").where == str(SHIPPED / "default.toml")
    (tmp_path / "pipelines").mkdir()
    own = written(tmp_path / "pipelines", SOUND, "home.toml")
    assert pipeline_for(tmp_path, "home").where == str(own)
    assert surfaces(tmp_path)["home"] == own
