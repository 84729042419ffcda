"""Counters of model calls for Prometheus, on its default registry."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

CALLS = Counter("zhiyin_llm_calls", "Calls made, by outcome", ["job", "model", "outcome"])
TOKENS = Counter("zhiyin_llm_tokens", "Tokens read (in) and written (out)", ["job", "model", "direction"])
SECONDS = Histogram(
    "zhiyin_llm_seconds",
    "Time from asking a batch to the answer of a call",
    ["job", "model"],
    buckets=(0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 30, 60),
)
CACHE_HITS = Counter("zhiyin_llm_cache_hits", "Calls answered from the store", ["job", "model"])
REFUSED = Counter("zhiyin_llm_refused", "Calls not made, by the error given", ["job", "model", "outcome"])
BREAKER_OPEN = Gauge("zhiyin_llm_breaker_open", "1 while the model is left alone", ["model"])
