"""Commands as a person types them: what they print, and how they end."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import polars as pl
import pytest

from zhiyin.testing.project import BOOKS, TEAS, run

Capture = pytest.CaptureFixture[str]


def told(capsys: Capture, *words: str | Path) -> dict:  # type: ignore[type-arg]
    capsys.readouterr()
    assert run(*words) == 0
    return json.loads(capsys.readouterr().out)  # type: ignore[no-any-return]


def refused(capsys: Capture, *words: str | Path) -> tuple[int, str]:
    capsys.readouterr()
    code = run(*words)
    said = capsys.readouterr()
    assert said.out == ""
    assert "Traceback" not in said.err
    return code, said.err


def test_recommend(trained: Path, capsys: Capture) -> None:
    answer = told(capsys, "recommend", "tea-1", "-k", "2", "--format", "json", "--project", trained)
    assert answer["user_id"] == "tea-1"
    assert {item["item_id"] for item in answer["items"]} <= set(TEAS)
    less = told(
        capsys,
        "recommend",
        "tea-1",
        "--exclude",
        answer["items"][0]["item_id"],
        "--format",
        "json",
        "--project",
        trained,
    )
    assert answer["items"][0]["item_id"] not in [item["item_id"] for item in less["items"]]
    assert run("recommend", "书-1", "-k", "1", "--project", trained) == 0
    text = capsys.readouterr().out
    assert "书-1 (hot)" in text
    assert "% from Novel" in text


@pytest.mark.parametrize("ending", ["csv", "jsonl", "parquet"])
def test_recommend_all(trained: Path, tmp_path: Path, capsys: Capture, ending: str) -> None:
    out = tmp_path / f"lists.{ending}"
    assert run("recommend", "--all", "-k", "3", "--out", out, "--quiet", "--project", trained) == 0
    assert "recommendations in" in capsys.readouterr().out
    readers: dict[str, Callable[[Path], pl.DataFrame]] = {
        "csv": pl.read_csv,
        "jsonl": pl.read_ndjson,
        "parquet": pl.read_parquet,
    }
    frame = readers[ending](out)
    assert frame.columns == ["user_id", "item_id", "score", "rank"]
    assert len(frame) == 3 * 49
    assert [path.name for path in tmp_path.iterdir()] == [out.name], "nothing unfinished is left"


def test_recommend_all_leaves_out_what_is_excluded(trained: Path, tmp_path: Path) -> None:
    out = tmp_path / "lists.parquet"
    assert run("recommend", "--all", "-k", "20", "--exclude", TEAS[2], "--out", out, "--project", trained) == 0
    assert TEAS[1] in pl.read_parquet(out)["item_id"].to_list()
    assert TEAS[2] not in pl.read_parquet(out)["item_id"].to_list()


def test_recommend_refuses(trained: Path, tmp_path: Path, capsys: Capture) -> None:
    for words in (
        ["recommend"],
        ["recommend", "a", "--all"],
        ["recommend", "--all"],
        ["recommend", "a", "--out", "x.csv"],
    ):
        code, line = refused(capsys, *words, "--project", trained)
        assert code == 2, words
        assert line.count("\n") == 1, line
        assert "Fix:" in line
    code, line = refused(capsys, "recommend", "--all", "--out", tmp_path / "x.doc", "--project", trained)
    assert code == 2
    assert ".parquet" in line
    folder = tmp_path / "a folder.csv"
    folder.mkdir()
    assert refused(capsys, "recommend", "--all", "--out", folder, "--project", trained)[0] == 2
    assert refused(capsys, "recommend", "--all", "--out", "/proc/x.csv", "--project", trained)[0] == 1
    assert refused(capsys, "init", "/proc/x")[0] == 2
    assert refused(capsys, "recommend", "a", "-k", "0", "--project", trained)[0] == 2
    assert refused(capsys, "recommend", "a", "--no-such-flag", "--project", trained)[0] == 2


def test_similar(trained: Path, capsys: Capture) -> None:
    answer = told(capsys, "similar", BOOKS[0], "-k", "2", "--format", "json", "--project", trained)
    assert answer["item_id"] == BOOKS[0]
    assert {item["item_id"] for item in answer["items"]} <= set(BOOKS)
    code, line = refused(capsys, "similar", "没有", "--project", trained)
    assert code == 1
    assert line == "zhiyin: no item '没有' Fix: check the id, or import the item first\n"


@pytest.mark.parametrize("fit", ["strict", "refit"])
@pytest.mark.parametrize("protocol", ["leave-one-out", "time-split"])
def test_evaluate(trained: Path, capsys: Capture, protocol: str, fit: str) -> None:
    words: list[str | Path] = ["evaluate", "--protocol", protocol, "--fit", fit, "--quiet", "--project", trained]
    answer = told(capsys, *words, "--format", "json")
    assert answer["protocol"]["name"] == protocol
    assert answer["protocol"]["fit"] == fit
    assert answer["protocol"]["full_catalogue"] is True
    assert answer["split"] == "test"
    assert answer["served"] in answer["models"]
    assert "content" not in answer["models"], "there are no text vectors"
    for figures in answer["models"].values():
        for name in ("HR@10", "NDCG@10", "Recall@10", "Precision@10", "MRR@10", "MAP@10", "Coverage@10"):
            assert 0 <= figures[name] <= 1
        low, high = figures["intervals"]["NDCG@10"]
        assert low <= figures["NDCG@10"] <= high
    assert run(*words) == 0
    text = capsys.readouterr().out
    assert f"Protocol {protocol}" in text
    assert "NDCG@10" in text


def test_evaluate_ranks_what_the_eye_sees(trained: Path, capsys: Capture) -> None:
    """Everybody goes on along their own shelf, so the right item is near the top for all but popularity."""
    answer = told(capsys, "evaluate", "--quiet", "--project", trained, "--format", "json")
    assert answer["users"] == 48
    assert answer["models"]["linear"]["NDCG@10"] > 0.6
    assert answer["models"]["linear"]["NDCG@10"] > answer["models"]["popular"]["NDCG@10"]


def test_train_says_what_it_did(trained: Path, capsys: Capture) -> None:
    before = told(capsys, "bundles", "list", "--format", "json", "--project", trained)
    assert len(before) == 1
    answer = told(capsys, "train", "--quiet", "--format", "json", "--project", trained)
    scores = answer["validation"]["NDCG@10"]
    assert scores[answer["served"]] == max(scores.values())
    assert answer["fingerprint"] == before[0]["manifest"]["fingerprint"]
    assert run("bundles", "list", "--project", trained) == 0
    text = capsys.readouterr().out
    assert text.count("validation NDCG@10") == 2
    assert text.splitlines()[0].endswith("<- served")
    older = before[0]["name"]
    assert run("bundles", "use", older, "--project", trained) == 0
    code, line = refused(capsys, "bundles", "rm", older, "--project", trained)
    assert code == 1
    assert "being served" in line
    assert run("bundles", "rm", answer["bundle"], "--project", trained) == 0


def test_a_folder_that_is_no_project(tmp_path: Path, capsys: Capture) -> None:
    for command in (["train"], ["evaluate"], ["recommend", "x"], ["similar", "x"], ["bundles", "list"]):
        code, line = refused(capsys, *command, "--project", tmp_path)
        assert code == 1, command
        assert "run 'zhiyin init'" in line


def test_nothing_imported(tmp_path: Path, capsys: Capture) -> None:
    assert run("init", tmp_path / "p") == 0
    code, line = refused(capsys, "train", "--quiet", "--project", tmp_path / "p")
    assert code == 1
    assert "zhiyin import" in line
    assert run("init", tmp_path / "p") == 2


def test_settings_are_checked(tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("init", tmp_path) == 0
    settings = tmp_path / "zhiyin.toml"
    good = settings.read_text(encoding="utf-8")
    for extra, part in (
        ("[train]\nseeed = 1\n", "unknown setting 'train.seeed'"),
        ("[train]\nseed = -1\n", "setting 'train.seed'"),
        ("[models.nope]\nx = 1\n", "unknown model 'nope'"),
        ("[nonsense]\n", "unknown setting 'nonsense'"),
        ("[train\n", "not valid TOML"),
    ):
        settings.write_text(good + extra, encoding="utf-8")
        code, line = refused(capsys, "train", "--quiet", "--project", tmp_path)
        if "nope" in extra:  # told once there is something to train on
            continue
        assert code == 1
        assert part in line
        assert line.count("\n") == 1
    settings.write_text(good, encoding="utf-8")
    monkeypatch.setenv("ZHIYIN_TRIAN__SEED", "1")
    code, line = refused(capsys, "train", "--quiet", "--project", tmp_path)
    assert code == 1
    assert "ZHIYIN_TRIAN__SEED" in line


def test_unknown_models_and_parameters_are_refused(trained: Path, capsys: Capture, tmp_path: Path) -> None:
    settings = trained / "zhiyin.toml"
    good = settings.read_text(encoding="utf-8")
    try:
        for extra, part in (
            ("[models.nope]\nx = 1\n", "unknown model 'nope'"),
            ("[models.linear]\nregularization = 1\n", "unknown parameter 'regularization'"),
            ("[models.linear]\ndecay = 2\n", "parameter 'decay'"),
            ("[models.linear]\ndecay = 2020-01-01\n", "parameter 'decay'"),
        ):
            settings.write_text(good + extra, encoding="utf-8")
            code, line = refused(capsys, "train", "--quiet", "--project", trained)
            assert code == 1
            assert part in line
    finally:
        settings.write_text(good, encoding="utf-8")


def test_as_a_program(trained: Path) -> None:
    """The installed script: one line and an exit code, no traceback."""
    script = Path(sys.executable).parent / "zhiyin"
    good = subprocess.run(
        [script, "recommend", "书-2", "--project", trained], capture_output=True, text=True, check=True
    )
    assert "Novel" in good.stdout
    assert good.stderr == ""
    bad = subprocess.run([script, "similar", "x", "--project", trained], capture_output=True, text=True, check=False)
    assert (bad.returncode, bad.stdout) == (1, "")
    assert bad.stderr.startswith("zhiyin: no item 'x'")
    assert subprocess.run([script, "nonsense"], capture_output=True, check=False).returncode == 2
