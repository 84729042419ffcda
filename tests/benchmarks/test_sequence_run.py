from __future__ import annotations

import re

import numpy as np
import pytest

from benchmarks import sequence
from benchmarks.data import SHARED
from zhiyin.candidates.linear import LinearCore
from zhiyin.candidates.rules import SequentialRules
from zhiyin.preprocess.splits import leave_one_out
from zhiyin.testing.fixtures import training_data
from zhiyin.types import TrainingData

pytest.importorskip("torch", reason="the sequence model is learned with torch")


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"the data folder {SHARED} is not here")
def test_quick(capsys: pytest.CaptureFixture[str]) -> None:
    sequence.main(["--quick", "--data", "amazon_beauty", "--only", "default", "--test"])
    out = capsys.readouterr().out
    assert "| core alone |" in out
    alone, joined = re.findall(r"^\| default \|.*\| (0\.\d{4}) \| [\d.]+ \| (0\.\d{4}) \|$", out, flags=re.M)[0]
    core = re.findall(r"^\| core alone \|.*\| (0\.\d{4}) \|$", out, flags=re.M)[0]
    assert float(joined) >= float(core), "a weight of 0 is among those tried"
    assert 0 <= float(alone) <= 1
    assert "Test, the default: alone 0." in out


def test_the_sum_with_weight_0_is_the_core() -> None:
    names = [f"物 {item}" for item in range(12)]
    people = {f"user {start}": [names[(start + step) % 12] for step in range(5)] for start in range(12)}
    data = training_data(people, items=names)
    trial = leave_one_out(data.interactions).search()
    fitted = TrainingData(trial.train, data.catalogue)
    core, rules = LinearCore(rules=0.0).fit(fitted), SequentialRules().fit(fitted)
    alone, _ = sequence.together(core, None, trial)
    joined, itself = sequence.together(core, rules, trial, (0.0, 1.0, 1e6))
    assert joined[0.0] == alone[0.0]
    assert joined[1e6] == pytest.approx(itself)
    assert itself == 1.0, "after each item comes the next"


def test_standard() -> None:
    rows = sequence.standard(np.array([[1, 2, 3], [5, 5, 5]], dtype=np.float32))
    assert rows[0] == pytest.approx(np.array([-1, 0, 1]) * np.sqrt(1.5))
    assert not rows[1].any()
