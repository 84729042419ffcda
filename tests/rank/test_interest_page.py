"""The worked example of docs/interests.md, read off the page and computed; its figures, held against the code."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from zhiyin.rank.interests.align import SAME
from zhiyin.rank.interests.learn import Pairs, Weights, log_likelihoods, shares
from zhiyin.types import Floats
from zhiyin.understand.profiles.edits import MATCHES, RAISED
from zhiyin.understand.profiles.space import ProfileParams

PAGE = Path(__file__).parents[2] / "docs" / "interests.md"
TEXT = PAGE.read_text(encoding="utf-8")
EXAMPLE = TEXT.split("### A worked example", 1)[1].split("\n## ", 1)[0]


def told(name: str) -> Floats:
    """The rows in brackets behind ``name`` in the example; one row for a vector."""
    line = re.search(rf"^    {re.escape(name)}\s+= (\[.*\])$", EXAMPLE, re.MULTILINE)
    assert line is not None, name
    rows = [[float(value) for value in row.split(",")] for row in re.findall(r"\[([^\]]*)\]", line.group(1))]
    return np.array(rows, dtype=np.float32)


def bare(weights: Floats) -> Floats:
    """Weights whose constant has no say."""
    return np.concatenate((weights, np.zeros((len(weights), 1), dtype=np.float32)), axis=1)


def test_the_worked_example_can_be_computed() -> None:
    user, items = told("h(u)"), np.concatenate([told(f"h({number})") for number in (1, 2, 3)])
    # The dimensions fit: interests by the person's numbers, and by the item's.
    assert told("W").shape == (2, user.shape[1])
    assert told("V").shape == (2, items.shape[1])
    p, q = shares(bare(told("W")), user), shares(bare(told("V")), items)
    np.testing.assert_allclose(p, told("p"), atol=5e-5)
    for number in (1, 2, 3):
        np.testing.assert_allclose(q[number - 1], told(f"q({number})")[0], atol=5e-5)
    scores = p @ q.T
    np.testing.assert_allclose(scores, told("s"), atol=5e-5)
    heat = float(np.log(told("T")[0, 0]))
    weights = Weights(bare(told("W")), bare(told("V")), heat)
    pairs = Pairs(np.repeat(user, 3, axis=0), np.arange(3, dtype=np.int32))
    logs = log_likelihoods(pairs, q, np.zeros(3, dtype=np.float32), weights)
    np.testing.assert_allclose(np.exp(logs), told("r")[0], atol=5e-5)
    assert "(0.93, -0.42)" in EXAMPLE
    np.testing.assert_allclose(told("W") @ user[0], [0.93, -0.42], atol=1e-6)


@pytest.mark.parametrize(
    "words",
    [
        f"after {ProfileParams().long_days:g} days or {ProfileParams().long_events:g} events",
        f"({ProfileParams().now_days:g} days or {ProfileParams().now_events:g} events)",
        f"by a factor of {ProfileParams().rising:g} and by {100 * ProfileParams().change:g} points",
        f"From {SAME:g} on it is the same interest",
    ],
)
def test_figures_are_those_of_the_code(words: str) -> None:
    assert words in " ".join(TEXT.split())


def test_words_for_numbers_are_those_of_the_code() -> None:
    assert (RAISED, MATCHES) == (0.25, 0.5)
    assert "adds a quarter of its weight" in " ".join(TEXT.split())
    assert "by half or better on average" in " ".join(TEXT.split())
