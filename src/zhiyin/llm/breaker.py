"""A model that fails again and again is left alone for a while."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable


class Breaker:
    """Opens after ``failures`` failures in a row; ``seconds`` later one call may try, and its outcome decides.

    Shared by threads. A try whose outcome is never told counts for nothing after another ``seconds``.
    """

    def __init__(self, failures: int, seconds: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._limit = failures
        self._seconds = seconds
        self._clock = clock
        self._lock = threading.Lock()
        self._failed = 0
        self._closed_until = 0.0

    def calls(self) -> int | None:
        """How many calls may be made now: None for as many as wanted, 1 for the one that tries, 0 for none."""
        with self._lock:
            if self._failed < self._limit:
                return None
            if self._clock() < self._closed_until:
                return 0
            self._closed_until = self._clock() + self._seconds
            return 1

    @property
    def open(self) -> bool:
        with self._lock:
            return self._failed >= self._limit

    @property
    def wait(self) -> float:
        """Seconds until a call may be made; 0 where one may be made now."""
        with self._lock:
            return max(0.0, self._closed_until - self._clock()) if self._failed >= self._limit else 0.0

    def succeeded(self) -> None:
        with self._lock:
            self._failed = 0

    def failed(self) -> None:
        with self._lock:
            self._failed += 1
            if self._failed >= self._limit:
                self._closed_until = self._clock() + self._seconds
