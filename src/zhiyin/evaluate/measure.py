"""Measure one model's lists: accuracy, coverage, diversity, novelty and popularity, with intervals and slices."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from zhiyin.evaluate.intervals import RESAMPLES, Interval, interval_of, resampled_means
from zhiyin.evaluate.lists import (
    coverage,
    diversity_by_categories,
    diversity_by_vectors,
    history_popularity,
    mean_popularity,
    novelty,
)
from zhiyin.evaluate.metrics import Values, accuracy, check_ks
from zhiyin.evaluate.slices import targets_by_count, users_by_history
from zhiyin.preprocess.splits import Trial
from zhiyin.types import Catalogue, Floats, Histories, Interactions, Ints


class Ranker(Protocol):
    """Whatever answers with ranked lists: a model, or several joined."""

    def top_k(
        self,
        histories: Histories,
        k: int,
        *,
        exclude_seen: bool = ...,
        allowed: NDArray[np.bool_] | None = ...,
    ) -> tuple[Ints, Floats]: ...


@dataclass(frozen=True)
class Measurement:
    """Figures of one model, by name ("HR@10"), over the ``users`` users who have a target.

    ``means``: accuracy in [0, 1]; Coverage, Diversity, Novelty as in ``lists``; PopularityBias is the mean popularity
    of the lists over that of the same users' own histories (1 = as popular as what they choose themselves, above 1 =
    more popular). NaN: could not be measured. ``per_user`` holds float64 [U] for every figure that is a mean over
    users. ``intervals``: 95 % bootstrap intervals over users; Coverage has none. ``slices``: accuracy by band, see
    ``slices``. ``diversity_by``: "vectors", "categories", or None where items have neither.
    """

    users: int
    means: dict[str, float]
    intervals: dict[str, Interval]
    slices: dict[str, dict[str, dict[str, float]]]
    per_user: dict[str, Values]
    diversity_by: str | None

    def to_dict(self) -> dict[str, Any]:
        """For JSON: the figures at the top level, beside "users", "intervals", "slices"; None in place of NaN."""
        return {
            **{name: _plain(value) for name, value in self.means.items()},
            "users": self.users,
            "diversity_by": self.diversity_by,
            "intervals": {name: [_plain(x.low), _plain(x.high)] for name, x in self.intervals.items()},
            "slices": {
                kind: {band: {name: _plain(value) for name, value in row.items()} for band, row in bands.items()}
                for kind, bands in self.slices.items()
            },
        }


def measure(
    model: Ranker,
    trial: Trial,
    catalogue: Catalogue,
    *,
    ks: Sequence[int] = (10,),
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Measurement:
    """Ask ``model`` (fitted on ``trial.train``) for every user of the trial and measure the lists.

    Every item competes but hidden ones and those in the user's history. A target that is hidden counts as missed.
    """
    allowed = None if not catalogue.hidden.any() else ~catalogue.hidden
    recommended, _ = model.top_k(trial.histories, max(ks), exclude_seen=True, allowed=allowed)
    return measure_lists(
        recommended, trial.histories, trial.targets, trial.train, catalogue, ks=ks, resamples=resamples, seed=seed
    )


def measure_lists(
    recommended: Ints,
    histories: Histories,
    targets: Histories,
    train: Interactions,
    catalogue: Catalogue,
    *,
    ks: Sequence[int] = (10,),
    resamples: int = RESAMPLES,
    seed: int = 0,
) -> Measurement:
    """Measure lists int32 [U, at least max(ks)] (-1 where shorter) for users with ``histories`` and ``targets``."""
    check_ks(recommended, ks)
    counts = np.bincount(train.histories.items, minlength=train.n_items)
    trained = int((train.histories.lengths > 0).sum())
    own = history_popularity(histories, counts)
    kind, diversity = _diversity(recommended, catalogue, ks)
    right = accuracy(recommended, targets, ks)

    per_user: dict[str, Values] = {}
    means: dict[str, float] = {}
    for k in ks:
        first = recommended[:, :k]
        per_user |= {name: value for name, value in right.items() if name.endswith(f"@{k}")}
        per_user[f"Diversity@{k}"] = diversity[k]
        per_user[f"Novelty@{k}"] = novelty(first, counts, trained)
        means[f"Coverage@{k}"] = coverage(first, ~catalogue.hidden)
    popularity = {k: mean_popularity(recommended[:, :k], counts) for k in ks}
    # Both sides of the ratio speak of the same users: those with a list and a history.
    biases = {f"PopularityBias@{k}": np.stack((value, own), axis=1) for k, value in popularity.items()}
    for pair in biases.values():
        pair[np.isnan(pair).any(axis=1)] = np.nan

    intervals = _intervals(per_user, biases, resamples, seed)
    averages = {name: _mean(value) for name, value in per_user.items()} | means
    averages |= {name: _ratio(_mean(pair[:, 0]), _mean(pair[:, 1])) for name, pair in biases.items()}
    return Measurement(
        users=int((targets.lengths > 0).sum()),
        means={name: averages[name] for name in _names(ks)},
        intervals={name: intervals[name] for name in _names(ks) if name in intervals},
        slices=_slices(recommended, histories, targets, counts, right, ks),
        per_user=per_user,
        diversity_by=kind,
    )


def _names(ks: Sequence[int]) -> list[str]:
    kinds = ("HR", "NDCG", "Recall", "Precision", "MRR", "MAP", "Coverage", "Diversity", "Novelty", "PopularityBias")
    return [f"{kind}@{k}" for k in ks for kind in kinds]


def _diversity(recommended: Ints, catalogue: Catalogue, ks: Sequence[int]) -> tuple[str | None, dict[int, Values]]:
    """By text vectors where there are any, else by categories, else NaN; per k."""
    if catalogue.vectors is not None and catalogue.vectors.any():
        vectors = catalogue.vectors
        return "vectors", {k: diversity_by_vectors(recommended[:, :k], vectors) for k in ks}
    if any(catalogue.categories):
        return "categories", {k: diversity_by_categories(recommended[:, :k], catalogue.categories) for k in ks}
    return None, {k: np.full(len(recommended), np.nan) for k in ks}


def _intervals(
    per_user: dict[str, Values], biases: dict[str, NDArray[np.float64]], resamples: int, seed: int
) -> dict[str, Interval]:
    """All intervals from one set of draws."""
    columns = np.concatenate((np.stack(list(per_user.values()), axis=1), *biases.values()), axis=1)
    drawn = resampled_means(columns, resamples=resamples, seed=seed)
    drawn[:, np.isfinite(columns).sum(axis=0) < 2] = np.nan
    intervals = {name: interval_of(drawn[:, column]) for column, name in enumerate(per_user)}
    for place, name in enumerate(biases):
        column = len(per_user) + 2 * place
        below = np.where(drawn[:, column + 1] > 0, drawn[:, column + 1], np.nan)
        intervals[name] = interval_of(drawn[:, column] / below)
    return intervals


def _slices(
    recommended: Ints,
    histories: Histories,
    targets: Histories,
    counts: NDArray[np.integer[Any]],
    right: dict[str, Values],
    ks: Sequence[int],
) -> dict[str, dict[str, dict[str, float]]]:
    """Accuracy by number of events in the user's history, and by training count of the target."""
    by_user = {
        band: {"users": int((mask & (targets.lengths > 0)).sum())} | {n: _mean(v[mask]) for n, v in right.items()}
        for band, mask in users_by_history(histories).items()
    }
    by_item = {
        band: {"users": int((part.lengths > 0).sum()), "targets": len(part.items)}
        | {name: _mean(value) for name, value in accuracy(recommended, part, ks).items()}
        for band, part in targets_by_count(targets, counts).items()
    }
    return {"user_history": by_user, "target_count": by_item}


def _mean(values: Values) -> float:
    """Mean without NaN; NaN where nothing is left."""
    known = values[np.isfinite(values)]
    return float(known.mean()) if len(known) else float("nan")


def _ratio(above: float, below: float) -> float:
    return above / below if below > 0 else float("nan")


def _plain(value: float) -> float | None:
    return None if math.isnan(value) else value
