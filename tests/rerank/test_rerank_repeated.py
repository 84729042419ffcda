"""What was shown and not taken makes room: by hand."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest

from zhiyin.rerank import Asked, Items, Shown

DAY = 86_400_000_000
NOW = 1_700_000_000_000_000


def shown(*told: tuple[int, int, float]) -> Shown:
    """Row, place, days ago."""
    rows, places, ago = zip(*told, strict=True)
    times = np.array([NOW - int(one * DAY) for one in ago], dtype=np.int64)
    return Shown(np.array(rows, dtype=np.int32), np.array(places, dtype=np.int64), times)


def test_by_hand(arranged: Callable[..., list[int]]) -> None:
    # Worth 1, 0.9, 0.8, 0.7 along the list; row 0 was first once: 0.8 < 0.9.
    once = Asked(now=NOW, shown=shown((0, 1, 1)))
    assert arranged([0, 1, 2, 3], once, kind="repeated", factor=0.79) == [1, 2, 0, 3]
    low = Asked(now=NOW, shown=shown((0, 7, 1)))
    assert arranged([0, 1, 2, 3], low, kind="repeated", factor=0.79) == [0, 1, 2, 3], "a low place is a third of one"
    often = Asked(now=NOW, shown=shown((0, 1, 1), (0, 1, 2), (1, 1, 3)))
    assert arranged([0, 1, 2, 3], often, kind="repeated", factor=0.5) == [2, 3, 1, 0]
    assert arranged([0, 1, 2, 3], often, kind="repeated", factor=0.5, days=0.5) == [0, 1, 2, 3], "forgotten"
    unknown = Asked(now=NOW, shown=shown((-1, 1, 1)))
    assert arranged([0, 1, 2, 3], unknown, kind="repeated", factor=0.5) == [0, 1, 2, 3]
    assert arranged([0, 1], Asked(now=NOW), kind="repeated") == [0, 1], "nothing is known of what was shown"


def test_it_says_why(items: Items, stage_of: Callable[..., object], ask: Callable[..., Asked]) -> None:
    from zhiyin.pipeline import Pipeline, Request

    one = Pipeline.parse("信息流", {"stage": [{"kind": "repeated", "factor": 0.5}]}, "a test")
    assert one.asks_shown
    rows, scores = np.array([0, 1], dtype=np.int32), np.array([1.0, 0.9], dtype=np.float32)
    found = one.run(Request(rows, scores, items, ask(shown=shown((0, 1, 1)))))
    assert found.rows.tolist() == [1, 0]
    assert "shown 1 times and not taken" in found.moved(0, "口红")[0][0]
    assert found.propensities.tolist() == [1.0, 1.0]
    assert "times 0.5" in one.describe()[0]


@pytest.mark.parametrize("told", [{"factor": 1.5}, {"days": 0}, {"colour": 1}])
def test_bad_parameters(told: dict[str, float], stage_of: Callable[..., object]) -> None:
    from zhiyin.errors import ConfigError

    with pytest.raises(ConfigError):
        stage_of(kind="repeated", **told)
