"""A list made from wishes, alone or on top of what a person's history says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from zhiyin.errors import UsageError
from zhiyin.types import Floats, Ints, Wish
from zhiyin.understand.wishes.claims import Mask
from zhiyin.understand.wishes.matcher import Matcher

REQUEST = 3.0
"""Weight of wishes against a history in [-1, 1] when somebody asks for something now: the request decides, the history
orders what answers it."""
EDIT = 0.5
"""The same for wishes kept in a profile: they lean."""
POPULARITY = 0.9
"""Weight of popularity in [0, 1] against wishes of weight ``REQUEST`` where there is no history. Validation would take
more; with this much, an item that says one thing asked for still stands above all that only sound like it."""
BEND = 3.0
"""Standard deviations at which a score of the history has gone half of its way to 1."""


@dataclass(frozen=True)
class Part:
    """``wish`` adds ``share`` (in [-1, 1]) to an item's wish score, which it answers with ``affinity`` in [0, 1]."""

    wish: Wish
    affinity: float
    share: float


@dataclass(frozen=True)
class Ranked:
    """``rows`` int32 and ``scores`` float32, best first, ties by row, as long as there are items and at most k;
    ``parts`` of each item, the strongest first."""

    rows: Ints
    scores: Floats
    parts: list[list[Part]]


def rank(
    wishes: Sequence[Wish],
    matcher: Matcher,
    k: int,
    *,
    base: Floats | None = None,
    popularity: Floats | None = None,
    allowed: Mask | None = None,
    weight: float = REQUEST,
    keep_named: bool = False,
) -> Ranked:
    """The best ``k`` items of the catalogue that the rules among ``wishes`` and ``allowed`` let through.

    ``base`` (float32, one per item; -inf for never; items beyond its end are average) is what the history says, put on
    one scale by ``standardised``. Without it ``popularity`` (float32 [n], >= 0) orders what the wishes leave alike.
    Items that the person names as known stay out unless ``keep_named``.
    """
    if k < 1:
        raise UsageError(f"asked for the best {k} items", fix="ask for 1 or more")
    scores, candidates = scored(
        wishes, matcher, base=base, popularity=popularity, allowed=allowed, weight=weight, keep_named=keep_named
    )
    order = np.argsort(-scores, kind="stable")
    rows = order[candidates[order]][:k].astype(np.int32)
    return Ranked(rows, scores[rows], parts_of(wishes, matcher, rows))


def scored(
    wishes: Sequence[Wish],
    matcher: Matcher,
    *,
    base: Floats | None = None,
    popularity: Floats | None = None,
    allowed: Mask | None = None,
    weight: float = REQUEST,
    keep_named: bool = False,
) -> tuple[Floats, Mask]:
    """Score of every item, float32 [n], -inf where it may not come out, and which may, bool [n]; see ``rank``."""
    n = matcher.n_items
    candidates = matcher.allowed(wishes)
    if allowed is not None:
        candidates &= allowed
    if not keep_named:
        candidates &= ~matcher.named(wishes)
    scores = np.zeros(n, dtype=np.float32)
    if base is not None:
        candidates[: len(base)] &= ~np.isneginf(base)
        scores[: len(base)] = standardised(base, candidates[: len(base)])
    wished = matcher.scores(wishes)
    if base is None and popularity is not None:
        # Where the best item only sounds like what was asked, popularity counts as much less.
        best = float(wished[candidates].max(initial=0.0))
        scores += np.float32(POPULARITY * (best if best > 0 else 1.0)) * prior(popularity)
    scores += np.float32(weight) * wished
    scores[~candidates] = -np.inf
    return scores, candidates


def standardised(base: Floats, candidates: Mask) -> Floats:
    """z / (BEND + |z|) with z = (base - mean) / standard deviation over the candidates: in (-1, 1), and items that
    differ in ``base`` still differ, however far out they are."""
    known = base[candidates]
    result = np.zeros(len(base), dtype=np.float32)
    spread = float(known.std()) if len(known) else 0.0
    if spread > 0:
        far = (known - known.mean()) / spread
        result[candidates] = far / (BEND + np.abs(far))
    return result


def prior(popularity: Floats) -> Floats:
    """Popularity out of its highest, float32 [n] in [0, 1]."""
    counted = np.maximum(popularity, 0)
    top = float(counted.max(initial=0.0))
    result: Floats = (counted / top if top > 0 else counted).astype(np.float32)
    return result


def parts_of(wishes: Sequence[Wish], matcher: Matcher, rows: Ints) -> list[list[Part]]:
    """What each wish adds to each of ``rows``, the strongest first, nothing that adds nothing."""
    leaning, shares = matcher.parts(wishes)
    affinities = [matcher.affinity(wish) for wish in leaning]
    result = []
    for row in rows.tolist():
        parts = [
            Part(wish, round(float(affinity[row]), 4), round(float(share[row]), 4))
            for wish, affinity, share in zip(leaning, affinities, shares, strict=True)
            if share[row]
        ]
        result.append(sorted(parts, key=lambda part: -abs(part.share)))
    return result
