"""The benchmark of chances: its figures on lists whose chances are known, and a run on a slice."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import calibration
from benchmarks.calibration import Lists, by_person, measured
from benchmarks.data import movielens_100k
from zhiyin.errors import ZhiyinError


def made(users: int, seed: int) -> Lists:
    """Best scores from 0 to 1; the first item is taken by as many in hundred as its score says, others by one."""
    random = np.random.default_rng(seed)
    top = random.random((users, 1))
    scores = (top - np.arange(12) * 0.05).astype(np.float32)
    chance = np.concatenate((top, np.full((users, 11), 0.01)), axis=1)
    return Lists(scores, random.random(scores.shape) < chance, np.full(users, 4))


def test_the_chosen_way_is_marked_and_better_than_ranks() -> None:
    rows, bins = measured(made(700, 0), made(700, 1))
    assert [row[1] for row in rows] == ["10", "100"] * 4
    chosen = [row for row in rows if row[0].endswith("*")]
    assert len(chosen) == 2
    assert chosen[0][0] != "rank *"
    assert float(chosen[0][8].split()[0]) < 0, "below the curve over ranks"
    assert {row[8] for row in rows if row[0].startswith("rank")} == {"-"}
    assert 0.85 < float(chosen[0][2]) < 1.15
    told = [float(row[1].rstrip("%")) for row in bins]
    assert told == sorted(told)


def test_log_loss_of_each_person_by_hand() -> None:
    lists = Lists(
        np.array([[2, 1, 0], [1, -np.inf, -np.inf], [-np.inf] * 3], dtype=np.float32),
        np.array([[True, False, False], [False, False, False], [False, False, False]]),
        np.array([1, 1, 0]),
    )
    chances = np.array([[0.5, 0.2, 0.1], [0.4, 0, 0], [0, 0, 0]], dtype=np.float32)
    found = by_person(chances, lists, 2)
    np.testing.assert_allclose(found, [-(np.log(0.5) + np.log(0.8)) / 2, -np.log(0.6), np.nan], rtol=1e-5)


def test_runs_on_a_slice(capsys: pytest.CaptureFixture[str]) -> None:
    try:
        movielens_100k()
    except ZhiyinError as absent:
        pytest.skip(absent.line)
    calibration.main(["--quick", "--data", "movielens-100k", "--models", "linear"])
    said = capsys.readouterr().out
    assert "| MovieLens-100K (a slice) | linear | rank" in said
    assert "### The chosen chances of the first 10 places" in said
