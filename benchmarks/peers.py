"""Peers tuned on the same validation users as Zhiyin's own models.

Tuning tries every combination of ``grid``, then, from the best, every value of ``then`` one parameter after the other
(and, where events weigh differently, with their weights and without), and keeps what has the highest validation
NDCG@10, the full catalogue ranked, seen items left out, short lists filled with the same popular items as ours.
"""

from __future__ import annotations

import hashlib
import itertools
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Self, cast

import numpy as np
from numpy.typing import NDArray

from benchmarks.peer_cost import Cost, watched
from benchmarks.peer_elsewhere import Elsewhere
from benchmarks.peer_kinds import Kind, Peer
from zhiyin.assets.cache import root
from zhiyin.candidates.base import Recommender
from zhiyin.candidates.fill import Filled
from zhiyin.evaluate.measure import Ranker
from zhiyin.ports import Progress
from zhiyin.preprocess.splits import Trial
from zhiyin.search import K, validation_score
from zhiyin.types import Catalogue, Floats, Histories, Interactions, Ints, TrainingData

PLAIN = "plain"
"""Parameter that ``tune`` adds for a ``Kind.weighted`` where events do not all weigh the same."""


@dataclass(frozen=True)
class Tuned:
    kind: Kind
    params: dict[str, Any]
    score: float
    """Validation NDCG@10."""
    tried: int
    """Fits; each of them may have answered for several values of ``Kind.along``."""


@dataclass(frozen=True)
class Fitted:
    """A peer with its filler, ready to be measured, and what the fit cost here."""

    ranker: Filled
    peer: Peer
    cost: Cost

    def costs(self, listing: Cost) -> tuple[float, float, float]:
        """Seconds of the fit, seconds of ``listing`` (the cost of asking for all lists), and the peak of memory in
        MiB; known once lists were asked for, since a peer that lives elsewhere does all its work then, and tells."""
        if isinstance(self.peer, Elsewhere) and self.peer.answer is not None:
            told = self.peer.answer
            return float(told.fit_seconds[0]), float(told.list_seconds[0]), told.mib
        return self.cost.seconds, listing.seconds, max(self.cost.mib, self.cost.kept + listing.mib)


@dataclass
class Memory:
    """Scores by parameters, kept in a file from trial to trial, so that a search that was cut off goes on."""

    path: Path | None = None
    known: dict[str, tuple[float, dict[str, Any]]] = field(default_factory=dict)
    """The score, and the parameters with the value of ``Kind.along`` that gave it."""

    @staticmethod
    def at(path: Path) -> Memory:
        if not path.is_file():
            return Memory(path)
        kept = json.loads(path.read_text(encoding="utf-8"))
        return Memory(path, {key: (score, params) for key, (score, params) in kept.items()})

    def keep(self, key: str, score: float, params: dict[str, Any]) -> None:
        self.known[key] = score, params
        if self.path is not None:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            unfinished = self.path.with_suffix(".unfinished")
            unfinished.write_text(json.dumps(self.known, indent=1), encoding="utf-8")
            unfinished.replace(self.path)


class Fixed:
    """Answers with the lists it was given."""

    def __init__(self, rows: Ints, scores: Floats, n_items: int) -> None:
        self._lists = rows, scores
        self.n_items = n_items

    def top_k(self, histories: Histories, k: int, **_: Any) -> tuple[Ints, Floats]:
        return self._lists


class Plain:
    """A peer that is told of every event as one, whatever it weighs."""

    def __init__(self, peer: Peer) -> None:
        self.peer = peer
        self.n_items = -1

    def fit(self, data: TrainingData) -> Self:
        whole = data.interactions
        flat = Interactions(whole.users, whole.items, plain(whole.histories), whole.links)
        self.peer.fit(TrainingData(flat, data.catalogue, data.seed, data.now))
        self.n_items = self.peer.n_items
        return self

    def top_k(self, histories: Histories, k: int, **more: Any) -> tuple[Ints, Floats]:
        return self.peer.top_k(plain(histories), k, **more)


def plain(histories: Histories) -> Histories:
    return replace(histories, weights=np.ones_like(histories.weights))


def fit(kind: Kind, params: dict[str, Any], data: TrainingData, filler: Recommender) -> Fitted:
    """With ``PLAIN`` among ``params``, weights of events are left out where it says so."""
    values = {name: value for name, value in params.items() if name != PLAIN}
    peer = kind.make(**values)
    asked = Plain(peer) if params.get(PLAIN) else peer
    with watched() as cost:
        asked.fit(data)
    return Fitted(filled(asked, filler), peer, cost)


def filled(peer: Any, filler: Recommender) -> Filled:
    """Filled asks for nothing but top_k and n_items."""
    return Filled(cast(Recommender, peer), filler)


def same_data(interactions: Interactions) -> str:
    """Names all that a peer learns from: ids and histories, no texts."""
    digest = hashlib.sha256()
    for names in (interactions.users.ids, interactions.items.ids):
        digest.update("".join(f"{len(name)}:{name}" for name in names).encode("utf-8", "surrogatepass"))
    histories = interactions.histories
    for array in (histories.indptr, histories.items, histories.weights, histories.times):
        digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()


def remembered(
    kind: Kind,
    key: object,
    trial: Trial,
    catalogue: Catalogue,
    seed: int,
    filler: Recommender,
    progress: Progress,
    most: int | None = None,
) -> Tuned:
    """As ``tune``, each trial once for the same ``key`` and seed: scores are kept beside the fetched assets."""
    told = repr([kind.name, key, seed, len(trial.users), filler.params])
    path = root().parent / "peers" / f"trials-{hashlib.sha256(told.encode()).hexdigest()[:24]}.json"
    return tune(kind, trial, catalogue, seed, filler, progress, Memory.at(path), most)


def tune(
    kind: Kind,
    trial: Trial,
    catalogue: Catalogue,
    seed: int,
    filler: Recommender,
    progress: Progress,
    memory: Memory | None = None,
    most: int | None = None,
) -> Tuned:
    """The best parameters of ``kind`` on a validation trial. ``filler`` is fitted on the trial's training part. Ends
    after ``most`` fits, those remembered counted; None tries all."""
    data = TrainingData(trial.train, catalogue, seed, trial.now)
    memory = memory or Memory()
    tried: set[str] = set()

    def measured(params: dict[str, Any]) -> float:
        key = repr(sorted(params.items()))
        if most is not None and len(tried) >= most and key not in tried:
            return -np.inf
        if key not in memory.known:
            memory.keep(key, *score_of(kind, params, data, trial, filler))
        if key not in tried:
            tried.add(key)
            advance(1)
        return memory.known[key][0]

    then = dict(kind.then)
    weights = trial.train.histories.weights
    if kind.weighted and len(weights) and (weights != weights[0]).any():
        then[PLAIN] = (False, True)
    start = {name: values[0] for name, values in {**then, **kind.grid}.items()}
    size = int(np.prod([len(values) for values in kind.grid.values()])) + sum(map(len, then.values()))
    with progress.task(f"Tuning {kind.name}", size) as advance:
        grid = [dict(zip(kind.grid, values, strict=True)) for values in itertools.product(*kind.grid.values())]
        best = max(({**start, **values} for values in grid), key=measured)
        for name, values in then.items():
            best = max([best, *({**best, name: value} for value in values)], key=measured)
        score, params = memory.known[repr(sorted(best.items()))]
    return Tuned(kind, params, score, len(tried))


def score_of(
    kind: Kind, params: dict[str, Any], data: TrainingData, trial: Trial, filler: Recommender
) -> tuple[float, dict[str, Any]]:
    """Validation NDCG@10 of ``params``, with the best value of ``kind.along`` added."""

    def score(ranker: Ranker) -> float:
        return validation_score(ranker, trial, data.catalogue)

    if kind.along is None:
        return score(fit(kind, params, data, filler).ranker), params
    name, values = kind.along
    peer = cast(Elsewhere, kind.make(**params).fit(data))
    hidden = data.catalogue.hidden
    allowed: NDArray[np.bool_] | None = ~hidden if hidden.any() else None
    lists = peer.top_k_along(
        name, values, trial.histories, K, targets=trial.targets, patience=kind.patience, allowed=allowed
    )
    scores = [score(filled(Fixed(*given, peer.n_items), filler)) for given in lists]
    at = int(np.argmax(scores))
    return scores[at], {**params, name: values[at]}
