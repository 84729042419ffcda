"""How much a language model may move an item: its say is clipped, so that no text can talk an item to the top.

    final = z(base) + weight * clip(z(said), -1, 1)        z(x) = (x - mean of x) / standard deviation of x

over the candidates of one person. Whatever the model says, an item does not pass another whose z(base) is more than
2 * weight higher. Poisoned titles and reviews do move language models (arXiv:2504.11182, 2502.07315); this holds for
every text and every answer.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhiyin.types import Floats

MOST = 1.0
"""What the model says of one item is clipped to this many standard deviations on either side."""


def bounded(base: NDArray[np.floating[Any]], said: NDArray[np.floating[Any]], weight: float) -> NDArray[np.float64]:
    """Final scores float64 [n], higher is better, of n candidates with finite ``base`` scores.

    ``said`` [n] is higher where the model likes an item more; NaN where it said nothing, which counts as its mean. With
    a weight of 0, or where all of ``said`` is alike, the order is that of ``base``.
    """
    return standardised(base) + weight * np.clip(standardised(said), -MOST, MOST)


def standardised(values: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """z(values), float64 [n]: mean 0, standard deviation 1 over those that are finite; 0 for the others, and for all
    where they do not differ."""
    wide = np.asarray(values, dtype=np.float64)
    known = np.isfinite(wide)
    result = np.zeros(len(wide))
    if not known.any():
        return result
    # Scaled first: squares of very large or very small numbers would leave the range of float64.
    centred = wide[known] - wide[known].mean()
    largest = np.abs(centred).max()
    if largest <= SAME * np.abs(wide[known]).max():
        return result
    centred /= largest
    result[known] = centred / centred.std()
    return result


SAME = 1e-9
"""Values that differ by less than this share of the largest do not differ: what is left is rounding."""


def order_of(scores: NDArray[np.floating[Any]]) -> NDArray[np.int64]:
    """Places 0..n-1, best first; equal scores keep the order in which they were given."""
    return np.argsort(-scores, kind="stable")


def borda(orders: list[list[int]], n: int) -> Floats:
    """Mean share of the others that each of ``n`` candidates stands above, float32 [n] in [0, 1], over complete
    ``orders`` (each a permutation of 0..n-1, best first; at least one)."""
    points = np.zeros(n)
    for order in orders:
        points[order] += np.arange(n - 1, -1, -1)
    return (points / (len(orders) * max(1, n - 1))).astype(np.float32)
