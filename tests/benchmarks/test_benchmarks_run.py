"""Every benchmark is listed, runs on a small slice where its data are, and is named beside the tables it prints."""

from __future__ import annotations

import re
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import polars as pl
import pytest

from benchmarks import cold_items, quality, speed
from benchmarks.__main__ import names
from benchmarks.data import SHARED, SLICE_USERS, DataSet, load, small
from benchmarks.quality_rows import HEADER
from benchmarks.tables import figure, markdown

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "benchmarks.md"
needs_data = pytest.mark.skipif(not SHARED.is_dir(), reason=f"the data folder {SHARED} is not here")


def benchmarks(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "benchmarks", *arguments], cwd=ROOT, capture_output=True, text=True)


def test_listed() -> None:
    listed = benchmarks("--list").stdout.split()
    assert {"quality", "speed", "cold_items", "encoders", "import_events"} <= set(listed)
    for name in listed:
        assert '\nif __name__ == "__main__"' in (ROOT / "benchmarks" / f"{name}.py").read_text(encoding="utf-8"), name


def test_unknown_name_is_wrong_usage() -> None:
    done = benchmarks("qualty")
    assert done.returncode == 2
    assert "no benchmark 'qualty'; use one of" in done.stderr


def test_every_table_of_the_document_names_what_prints_it() -> None:
    sections = re.split(r"^## ", DOCUMENT.read_text(encoding="utf-8"), flags=re.M)
    with_table = [section for section in sections if re.search(r"^\|\s*-{3}", section, flags=re.M)]
    assert with_table
    for section in with_table:
        named = re.findall(r"`python -m benchmarks (\w+)`", section)
        assert named, section.splitlines()[0]
        assert set(named) <= set(names()), section.splitlines()[0]


def tables(text: str) -> list[list[str]]:
    """Header cells of every Markdown table."""
    lines = text.splitlines()
    return [
        [cell.strip() for cell in above.strip("|").split("|")]
        for above, line in pairwise(lines)
        if re.match(r"\|( --- \|)+$", line)
    ]


@needs_data
def test_quality_quick(capsys: pytest.CaptureFixture[str]) -> None:
    quality.main(["--quick", "--data", "amazon_beauty"])
    out = capsys.readouterr().out
    assert tables(out) == [list(HEADER)] * 2
    assert "**" in out
    assert "fitted on the training part only" in out
    assert "paired over" in out
    assert "published" not in out  # a slice cannot be compared with the literature


@needs_data
def test_quality_in_parts(capsys: pytest.CaptureFixture[str]) -> None:
    quality.main(["--quick", "--data", "hetrec_friends", "--models", "peers", "--peer", "kNN"])
    out = capsys.readouterr().out
    assert tables(out) == [list(HEADER)] * 2
    assert len(re.findall(r"^\| item kNN", out, flags=re.M)) == 6
    assert "Protocol random" in out
    # Nothing of ours, nobody without a name asked for, and none that learns from an order there is not.
    assert not re.search("Zhiyin|Served|iALS|SeqRules", out)


@needs_data
def test_quality_on_validation_alone(capsys: pytest.CaptureFixture[str]) -> None:
    quality.main(["--quick", "--data", "ml_latest_small", "--protocol", "time-split", "--validation", "--peer", "PCTM"])
    out = capsys.readouterr().out
    assert tables(out) == [["peer", "hyper-parameters", "tried", "validation NDCG@10"]]
    assert "| PCTM" in out
    assert "HR@10" not in out


@needs_data
def test_a_slice_of_a_set_with_links_and_counts(tmp_path: Path) -> None:
    data = load("hetrec_friends", True, tmp_path)
    events = pl.read_csv(data.events, separator="\t")
    assert events.columns == ["userID", "artistID", "weight"]
    assert events["userID"].n_unique() == SLICE_USERS
    titles = pl.read_csv(data.items, separator="\t", quote_char=None)
    assert set(titles["id"]) == set(events["artistID"])
    assert "Björk" in set(titles["name"])
    assert data.links is not None
    assert load("hetrec_lastfm", True, tmp_path / "alone").links is None


@needs_data
def test_cold_items_quick(capsys: pytest.CaptureFixture[str]) -> None:
    cold_items.main(["--quick"])
    out = capsys.readouterr().out
    assert len(tables(out)) == 2
    assert "| popular |" in out
    assert "minus content kNN" in out
    cold_items.main(["--quick", "--price"])
    assert [line[0] for line in tables(capsys.readouterr().out)] == ["model"]


@needs_data
def test_speed_quick(capsys: pytest.CaptureFixture[str]) -> None:
    speed.main(["--quick"])
    out = capsys.readouterr().out
    assert [table[0] for table in tables(out)] == ["train", "what", "what"]
    ratios = [float(line.split("|")[-2]) for line in out.splitlines() if line.startswith("| implicit")]
    assert max(ratios) == 1.0


def test_a_slice_is_dense_and_whole(tmp_path: Path) -> None:
    (tmp_path / "e.csv").write_text(
        "user_id,item_id,timestamp\n"
        + "".join(
            f"{user},{item},{day}\n" for user in ("甲", "乙", "丙") for day, item in enumerate("abcd"[: ord(user) % 5])
        )
    )
    events = pl.read_csv(tmp_path / "e.csv")
    (tmp_path / "i.jsonl").write_text("".join(f'{{"item_id":"{item}","title":"{item}!"}}\n' for item in "abcdxyz"))
    data = small(DataSet("tiny", tmp_path / "e.csv", tmp_path / "i.jsonl", ","), tmp_path / "out")
    kept = pl.read_csv(data.events)
    enough = events.group_by("user_id").len().filter(pl.col("len") >= 3)["user_id"].to_list()
    assert 0 < len(enough) <= SLICE_USERS
    assert kept.sort("user_id", "timestamp").equals(
        events.filter(pl.col("user_id").is_in(enough)).sort("user_id", "timestamp")
    )
    assert set(pl.read_ndjson(data.items)["item_id"]) == set(kept["item_id"])


def test_tables() -> None:
    assert markdown(("a", "b"), [["1|2", "x"]]) == "| a | b |\n| --- | --- |\n| 1/2 | x |"
    assert figure(0.5) == "0.5000"
    assert figure(0.5, 0.25, 0.75) == "0.5000 (0.2500-0.7500)"
    assert figure(float("nan"), 0.1, 0.2) == "-"
