"""Who gets which variant: a hash decides, so that every process, machine and language gives the same answer.

The number of a person in [0, 1) is the first 13 hexadecimal digits (52 bits) of SHA-256 over the UTF-8 bytes of
``SALT + "\\n" + USER``, divided by 16^13: exact in a double. In JavaScript, for example:
``parseInt(sha256(salt + "\\n" + user).slice(0, 13), 16) / 2 ** 52``.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import numpy as np

DIGITS = 13
PEOPLE = 100_000


def number_of(salt: str, user_id: str) -> float:
    """The number of ``user_id`` in [0, 1)."""
    text = f"{salt}\n{user_id}".encode("utf-8", "surrogatepass")
    return float(int(hashlib.sha256(text).hexdigest()[:DIGITS], 16) / 16**DIGITS)


def place_of(salt: str, user_id: str, weights: Sequence[float]) -> int:
    """Which of ``weights`` (> 0, relative to each other) ``user_id`` falls on."""
    bounds = np.cumsum(np.asarray(weights, dtype=np.float64))
    point = number_of(salt, user_id) * bounds[-1]
    return min(int(np.searchsorted(bounds, point, side="right")), len(weights) - 1)


def evenness(salt: str, weights: Sequence[float], people: int = PEOPLE) -> float:
    """How likely counts as uneven as those of ``people`` made-up people would be, if the hash were fair (chi-square):
    a salt with which this is tiny deals people out unevenly."""
    from scipy.stats import chisquare

    counts = np.bincount([place_of(salt, f"user-{one}", weights) for one in range(people)], minlength=len(weights))
    share = np.asarray(weights, dtype=np.float64)
    return float(chisquare(counts, people * share / share.sum()).pvalue)
