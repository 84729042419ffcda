"""Whether what was found holds with people it was not chosen by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import BaseModel

from zhiyin.errors import ModelError
from zhiyin.evaluate.intervals import Difference, bootstrap_difference
from zhiyin.tuning.stages import Stage, values_of


@dataclass(frozen=True)
class Confirmed:
    """NDCG@10 on the checking half: of what was ``found`` and of each of its ``rivals`` by name. ``gap`` is found minus
    ``closest``, the best of the rivals, paired by user. None where it is one of them."""

    found: float
    rivals: dict[str, float]
    closest: str
    gap: Difference | None

    @property
    def better(self) -> bool:
        return self.gap is not None and self.gap.mean > 0

    def to_dict(self) -> dict[str, Any]:
        gap = self.gap
        return {
            "found": self.found,
            "rivals": self.rivals,
            "closest": self.closest,
            "gap": None if gap is None else {"mean": gap.mean, "low": gap.low, "high": gap.high, "users": gap.users},
            "better": self.better,
        }


def confirm(stage: Stage, found: BaseModel, rivals: Mapping[str, BaseModel], seed: int) -> Confirmed:
    """Measure ``found`` and its ``rivals`` (at least one; those with which the model has no solution are left out) on
    the users kept aside."""
    bench = stage.bench
    own = values_of(stage.ranker(found), bench.check, bench.catalogue)
    measured = {}
    for name, params in rivals.items():
        try:
            measured[name] = own if params == found else values_of(stage.ranker(params), bench.check, bench.catalogue)
        except ModelError:
            continue
    means = {name: float(np.nanmean(values)) for name, values in measured.items()}
    same = next((name for name, params in rivals.items() if params == found), None)
    closest = same or max(means, key=lambda name: means[name])
    gap = None if same is not None else bootstrap_difference(own, measured[closest], seed=seed)
    return Confirmed(float(np.nanmean(own)), means, closest, gap)
