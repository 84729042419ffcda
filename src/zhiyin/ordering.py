"""The order of a person's items: what the model says of their history, then what they said themselves."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zhiyin.candidates.base import Recommender
from zhiyin.evaluate.measure import Ranker
from zhiyin.types import Floats, Histories, Ints
from zhiyin.wants import Wanted

if TYPE_CHECKING:
    from zhiyin.understand.wishes.matcher import Matcher


@dataclass(frozen=True)
class Ordered:
    """Item rows, best first, and their scores. ``parts`` are further summands of every item's score by name ("wish",
    "model"), float32 [items], beside own events and popularity. ``chances`` are probabilities that each row is what
    comes next, float32 aligned with ``rows``, NaN where that is not known; None where nothing can be said."""

    rows: Ints
    scores: Floats
    parts: Mapping[str, Floats] = field(default_factory=dict)
    chances: Floats | None = None

    def first(self, k: int) -> Ordered:
        chances = None if self.chances is None else self.chances[:k]
        return Ordered(self.rows[:k], self.scores[:k], self.parts, chances)

    def arranged(self, rows: Ints) -> Ordered:
        """``rows`` in the order given, then the others of this order; an item that was not in it has its last score."""
        at = {row: place for place, row in enumerate(self.rows.tolist())}
        places = np.array([at.get(row, -1) for row in rows.tolist()], dtype=np.int64)
        rest = np.ones(len(self.rows), dtype=np.bool_)
        rest[places[places >= 0]] = False
        last = self.scores.min(initial=0)
        scores = np.where(places >= 0, self.scores[places], last) if len(self.rows) else np.zeros(len(rows))
        chances = None
        if self.chances is not None:
            own = np.where(places >= 0, self.chances[places], np.nan) if len(self.rows) else np.full(len(rows), np.nan)
            chances = np.concatenate((own, self.chances[rest])).astype(np.float32)
        return Ordered(
            np.concatenate((rows, self.rows[rest])).astype(np.int32),
            np.concatenate((scores, self.scores[rest])).astype(np.float32),
            self.parts,
            chances,
        )


def by_history(
    ranker: Ranker, history: Histories, k: int, allowed: NDArray[np.bool_], *, exclude_seen: bool = True
) -> Ordered:
    """The best ``k`` (fewer where there are no more) of one person by ``ranker`` alone."""
    rows, scores = ranker.top_k(history, k, exclude_seen=exclude_seen, allowed=allowed)
    taken = rows[0] >= 0
    return Ordered(rows[0][taken], scores[0][taken])


def levelled(own: Ordered, everything: Ordered) -> Ordered:
    """``everything``, with scores that can be set against wishes: those of ``own`` (what the model itself has to say)
    as they are, and the others in their order close below the least of these, for it has nothing to say of them."""
    known = dict(zip(own.rows.tolist(), own.scores.tolist(), strict=True))
    least = float(own.scores.min(initial=0.0))
    step = (float(own.scores.max(initial=0.0)) - least or 1.0) * 1e-3 / max(1, len(everything.rows))
    scores = [known.get(row, least - step * (place + 1)) for place, row in enumerate(everything.rows.tolist())]
    return Ordered(everything.rows, np.array(scores, dtype=np.float32))


def by_wishes(
    base: Ordered,
    wanted: Wanted,
    matcher: Matcher,
    allowed: NDArray[np.bool_],
    *,
    prior: Recommender | None,
    unplaced: NDArray[np.bool_] | None = None,
) -> Ordered:
    """Every item that may come out, in its order: wishes of the profile lean on ``base`` (an order of every item), a
    request decides over both. ``unplaced`` items, of which no model knows, stand with the last of ``base``. ``prior``
    is what everybody likes, in place of ``base`` for somebody without a history.
    """
    from zhiyin.understand.wishes.rank import EDIT, REQUEST, scored

    scores: Floats | None = None
    popularity: Floats | None = None
    if prior is None:
        scores = np.full(matcher.n_items, -np.inf, dtype=np.float32)
        if unplaced is not None:
            scores[unplaced] = base.scores.min(initial=0.0)
        scores[base.rows] = base.scores
    else:
        popularity = np.zeros(matcher.n_items, dtype=np.float32)
        popularity[: prior.n_items] = prior.score(Histories.of([[]]))[0]
    said = np.zeros(matcher.n_items, dtype=np.float32)
    candidates = allowed
    for wishes, weight in ((wanted.kept, EDIT), (wanted.requested, REQUEST)):
        if wishes:
            scores, candidates = scored(
                wishes,
                matcher,
                base=scores,
                popularity=popularity,
                allowed=candidates,
                weight=weight,
                keep_named=weight == EDIT,
            )
            said += np.float32(weight) * matcher.scores(wishes)
    assert scores is not None
    order = np.argsort(-scores, kind="stable")
    rows = order[candidates[order]].astype(np.int32)
    return Ordered(rows, scores[rows], {"wish": said})
