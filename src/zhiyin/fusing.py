"""Learning the combination on validation, and letting it serve where it is better than the best single model.

Members are fitted on the training part, so what they say of the validation events is out of fold. The combination is
learned from these events, and measured by cross-fitting over people: each third of them is ordered by what the other
two thirds taught. The one that is served in the end learned from all.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import Field

from zhiyin.candidates.base import Recommender
from zhiyin.candidates.fill import Filled
from zhiyin.evaluate.intervals import Difference, bootstrap_difference
from zhiyin.evaluate.metrics import Values, accuracy, hits
from zhiyin.fused import BELOW, FusedModel, FusionParams, blocks_of, table_of
from zhiyin.pooling import Pool, chunks, joined, pool_of
from zhiyin.ports import Progress
from zhiyin.preprocess.splits import Trial
from zhiyin.rank.fusion import Combiner, Facts, Kind, Table, TreeParams, learn, owners, places
from zhiyin.registry import CORE
from zhiyin.search import OBJECTIVE, K
from zhiyin.short import part as part_of
from zhiyin.types import Catalogue, Floats, Ints, TrainingData

CURVE = 100
"""Ranks for which a probability is kept."""
FEWEST = 10
"""People who have to be measured before a combination is served: fewer may all agree by chance, without any error."""


class FusingParams(TreeParams):
    """How the combination is learned: ``[models.fusion]``."""

    search_space: ClassVar[dict[str, tuple[Any, ...]]] = {
        "candidates": (120, 60, 240),
        "penalty": (1e-3, 1e-4, 1e-2, 0.1),
    }

    enabled: bool = True
    """Try a combination at all."""
    candidates: int = Field(120, ge=2, le=5000)
    """Items that the core proposes for each person; every other model proposes half as many."""
    people: int = Field(12_000, ge=10, le=10_000_000)
    """Validation people learned from at most, drawn by seed."""
    folds: int = Field(3, ge=2, le=20)
    """Parts of the people for cross-fitting."""
    penalty: float = Field(1e-3, ge=0, le=1e6)
    """Ridge penalty on the weights of the sum."""
    least_share: float = Field(0.01, ge=0, lt=1)
    """Models with less than this part in the combination are left out of it."""
    confidence: float = Field(1.0, ge=0, le=10)
    """Standard errors by which the combination has to be better than the best single model, and by which fewer models
    have to be better than all that have something to say."""
    kind: Literal["auto", "linear", "trees"] = "auto"
    """A weighted sum, boosted trees with some of it beside them, or whichever of the two is better."""

    @property
    def kinds(self) -> tuple[Kind, ...]:
        return ("linear", "trees") if self.kind == "auto" else (self.kind,)


@dataclass(frozen=True)
class Fusing:
    """What came of it. ``model`` None where the best single model stays; ``scores`` are cross-fitted NDCG@10 by kind;
    ``gain`` is that of the best kind over the single model, over the same people."""

    model: FusedModel | None
    scores: dict[str, float]
    gain: Difference
    kind: Kind
    lists: tuple[Floats, NDArray[np.bool_], NDArray[np.int64]]
    """Cross-fitted scores [U, CURVE], hits [U, CURVE] and lengths of the histories [U] of the best kind."""

    def to_dict(self) -> dict[str, Any]:
        return {
            "served": self.model is not None,
            "kind": self.kind,
            OBJECTIVE: self.scores,
            "gain": [self.gain.mean, self.gain.low, self.gain.high, self.gain.users],
            "members": [] if self.model is None else list(self.model.params.members),
        }


def fuse(
    members: Mapping[str, Recommender],
    single: str,
    filler: Recommender,
    trial: Trial,
    catalogue: Catalogue,
    params: FusingParams,
    *,
    seed: int,
    progress: Progress,
) -> Fusing:
    """Learn to combine ``members`` (fitted on ``trial.train``) and compare with ``single``, the best of them."""
    trial = trial.sample(params.people, seed)
    data = TrainingData(trial.train, catalogue, seed, trial.now)
    facts = Facts.of(data)
    pool = gather(members, trial, FusionParams(members=tuple(members), candidates=params.candidates).depths, progress)
    fold = np.random.default_rng([seed, 7]).integers(0, params.folds, len(trial.users))
    allowed = ~catalogue.hidden if catalogue.hidden.any() else None
    ranked = Filled(members[single], filler).top_k(trial.histories, K, allowed=allowed)[0]
    alone = accuracy(ranked, trial.targets, [K])[OBJECTIVE]
    found: dict[Kind, tuple[Values, list[str], Floats]] = {}
    table = table_of(pool, facts, trial.histories)
    with progress.task("Learning to combine them", total=len(params.kinds)) as advance:
        for kind in params.kinds:
            found[kind] = _tried(pool, table, trial, kind, params, fold, alone, allowed, seed)
            advance(1)
            fewer = pool.only(found[kind][1])
            if kind == "linear" and len(fewer.models) < len(pool.models):
                # What idle models propose may be in the way, of the trees too.
                smaller = table_of(fewer, facts, trial.histories)
                again = _tried(fewer, smaller, trial, kind, params, fold, alone, allowed, seed)
                if _clearly(again[0] - found[kind][0], params):
                    pool, table, found[kind] = fewer, smaller, again
    best = max(found, key=lambda kind: float(np.nanmean(found[kind][0])))
    values, kept, out = found[best]
    gain = bootstrap_difference(values, alone, seed=seed)
    scores: dict[str, float] = {kind: float(np.nanmean(one[0])) for kind, one in found.items()}
    model = None
    if gain.users >= FEWEST and _clearly(values - alone, params):
        served = pool
        if len(kept) < len(pool.models):
            served = pool.only(kept)
            table = table_of(served, facts, trial.histories)
        with progress.task(f"Learning once more from everybody, without {len(pool.models) - len(kept)} idle models"):
            combiner = _learn(table, trial, best, served, params, seed)
        chosen = FusionParams(
            members=served.models, candidates=params.candidates, columns=combiner.columns, kind=combiner.kind
        )
        model = FusedModel(chosen, {name: members[name] for name in served.models}, combiner).over(data)
    return Fusing(model, scores, gain, best, _lists(pool, kept, out, trial, allowed))


def _clearly(gains: Values, params: FusingParams) -> bool:
    """Whether the mean of ``gains`` (one for each person, NaN for nobody measured) is above 0 by enough."""
    error = float(np.nanstd(gains) / np.sqrt(max(1, np.isfinite(gains).sum())))
    return float(np.nanmean(gains)) > params.confidence * error


def gather(members: Mapping[str, Recommender], trial: Trial, depths: Mapping[str, int], progress: Progress) -> Pool:
    """Candidates of everybody in ``trial``, as a fused model gathers them."""
    n = trial.train.n_items
    parts = []
    with progress.task("Gathering candidates of every model", total=len(trial.users)) as advance:
        for start, stop in chunks(trial.histories, n * (len(members) + 2)):
            some = trial.histories.slice(start, stop)
            barred = np.zeros((len(some), n), dtype=np.bool_)
            barred[some.owners(), some.items] = True
            parts.append(pool_of(blocks_of(members, some, n), depths, barred))
            advance(stop - start)
    return joined(parts)


def _tried(
    pool: Pool,
    table: Table,
    trial: Trial,
    kind: Kind,
    params: FusingParams,
    fold: NDArray[np.int64],
    alone: Values,
    allowed: NDArray[np.bool_] | None,
    seed: int,
) -> tuple[Values, list[str], Floats]:
    """Cross-fitted NDCG@10 per person, the models that have a part in it, and the cross-fitted scores of the pool."""
    out = np.zeros(len(table.items), dtype=np.float32)
    owners = table.owners()
    shares = dict.fromkeys(pool.models, 0.0)
    for part in range(params.folds):
        taught = np.flatnonzero(fold != part)
        some = part_of(trial, taught)
        combiner = _learn(table.take(taught), some, kind, pool, params, seed)
        held = (fold == part)[owners]
        held_table = Table(np.array([0, held.sum()]), table.items[held], table.columns, table.values[held])
        out[held] = combiner.score(held_table)
        for name in shares:
            shares[name] += combiner.share(name) / params.folds
    rows = _best(pool, out, K, allowed)[0]
    values = accuracy(rows, trial.targets, [K])[OBJECTIVE]
    # Of whom the models say nothing, the filler answers either way.
    values = np.where(np.diff(pool.indptr) == 0, alone, values)
    # The core stays: what nobody proposed follows in its order, and so do items that go with an item.
    kept = [name for name, share in shares.items() if share >= params.least_share or name == CORE] or list(shares)
    return values, kept, out


def _learn(table: Table, trial: Trial, kind: Kind, pool: Pool, params: FusingParams, seed: int) -> Combiner:
    labels = table.labels(trial.targets, trial.train.n_items)
    return learn(table, labels, kind, models=pool.models, penalty=params.penalty, trees=params, seed=seed)


def _best(pool: Pool, scores: Floats, k: int, allowed: NDArray[np.bool_] | None) -> tuple[Ints, Floats]:
    """The ``k`` candidates of each person with the highest ``scores``: rows [people, k], -1 where there are fewer.
    ``allowed`` bool [n_items] is what may be in a list at all: a fused model orders hidden items too."""
    if allowed is not None:
        scores = np.where(allowed[pool.items], scores, np.float32(-np.inf))
    at = places(scores, pool.indptr)
    people = owners(pool.indptr)
    rows = np.full((len(pool.indptr) - 1, k), -1, dtype=np.int32)
    values = np.full(rows.shape, -np.inf, dtype=np.float32)
    first = (at < k) & np.isfinite(scores)
    rows[people[first], at[first]] = pool.items[first]
    values[people[first], at[first]] = scores[first]
    return rows, values


def _lists(
    pool: Pool, kept: Sequence[str], out: Floats, trial: Trial, allowed: NDArray[np.bool_] | None
) -> tuple[Floats, NDArray[np.bool_], NDArray[np.int64]]:
    # As a fused model gives them: candidates of the models that are kept, above the least of these.
    proposed = pool.proposed[:, [pool.models.index(name) for name in kept]].any(axis=1)
    pool, out = pool.only(kept), out[proposed]
    least = np.full(len(pool.indptr) - 1, np.inf, dtype=np.float32)
    people = owners(pool.indptr)
    np.minimum.at(least, people, out)
    rows, scores = _best(pool, out - least[people] + np.float32(BELOW), CURVE, allowed)
    return scores, hits(rows, trial.targets), trial.histories.lengths
