"""Figures and names in docs/models.md and docs/evaluation.md, held against the code."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from zhiyin import fusing
from zhiyin.bundle.manifest import Manifest
from zhiyin.candidates import newcomers, rules
from zhiyin.candidates.item_knn import BM25_LENGTH, BM25_SATURATION
from zhiyin.candidates.linear import LinearParams
from zhiyin.candidates.matrix import ItemMatrixModel
from zhiyin.candidates.solvers import fits_densely
from zhiyin.evaluate.intervals import LEVEL, RESAMPLES
from zhiyin.evaluate.measure import measure_lists
from zhiyin.evaluate.run import ProtocolName
from zhiyin.evaluate.slices import BANDS
from zhiyin.parts import INTERESTS
from zhiyin.preprocess.clean import REPEAT_CAP
from zhiyin.preprocess.splits import DATED_SHARE, FEWEST_EVENTS
from zhiyin.registry import CORE, FILLER, MODELS
from zhiyin.types import Catalogue, Histories, IdMap, Interactions

DOCS = Path(__file__).parents[2] / "docs"
TEXTS = {name: (DOCS / f"{name}.md").read_text(encoding="utf-8") for name in ("models", "evaluation")}
SAYS = {name: " ".join(text.split()) for name, text in TEXTS.items()}


def test_models_are_described_in_the_order_of_tables() -> None:
    section = TEXTS["models"].split("## The models\n", 1)[1].split("\n## ", 1)[0]
    assert re.findall(r"^### (\w+)$", section, re.MULTILINE) == list(MODELS)
    assert (CORE, FILLER) == ("linear", "popular")
    matrix = ", ".join(name for name, kind in MODELS.items() if issubclass(kind, ItemMatrixModel))
    assert f"item-item matrix M ({matrix})" in SAYS["models"]


def test_every_searched_parameter_but_a_few_is_in_a_formula() -> None:
    section = TEXTS["models"].split("## The models\n", 1)[1].split("\n## ", 1)[0]
    for part in section.split("\n### ")[1:]:
        kind = MODELS[part.split("\n", 1)[0]]
        missing = [name for name in kind.search_space if name not in part]
        # The number of factors is the length of vectors whose name is enough; dropout ends with the learning.
        assert [name for name in missing if name not in ("factors", "dropout")] == []


@pytest.mark.parametrize(
    ("page", "words"),
    [
        ("models", f"k1 = {BM25_SATURATION}, b = {BM25_LENGTH}"),
        ("models", f"window {rules.DEFAULTS.window} and shrink {rules.DEFAULTS.shrink:g}"),
        ("models", f"borrows from the {newcomers.NEIGHBOURS} known items"),
        ("models", f"weighted by cos^{newcomers.POWER:g}"),
        ("models", f"the default of {LinearParams().memory_gib:g})"),
        ("models", f"the default trend of {LinearParams().trend:g}"),
        ("evaluation", f"at most {REPEAT_CAP:g} times the strongest"),
        ("evaluation", f"fewer than {FEWEST_EVENTS} interactions"),
        ("evaluation", f"times on {DATED_SHARE:.0%}".replace("%", " %")),
        ("evaluation", f"{LEVEL:.0%}".replace("%", " %") + " percentile bootstrap"),
        ("evaluation", f"{RESAMPLES:,} resamples"),
        ("evaluation", f"ranks 1 to {fusing.CURVE}"),
        ("evaluation", f"bands {', '.join(list(BANDS)[:-1])} and {list(BANDS)[-1]}"),
    ],
)
def test_the_page_states_the_figure_of_the_code(page: str, words: str) -> None:
    assert words in SAYS[page]


def test_the_largest_catalogue_solved_exactly() -> None:
    assert "32,768 items" in SAYS["models"]
    assert fits_densely(32_768, LinearParams().memory_gib)
    assert not fits_densely(32_769, LinearParams().memory_gib)


def test_protocols_and_measures_are_those_of_the_code() -> None:
    table = TEXTS["evaluation"].split("## Protocols\n", 1)[1].split("`--fit`", 1)[0]
    assert re.findall(r"^\| `([\w-]+)`", table, re.MULTILINE) == list(get_args(ProtocolName))
    one = Interactions(IdMap(["u"]), IdMap(["i", "j"]), Histories.of([[0]]))
    nothing = Catalogue(["", ""], [[], []], ["", ""], None, np.zeros(2, dtype=bool))
    found = measure_lists(
        np.array([[1]], dtype=np.int32), Histories.of([[0]]), Histories.of([[1]]), one, nothing, ks=(1,)
    )
    told = re.findall(r"^\| (\w+)@k \|", TEXTS["evaluation"], re.MULTILINE)
    assert told == [name.removesuffix("@1") for name in found.means]


def test_the_bundle_on_the_page_is_the_bundle_on_disk(trained: Path) -> None:
    table = TEXTS["models"].split("| file | holds |", 1)[1].split("\n\n", 1)[0]
    told = set(re.findall(r"^\| `([^`]+)` \|", table, re.MULTILINE))
    folder = next(path for path in (trained / "bundles").iterdir() if path.is_dir())
    parts = [path.relative_to(folder) for path in folder.rglob("*") if path.is_file()]
    there = {"models/NAME/*.npy" if path.parts[0] == "models" else path.as_posix() for path in parts}
    assert there == told - {"vectors.npy", "models/sequence/weights.safetensors"}
    manifest = Manifest.model_validate_json((folder / "manifest.json").read_text(encoding="utf-8"))
    assert set(manifest.models) == {manifest.served, FILLER, INTERESTS}
