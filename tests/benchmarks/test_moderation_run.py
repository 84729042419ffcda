"""The benchmark of moderation on a small slice."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import moderation
from benchmarks.data import SHARED
from zhiyin.scenarios.community.moderation.classifier.second import ABOUT

needs_data = pytest.mark.skipif(not (SHARED / "cold").is_dir(), reason=f"the data folder {SHARED / 'cold'} is not here")


@needs_data
def test_moderation_quick(capsys: pytest.CaptureFixture[str]) -> None:
    moderation.main(["--quick"])
    out = capsys.readouterr().out
    for title in ("COLD dev, 200 texts", "Expected calibration error", "speak about contempt", "Milliseconds a text"):
        assert title in out, title
    twice = next(line for line in out.splitlines() if line.startswith("| read twice"))
    once = next(line for line in out.splitlines() if line.startswith("| read once"))
    assert cells(twice)[0] > cells(once)[0], "read twice it is right more often"
    assert "Accuracy on a topic that was not taught" not in out, "a slice has too few of each"


def cells(line: str) -> list[float]:
    return [float(cell) for cell in line.strip("| ").split(" | ")[1:]]


@needs_data
def test_rows_read_anew_are_of_the_training_part() -> None:
    train = moderation.cold("train")
    had, new = moderation.reread(train)
    assert len(had.texts) == len(new) == len(set(had.texts)) >= 1500
    assert set(new.tolist()) == {0, 1}
    about = np.array([any(word in text for word in ABOUT) for text in had.texts])
    assert 0.1 < new[about].mean() < 0.4 < 0.8 < had.labels[about].mean()


def test_measures() -> None:
    said, labels = np.array([1, 1, 0, 0]), np.array([1, 0, 0, 0])
    assert moderation.accuracy(said, labels) == 0.75
    assert moderation.f1(said, labels) == pytest.approx(2 / 3)
    assert moderation.macro(said, labels) == pytest.approx((2 / 3 + 4 / 5) / 2)
