"""What is taken in one sitting: items met in the same session."""

from __future__ import annotations

from typing import Any, ClassVar, Self

import numpy as np
from pydantic import Field
from scipy import sparse

from zhiyin.candidates.base import Params
from zhiyin.candidates.matrix import ItemMatrixModel, decayed, nearest
from zhiyin.types import NO_TIME, Floats, Histories, Longs, TrainingData

MICROSECONDS_A_MINUTE = 60_000_000

FEWEST_TOGETHER = 0.1
"""Times tell sessions apart where at least this share of the events has company in its session."""


class SessionCooccurrenceParams(Params):
    gap_minutes: float = Field(60.0, gt=0, le=5_256_000)
    """A longer pause between two events ends a session."""
    window: int = Field(4, ge=2, le=1000)
    """Without usable times, this many events in a row are a session."""
    longest: int = Field(10, ge=2, le=10_000)
    """Longer sessions are cut into pieces of this many events: pages of ratings given at once are no sitting."""
    neighbours: int = Field(200, ge=1, le=10_000)
    """Neighbours kept of each item."""
    shrink: float = Field(30.0, ge=0, le=10_000)
    """Added to each item's squared length, so that items met rarely get smaller similarities."""
    decay: float = Field(0.6, gt=0, le=1)
    """When asked, an event counts this many times the one after it; 1 counts all alike."""


class SessionCooccurrence(ItemMatrixModel):
    """M[i, j] = x_i . x_j / sqrt((|x_i|^2 + shrink) (|x_j|^2 + shrink)) for the ``neighbours`` largest j of each i,
    where x_i holds one weight per session, divided by the root of the number of the session's events.

    A session ends where nothing happened for ``gap_minutes``. Where times are missing, or so coarse that hardly any two
    events fall together, every ``window`` events in a row are a session: close neighbours then meet in more of them.
    """

    name: ClassVar[str] = "sessions"
    params_type: ClassVar[type[Params]] = SessionCooccurrenceParams
    search_space: ClassVar[dict[str, tuple[Any, ...]]] = {
        "decay": (0.6, 0.4, 0.8, 1.0),
        "gap_minutes": (60.0, 10.0, 1440.0),
        "longest": (10, 5, 25, 100),
        "window": (4, 2, 8),
        "shrink": (30.0, 10.0, 100.0),
    }
    because: ClassVar[tuple[str, str]] = (
        "it is often taken in one sitting with what you took",
        "它常和你选过的东西在同一次浏览里被选中",
    )
    params: SessionCooccurrenceParams

    def fit_seconds(self, data: TrainingData) -> float:
        return 0.3 + 1e-5 * len(data.interactions.histories.items) + 5e-5 * data.interactions.n_items

    def fit(self, data: TrainingData) -> Self:
        histories, n = data.interactions.histories, data.interactions.n_items
        vectors = self._sessions(histories, n)
        lengths = np.bincount(vectors.indices, weights=vectors.data.astype(np.float64) ** 2, minlength=n)
        scale = 1.0 / np.sqrt(np.maximum(lengths + self.params.shrink, np.finfo(np.float32).tiny))
        vectors.data = (vectors.data * scale[vectors.indices]).astype(np.float32)
        self.matrix = nearest(vectors, self.params.neighbours)
        self.n_items = n
        return self

    def event_weights(self, histories: Histories) -> Floats:
        return decayed(histories, self.params.decay)

    def _sessions(self, histories: Histories, n: int) -> sparse.csr_array:
        """Sessions as rows, float32 CSR [sessions, n]."""
        events = np.arange(len(histories.items))
        session = sessions_by_gap(histories, self.params.gap_minutes, self.params.longest)
        if session is None:
            owners = histories.owners()
            shifts = [events[events + step < len(events)] for step in range(self.params.window)]
            inside = [some[owners[some] == owners[some + step]] for step, some in enumerate(shifts)]
            session = np.concatenate(inside)
            events = np.concatenate([some + step for step, some in enumerate(inside)])
        sizes = np.bincount(session)
        weights = histories.weights[events] / np.sqrt(sizes[session])
        cells = (weights.astype(np.float32), (session, histories.items[events]))
        return sparse.coo_array(cells, shape=(len(sizes), n)).tocsr()


def sessions_by_gap(histories: Histories, minutes: float, longest: int) -> Longs | None:
    """Number of the session of each event, int64 [events]; None where times do not tell sessions apart."""
    times, owners = histories.times, histories.owners()
    if not len(times) or (times == NO_TIME).mean() > 0.5:
        return None
    apart = (owners[1:] != owners[:-1]) | (times[1:] == NO_TIME) | (times[:-1] == NO_TIME)
    pause = np.where(apart, 0, np.where(apart, 0, times[1:]) - np.where(apart, 0, times[:-1]))
    begins = np.concatenate(([True], apart | (pause > minutes * MICROSECONDS_A_MINUTE)))
    session = np.cumsum(begins) - 1
    sizes = np.bincount(session)
    if sizes[sizes > 1].sum() < FEWEST_TOGETHER * len(times):
        return None
    place = np.arange(len(times)) - np.flatnonzero(begins)[session]
    pieces: Longs = np.cumsum(begins | (place % longest == 0)) - 1
    return pieces
