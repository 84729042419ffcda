"""What the client needs of the store: answers kept by content and a log of calls (``store.calls``)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from zhiyin.llm.budget import JobSpent


class CallLog(Protocol):
    def answers(self, keys: Sequence[str]) -> dict[str, str]:
        """Kept answers (JSON) by key; keys without one are absent."""
        ...

    def keep(self, key: str, model_id: str, answer: str) -> None: ...

    def record(self, calls: Sequence[dict[str, Any]], answers: dict[str, str]) -> None:
        """Log ``calls`` (columns of the log) and keep ``answers`` (JSON by key): all of it or nothing."""
        ...

    def spent(self, tenant: str, since: int) -> Mapping[str, JobSpent]:
        """What ``tenant`` spent by job since a time (microseconds UTC)."""
        ...


class WithCalls(Protocol):
    @property
    def calls(self) -> CallLog: ...
