"""The models that Zhiyin is measured against, each tuned on the same validation users as Zhiyin's own.

Tuning tries every combination of ``grid``, then, from the best, every value of ``then`` one parameter after the other,
and keeps what has the highest validation NDCG@10, the full catalogue ranked, seen items left out, short lists filled
with the same popular items as ours.
"""

from __future__ import annotations

import hashlib
import itertools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol, Self, cast

import numpy as np
from numpy.typing import NDArray

from benchmarks.peer_counting import PCTM, SeqRules
from benchmarks.peer_implicit import ImplicitPeer
from benchmarks.peer_rectools import RecToolsEASE
from zhiyin.assets.cache import root
from zhiyin.candidates.base import Recommender
from zhiyin.candidates.fill import Filled
from zhiyin.candidates.popular import WindowedPopularity
from zhiyin.ports import Progress
from zhiyin.preprocess.splits import Trial
from zhiyin.search import validation_score
from zhiyin.types import Catalogue, Floats, Histories, Ints, TrainingData


class Peer(Protocol):
    n_items: int

    def fit(self, data: TrainingData) -> Self: ...

    def top_k(
        self,
        histories: Histories,
        k: int,
        *,
        exclude_seen: bool = ...,
        allowed: NDArray[np.bool_] | None = ...,
    ) -> tuple[Ints, Floats]: ...


@dataclass(frozen=True)
class Kind:
    """One peer: ``make`` takes the parameters of ``grid`` and ``then`` (the first value of each is where it starts)."""

    name: str
    make: Callable[..., Peer]
    grid: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    then: dict[str, tuple[Any, ...]] = field(default_factory=dict)


def _implicit(kind: str) -> Callable[..., Peer]:
    return lambda **values: ImplicitPeer(kind, **values)  # type: ignore[arg-type]


NEIGHBOURS = (10, 5, 20, 50, 100, 200, 500)
POPULARITY = Kind("popularity, all time", lambda: WindowedPopularity(days=None))
EASE = Kind("EASE (RecTools)", RecToolsEASE, {"regularization": (100.0, 10.0, 30.0, 250.0, 500.0, 1000.0, 2000.0)})
KINDS = (
    POPULARITY,
    Kind("item kNN, cosine (implicit)", _implicit("cosine"), {"K": NEIGHBOURS}),
    Kind("item kNN, TF-IDF (implicit)", _implicit("tfidf"), {"K": NEIGHBOURS}),
    Kind("item kNN, BM25 (implicit)", _implicit("bm25"), {"K": NEIGHBOURS, "K1": (1.2, 0.3, 3.0), "B": (0.75, 0.25)}),
    Kind(
        "iALS (implicit)",
        _implicit("als"),
        {"factors": (128, 64), "regularization": (10.0, 1.0, 50.0), "alpha": (1.0, 10.0, 40.0)},
        {"iterations": (15, 5, 30, 60), "factors": (256, 32), "regularization": (0.1, 4.0, 25.0), "alpha": (2.0, 4.0)},
    ),
    EASE,
    Kind(
        "SeqRules (re-implemented)",
        SeqRules,
        {
            "window": (10, 30),
            "distance": ("log", "div", "quadratic"),
            "history": (10, 5, 20),
            "recency": ("quadratic", "div"),
            "strongest": (100, 0),
        },
        {"idf": (False, True), "strongest": (200, 30), "history": (50, 2)},
    ),
    Kind(
        "PCTM (re-implemented)",
        PCTM,
        {"window": (10, 20), "power": (0.5, 1.0), "tau": (0.93, 0.01, 0.05, 0.2, 4.0), "decay": (0.6, 0.4, 0.8, 0.9)},
        {
            "fading": (0.0, 0.5, 0.7, 0.85),
            "tau": (0.4, 2.0, 8.0, 16.0),
            "decay": (0.5, 0.7, 0.95),
            "popularity": (0.0, -0.04, -0.1, -0.4),
        },
    ),
)


@dataclass(frozen=True)
class Tuned:
    kind: Kind
    params: dict[str, Any]
    score: float
    """Validation NDCG@10."""
    tried: int


@dataclass(frozen=True)
class Fitted:
    """A peer with its filler, ready to be measured. Seconds of the fit alone."""

    ranker: Filled
    peer: Peer
    seconds: float

    def fit_seconds(self) -> float:
        """Known once lists were asked for: some peers fit as late as that."""
        return self.peer.fit_seconds if isinstance(self.peer, RecToolsEASE) else self.seconds


def kinds(quick: bool) -> list[Kind]:
    """Every peer; a quick run tries two values of one parameter, and leaves out RecTools."""
    if not quick:
        return list(KINDS)
    return [
        Kind(
            kind.name,
            kind.make,
            {name: values[: 1 if place else 2] for place, (name, values) in enumerate(kind.grid.items())},
        )
        for kind in KINDS
        if kind is not EASE
    ]


def fit(kind: Kind, params: dict[str, Any], data: TrainingData, filler: Recommender) -> Fitted:
    began = time.perf_counter()
    peer = kind.make(**params).fit(data)
    # Filled asks for nothing but top_k and n_items.
    return Fitted(Filled(cast(Recommender, peer), filler), peer, time.perf_counter() - began)


def remembered(
    kind: Kind, key: object, trial: Trial, catalogue: Catalogue, seed: int, filler: Recommender, progress: Progress
) -> Tuned:
    """As ``tune``, once for the same ``key``, grid and seed: the outcome is kept beside the fetched assets."""
    told = repr([kind.name, kind.grid, kind.then, key, seed, len(trial.users), filler.params])
    path = root().parent / "peers" / f"tuned-{hashlib.sha256(told.encode()).hexdigest()[:24]}.json"
    if path.is_file():
        kept = json.loads(path.read_text(encoding="utf-8"))
        return Tuned(kind, kept["params"], kept["score"], kept["tried"])
    tuned = tune(kind, trial, catalogue, seed, filler, progress)
    path.parent.mkdir(parents=True, exist_ok=True)
    about = {"peer": kind.name, "params": tuned.params, "score": tuned.score, "tried": tuned.tried}
    path.write_text(json.dumps(about), encoding="utf-8")
    return tuned


def tune(kind: Kind, trial: Trial, catalogue: Catalogue, seed: int, filler: Recommender, progress: Progress) -> Tuned:
    """The best parameters of ``kind`` on a validation trial. ``filler`` is fitted on the trial's training part."""
    data = TrainingData(trial.train, catalogue, seed, trial.now)
    known: dict[str, float] = {}

    def measured(params: dict[str, Any]) -> float:
        key = repr(sorted(params.items()))
        if key not in known:
            known[key] = validation_score(fit(kind, params, data, filler).ranker, trial, catalogue)
            advance(1)
        return known[key]

    start = {name: values[0] for name, values in {**kind.then, **kind.grid}.items()}
    size = int(np.prod([len(values) for values in kind.grid.values()])) + sum(map(len, kind.then.values()))
    with progress.task(f"Tuning {kind.name}", size) as advance:
        grid = [dict(zip(kind.grid, values, strict=True)) for values in itertools.product(*kind.grid.values())]
        best = max(({**start, **values} for values in grid), key=measured)
        for name, values in kind.then.items():
            best = max([best, *({**best, name: value} for value in values)], key=measured)
    return Tuned(kind, best, measured(best), len(known))
