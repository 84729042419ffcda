"""Budgets of tokens and money in one day (UTC): a call that could pass one is not made."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from zhiyin.config import BudgetSettings
from zhiyin.errors import LlmBudget, LlmError
from zhiyin.llm.kinds import Cost
from zhiyin.types import Job

DAY = 86_400_000_000


class JobSpent(Protocol):
    @property
    def calls(self) -> int: ...
    @property
    def tokens(self) -> int: ...
    @property
    def money(self) -> float: ...


@dataclass(frozen=True)
class Limit:
    """``name`` is the setting; ``job`` None for all jobs together; ``what`` is "tokens" or "money"."""

    name: str
    job: Job | None
    what: str
    most: float


class Budget:
    """``spent`` gives what was spent since a time by job, from the log of calls. Calls under way are counted with
    their upper estimate, in this process; another process on the same store is seen once its calls have ended.

    ``now`` is microseconds UTC. Shared by threads.
    """

    def __init__(
        self,
        settings: BudgetSettings,
        spent: Callable[[int], Mapping[str, JobSpent]],
        now: Callable[[], int] = lambda: time.time_ns() // 1000,
    ) -> None:
        self._settings = settings
        self._spent = spent
        self._now = now
        self._lock = threading.Lock()
        self._held: dict[tuple[Job, str], float] = defaultdict(float)
        self.limits = limits_of(settings)

    def money(self, cost: Cost) -> float:
        return (cost.read * self._settings.price_in + cost.written * self._settings.price_out) / 1e6

    def reserve(self, job: Job, costs: list[Cost]) -> tuple[int, LlmError | None]:
        """How many of the calls, from the front, may be made: their upper estimates are held until ``release``.

        With it comes the error for the next call where a limit stops it.
        """
        limits = [limit for limit in self.limits if limit.job in (None, job)]
        if not limits:
            return len(costs), None
        now = self._now()
        with self._lock:
            spent = self._spent(now - now % DAY)
            left = [(limit, limit.most - self._used(limit, spent)) for limit in limits]
            used = {"tokens": 0.0, "money": 0.0}
            for number, cost in enumerate(costs):
                more = {"tokens": float(cost.read + cost.written), "money": self.money(cost)}
                for limit, rest in left:
                    if used[limit.what] + more[limit.what] > rest:
                        self._hold(job, used, 1)
                        return number, _refusal(limit, rest, more[limit.what])
                used = {what: used[what] + more[what] for what in used}
            self._hold(job, used, 1)
            return len(costs), None

    def release(self, job: Job, costs: list[Cost]) -> None:
        """The calls have ended and stand in the log."""
        if any(limit.job in (None, job) for limit in self.limits):
            tokens = float(sum(cost.read + cost.written for cost in costs))
            with self._lock:
                self._hold(job, {"tokens": tokens, "money": sum(map(self.money, costs))}, -1)

    def _used(self, limit: Limit, spent: Mapping[str, JobSpent]) -> float:
        jobs = list(Job) if limit.job is None else [limit.job]
        logged = sum(getattr(spent[job], limit.what) for job in jobs if job in spent)
        return float(logged + sum(self._held[job, limit.what] for job in jobs))

    def _hold(self, job: Job, amounts: dict[str, float], sign: int) -> None:
        for what, amount in amounts.items():
            self._held[job, what] += sign * amount


def limits_of(settings: BudgetSettings) -> list[Limit]:
    """Every limit that is set."""
    limits = [Limit(f"tokens_a_job.{job}", job, "tokens", most) for job, most in settings.tokens_a_job.items()]
    limits += [Limit(f"money_a_job.{job}", job, "money", most) for job, most in settings.money_a_job.items()]
    if settings.tokens_a_day is not None:
        limits.append(Limit("tokens_a_day", None, "tokens", settings.tokens_a_day))
    if settings.money_a_day is not None:
        limits.append(Limit("money_a_day", None, "money", settings.money_a_day))
    return limits


def _refusal(limit: Limit, rest: float, more: float) -> LlmError:
    return LlmBudget(
        f"{max(rest, 0):.6g} {limit.what} are left today and the call may take {more:.6g}",
        where=f"[llm.budget] {limit.name}",
        fix="raise it, or wait for the next day (UTC)",
    )
