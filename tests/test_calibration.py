from __future__ import annotations

import numpy as np
import pytest

from zhiyin.calibration import calibrate, judge, probabilities
from zhiyin.ports import Likelihoods
from zhiyin.types import Tier


def logs(values: list[float], tokens: list[int]) -> Likelihoods:
    found = np.array(values, dtype=np.float32), np.array(tokens, dtype=np.int32)
    return Likelihoods(*found, Tier.EMBEDDED, "m", False, 0)


def test_what_the_model_likes_anyway_is_taken_away() -> None:
    asked, neutral = logs([-1.0, -3.0], [1, 2]), logs([-1.0, -4.0], [1, 2])
    assert calibrate(asked, None).tolist() == [-1.0, -3.0]
    assert calibrate(asked, neutral).tolist() == [0.0, 1.0]
    assert calibrate(asked, neutral, per_token=True).tolist() == [0.0, 0.5]
    assert calibrate(asked, neutral).dtype == calibrate(asked, None, per_token=True).dtype == np.float32
    np.testing.assert_allclose(judge(asked, neutral), [1 / (1 + np.e), np.e / (1 + np.e)], rtol=1e-6)


def test_probabilities() -> None:
    assert probabilities(np.array([-1e4, -1e4], dtype=np.float32)).tolist() == [0.5, 0.5]
    assert probabilities(np.zeros(0, dtype=np.float32)).shape == (0,)
    flat = probabilities(np.array([0.0, 5.0], dtype=np.float32), temperature=1e6)
    np.testing.assert_allclose(flat, [0.5, 0.5], atol=1e-5)
    with pytest.raises(ValueError, match="above 0"):
        probabilities(np.zeros(2, dtype=np.float32), temperature=0.0)


def test_other_options_are_refused() -> None:
    with pytest.raises(ValueError, match="other options"):
        calibrate(logs([-1.0], [1]), logs([-1.0, -2.0], [1, 1]))
    with pytest.raises(ValueError, match="other options"):
        calibrate(logs([-1.0], [1]), logs([-1.0], [2]))
