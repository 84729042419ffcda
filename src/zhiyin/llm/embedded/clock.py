"""The deadline of a batch: looked at before every run of the model, since a run cannot be broken off."""

from __future__ import annotations

import time

from zhiyin.errors import LlmTimeout


class Clock:
    """``seconds`` from now. ``fastest`` is the least time that a token has taken this model so far."""

    def __init__(self, seconds: float, where: str, fastest: float = 0.0) -> None:
        self._end = time.monotonic() + seconds
        self._seconds = seconds
        self._where = where
        self._fastest = fastest

    def check(self, tokens: int) -> None:
        """Raises LlmTimeout where a run of ``tokens`` cannot be done in time, even at the best speed seen."""
        if time.monotonic() + tokens * self._fastest >= self._end:
            raise LlmTimeout(
                f"the deadline of {self._seconds:g} s passed",
                where=self._where,
                fix="raise the deadline or ask for less",
            )
