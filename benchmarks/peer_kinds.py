"""The models that Zhiyin is measured against, and what is tried of each.

A peer's grid holds what its authors and "Revisiting the performance of iALS" (RecSys 2022) say matters most; the first
value of each parameter is where the search of ``peers.tune`` starts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from benchmarks.peer_counting import PCTM, SeqRules
from benchmarks.peer_elsewhere import LENSKIT, RECTOOLS, Elsewhere, Environment
from benchmarks.peer_implicit import ImplicitPeer
from zhiyin.candidates.popular import WindowedPopularity
from zhiyin.types import Floats, Histories, Ints, TrainingData


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
    """One peer: ``make`` takes the parameters of ``grid`` and ``then`` (the first value of each is where it starts),
    and of ``along``, a parameter of which one process answers for all values; of those, ``patience`` without a gain end
    a fit. A peer that is ``ordered`` learns from the order of events, one that is ``weighted`` from their weights; one
    that is ``heavy`` is left out of big data."""

    name: str
    make: Callable[..., Peer]
    grid: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    then: dict[str, tuple[Any, ...]] = field(default_factory=dict)
    along: tuple[str, tuple[Any, ...]] | None = None
    patience: int = 0
    ordered: bool = False
    weighted: bool = False
    heavy: bool = False


def _implicit(kind: str) -> Callable[..., Peer]:
    return lambda **values: ImplicitPeer(kind, **values)  # type: ignore[arg-type]


def _elsewhere(environment: Environment, model: str, **fixed: Any) -> Callable[..., Peer]:
    return lambda **values: Elsewhere(environment, model, **fixed, **values)


NEIGHBOURS = (10, 5, 20, 50, 100, 200, 500, 1000)
EPOCHS = (5, 10, 15, 20, 25, 30, 40, 50, 60, 80)
POPULARITY = Kind("popularity, all time", lambda: WindowedPopularity(days=None))
PENALTIES = (100.0, 10.0, 30.0, 250.0, 500.0, 1000.0, 2000.0)
EASE = Kind("EASE (RecTools)", _elsewhere(RECTOOLS, "ease"), {"regularization": PENALTIES}, weighted=True)
WIDE_EASE = replace(EASE, grid={"regularization": (100.0, 50.0, 250.0)})
"""Where one fit takes minutes: few values."""
WIDE = 13_000
"""Items from which on a fit of EASE takes minutes."""
HEAVY_USERS = 5_000
"""Users from which on tuning a transformer on two cores would take hours."""
TRANSFORMER = {"loss": "softmax", "lr": 1e-3, "n_heads": 2, "batch_size": 32, "stages": EPOCHS}
"""Softmax over the whole catalogue: what sampled losses approach."""
SIZES = {"n_factors": (64, 128), "dropout_rate": (0.2, 0.5), "n_blocks": (2, 1), "session_max_len": (100,)}

KINDS = (
    POPULARITY,
    Kind("item kNN, cosine (implicit)", _implicit("cosine"), {"K": NEIGHBOURS}, weighted=True),
    Kind("item kNN, TF-IDF (implicit)", _implicit("tfidf"), {"K": NEIGHBOURS}, weighted=True),
    Kind(
        "item kNN, BM25 (implicit)",
        _implicit("bm25"),
        {"K": NEIGHBOURS, "K1": (1.2, 0.3, 3.0), "B": (0.75, 0.25)},
        {"K1": (1.2, 0.1), "B": (0.75, 0.0)},
        weighted=True,
    ),
    Kind(
        "item kNN (LensKit)",
        _elsewhere(LENSKIT, "item_knn"),
        {"min_sim": (1e-6, 0.05, 0.1), "min_nbrs": (1,)},
        along=("max_nbrs", (20, 5, 10, 50, 100, 500)),
    ),
    Kind(
        "user kNN (LensKit)",
        _elsewhere(LENSKIT, "user_knn"),
        {"min_nbrs": (1,)},
        along=("max_nbrs", (20, 5, 10, 40, 80, 160, 320)),
    ),
    Kind(
        "iALS (implicit)",
        _implicit("als"),
        {"factors": (128, 64), "regularization": (10.0, 1.0, 50.0), "alpha": (1.0, 10.0, 40.0)},
        {
            "iterations": (15, 5, 30, 60),
            "factors": (256, 512, 32),
            "regularization": (0.1, 4.0, 25.0, 100.0),
            "alpha": (0.3, 2.0, 4.0),
        },
        weighted=True,
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
        ordered=True,
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
        ordered=True,
    ),
    Kind(
        "SASRec (RecTools)",
        _elsewhere(RECTOOLS, "sasrec", layers="sasrec", **TRANSFORMER),
        then=SIZES,
        along=("epochs", EPOCHS),
        patience=2,
        ordered=True,
        heavy=True,
    ),
    Kind(
        "eSASRec (RecTools, LiGR blocks)",
        _elsewhere(RECTOOLS, "sasrec", layers="ligr", **TRANSFORMER),
        then=SIZES,
        along=("epochs", EPOCHS),
        patience=2,
        ordered=True,
        heavy=True,
    ),
)


def kinds(quick: bool, *, ordered: bool = True, users: int = 0, items: int = 0) -> list[Kind]:
    """The peers for data of ``users`` and ``items``, in which the order of events means something or not. A quick run
    tries two values of one parameter, and leaves out what lives elsewhere."""
    fit = [kind for kind in KINDS if (ordered or not kind.ordered) and not (kind.heavy and users >= HEAVY_USERS)]
    if not quick:
        return [WIDE_EASE if kind is EASE and items >= WIDE else kind for kind in fit]
    return [
        replace(
            kind, grid={name: values[: 1 if at else 2] for at, (name, values) in enumerate(kind.grid.items())}, then={}
        )
        for kind in fit
        if kind.along is None and kind is not EASE
    ]
