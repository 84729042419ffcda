"""What a report is made of: plain data, so that a page can be made of any project, store or service."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhiyin.types import Longs


@dataclass(frozen=True)
class ReportContent:
    """``created`` is when the bundle was trained, microseconds UTC. ``stored``: rows by kind ("users", "items",
    "events"). ``cleaning``: ``CleanReport.to_dict()``. ``item_counts``: int [n_items], interactions of every item,
    zeros included. ``event_times``: int64 microseconds UTC, ``NO_TIME`` where unknown; may be empty.

    ``evaluation``: what ``zhiyin.evaluate.report.report`` gives, or None where nothing could be measured, and then
    ``unmeasured`` says why. ``protocol``: its circumstances in words. ``baseline``: the model that others must beat.

    ``search``: by model "params", "trials", "nominal_seconds" and the validation score; empty where none ran.
    ``search_seconds``: the budget of the search in nominal seconds.

    ``samples``: people's lists, each as ``zhiyin recommend --format json`` gives it, with "role" (why this person) and
    "history" (titles, latest first) added. ``notes``: sentences for the top of the page.
    """

    project: str
    bundle: str
    created: int
    encoder: str | None
    stored: dict[str, int]
    cleaning: dict[str, Any]
    item_counts: NDArray[np.integer[Any]]
    event_times: Longs
    evaluation: dict[str, Any] | None
    protocol: str
    baseline: str
    search: dict[str, Any]
    search_seconds: float
    samples: Sequence[dict[str, Any]]
    unmeasured: str = ""
    notes: Sequence[str] = field(default_factory=tuple)
