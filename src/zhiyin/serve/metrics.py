"""What the service counts, for Prometheus. Label values come from fixed sets: addresses as they are documented, never
as they were called."""

from __future__ import annotations

from prometheus_client import Counter, Histogram

REQUESTS = Counter("zhiyin_requests", "Requests answered", ["method", "route", "status"])
SECONDS = Histogram(
    "zhiyin_request_seconds",
    "Time to answer",
    ["route"],
    buckets=(0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 10),
)
STAGE_SECONDS = Histogram(
    "zhiyin_stage_seconds",
    "Time of one stage of a batch of lists",
    ["stage"],
    buckets=(0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1),
)
CACHED = Counter("zhiyin_cached_lists", "Lists that were kept and still true")
EVENTS = Counter("zhiyin_events", "Events written, new ones")
IMPRESSIONS_LOST = Counter("zhiyin_impressions_lost", "Lists shown whose note was lost")
TRAININGS = Counter("zhiyin_trainings", "Trainings that ended", ["outcome"])
