"""How often a tenant may ask: a bucket of requests that fills at a steady rate."""

from __future__ import annotations

import math
import threading
import time
from dataclasses import dataclass

from zhiyin.errors import TooMany


@dataclass
class _Bucket:
    left: float
    at: float


class Limits:
    """``rate`` requests a second in the long run, ``burst`` at once; ``rate`` None counts nothing. Each process counts
    by itself, so it is given its share."""

    def __init__(self, rate: float | None, burst: float) -> None:
        self._rate, self._burst = rate, burst
        self._buckets: dict[str, _Bucket] = {}
        self._lock = threading.Lock()

    def count(self, tenant: str) -> None:
        """Raises TooMany where the bucket is empty."""
        if self._rate is None:
            return
        now = time.monotonic()
        with self._lock:
            bucket = self._buckets.setdefault(tenant, _Bucket(self._burst, now))
            bucket.left = min(self._burst, bucket.left + (now - bucket.at) * self._rate)
            bucket.at = now
            if bucket.left >= 1:
                bucket.left -= 1
                return
            wait = math.ceil((1 - bucket.left) / self._rate)
        raise TooMany(
            f"tenant '{tenant}' asks more often than {self._rate:g} times a second in this process",
            seconds=wait,
            fix=f"ask again in {wait} s, or raise [serve] requests_per_second",
        )
