"""The benchmark of interests runs on a small slice, and its likelihood is that of a softmax."""

from __future__ import annotations

import numpy as np
import pytest

from benchmarks import interest_model
from benchmarks.data import SHARED
from zhiyin.preprocess.splits import leave_one_out
from zhiyin.testing.fixtures import checkerboard
from zhiyin.types import Floats, Histories


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"the data folder {SHARED} is not here")
def test_quick(capsys: pytest.CaptureFixture[str]) -> None:
    interest_model.main(["--quick", "--data", "amazon_beauty"])
    out = capsys.readouterr().out
    assert "| interests |" in out
    assert "minus popularity" in out
    assert "words cover" in out


def test_likelihood_and_rank_are_over_what_is_not_in_the_history() -> None:
    trial = leave_one_out(checkerboard(10).interactions).refit()
    n = trial.train.n_items

    def even(histories: Histories) -> Floats:
        return np.full((len(histories), n), -1, dtype=np.float32)

    told = interest_model.told_by(even, trial)
    np.testing.assert_allclose(told.logs, -np.log(n - trial.histories.lengths), rtol=1e-6)
    # All are equal: items come by row.
    for place, (rank, target) in enumerate(zip(told.ranks.tolist(), trial.targets.items.tolist(), strict=True)):
        seen = set(trial.histories.slice(place, place + 1).items.tolist())
        assert rank == [row for row in range(n) if row not in seen].index(target)
