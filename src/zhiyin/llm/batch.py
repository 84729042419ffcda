"""One batch of calls: what is kept is not asked, the others are asked within budget and deadline, and each answer is
kept the moment it arrives."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Generic, TypeVar

from zhiyin.config import LlmSettings
from zhiyin.errors import LlmError, LlmTimeout, LlmUnreachable, StoreError
from zhiyin.llm import metrics
from zhiyin.llm.adapter import Adapter, tokens_of
from zhiyin.llm.budget import Budget
from zhiyin.llm.kinds import Cost, Kind, key_of, nonsense
from zhiyin.llm.log import CallLog
from zhiyin.llm.redact import redact
from zhiyin.llm.slot import Slot
from zhiyin.ports import Progress
from zhiyin.types import Job, Tier

Q = TypeVar("Q")
R = TypeVar("R")

WINDOW = 32
"""Calls asked for at once where a budget must be looked at in between."""
WRITE_EVERY = 0.5
"""Seconds between writes of what a model in this process answered: a kill costs so much work at most. Answers of
servers, which may be paid for, are written one by one."""
LATE = 0.1
"""Seconds before the deadline at which a timeout is put down to the deadline and not to the model."""


class Batch(Generic[Q, R]):
    def __init__(
        self, settings: LlmSettings, calls: CallLog, budget: Budget, slot: Slot, job: Job, kind: Kind[Q, R]
    ) -> None:
        assert slot.model_id is not None
        self._settings = settings
        self._calls = calls
        self._budget = budget
        self._slot = slot
        self._job = job
        self._kind = kind
        self._model_id: str = slot.model_id
        self._got: dict[str, R | LlmError] = {}
        self._answered = 0
        self._lines: list[dict[str, Any]] = []
        self._answers: dict[str, str] = {}
        self._ended: list[Cost] = []
        self._written = 0.0
        self._deadline = 0.0
        self._advance: Callable[[int], None] = lambda done: None

    def run(self, asked: Sequence[Q], seconds: float | None, progress: Progress) -> list[R | LlmError]:
        """One result per question, in order; equal questions are asked once."""
        started = time.monotonic()
        if self._slot.tier is Tier.REMOTE:
            asked = [self._kind.redacted(one) for one in asked]
        keys = [key_of(self._model_id, self._kind, one) for one in asked]
        pending = dict(zip(keys, asked, strict=True))
        for key, answer in self._calls.answers(list(pending) if self._kind.keeps else []).items():
            self._got[key] = self._kind.load(json.loads(answer), self._slot.tier, self._model_id)
            del pending[key]
        metrics.CACHE_HITS.labels(self._job, self._model_id).inc(len(self._got))
        if pending:
            # Without a deadline of its own, a batch has as long as its calls may take one after the other.
            self._deadline = started + (self._settings.batch_seconds * len(pending) if seconds is None else seconds)
            with progress.task("Asking the language model", total=len(pending)) as self._advance:
                self._ask(list(pending.items()))
        return [self._got[key] for key in keys]

    def _ask(self, pending: list[tuple[str, Q]]) -> None:
        try:
            began = time.monotonic()
            adapter = self._slot.adapter(None if self._slot.patient else self._left())
            if self._slot.patient:
                self._deadline += time.monotonic() - began
        except LlmError as failure:
            return self._refuse(pending, failure)
        breaker = self._slot.breaker
        while pending:
            left = self._left()
            if left <= 0:
                return self._refuse(pending, self._late())
            if breaker.wait:
                return self._refuse(pending, self._left_alone())
            window = pending[: WINDOW if self._budget.limits else len(pending)]
            if breaker.open:
                window = window[:1]
            number, refusal = self._budget.reserve(self._job, [self._kind.upper(one) for _, one in window])
            if refusal is not None and number == 0:
                self._refuse(pending[:1], refusal)
                pending = pending[1:]
                continue
            window = window[:number]
            try:
                if breaker.calls() == 0:  # another thread tries already
                    return self._refuse(pending, self._left_alone())
                with self._turn(left) as mine:
                    if mine:
                        self._run_window(adapter, window)
            finally:
                self._budget.release(self._job, [self._kind.upper(one) for key, one in window if key not in self._got])
            metrics.BREAKER_OPEN.labels(self._model_id).set(breaker.open)
            if not breaker.open:
                self._refuse([(key, one) for key, one in window if key not in self._got], self._late())
            pending = [(key, one) for key, one in pending if key not in self._got]
        return None

    def _run_window(self, adapter: Adapter, window: list[tuple[str, Q]]) -> None:
        """Ask for ``window``, and stop where the breaker opens meanwhile."""
        started = time.monotonic()
        arriving = self._kind.ask(adapter, [one for _, one in window], self._left())
        try:
            for place, got in arriving:
                self._settle(*window[place], got, time.monotonic() - started)
                if self._slot.breaker.open:
                    return
        except StoreError:
            raise
        except Exception as failure:  # whatever the model's library raises, the work goes on without it
            broken = LlmUnreachable(f"the model failed: {type(failure).__name__}: {failure}", where=self._model_id)
            for key, one in window:
                if key not in self._got:
                    self._settle(key, one, broken, time.monotonic() - started)
        finally:
            self._write()
            stop = getattr(arriving, "close", None)
            if stop is not None:
                stop()

    def _settle(self, key: str, asked: Q, got: R | LlmError, seconds: float) -> None:
        """Keep, count and log what came for one call."""
        if isinstance(got, LlmError):
            cost = Cost(*tokens_of(got))
        else:
            cost = self._kind.cost(asked, got)
            if (fault := self._kind.fault(asked, got)) is not None:
                got = nonsense(self._model_id, fault)
        failed = isinstance(got, LlmError)
        outcome = type(got).__name__ if failed else "ok"
        # What is neither kept nor logged need not be written out.
        wanted = self._kind.keeps or self._settings.log_texts
        kept = None if failed or not wanted else json.dumps(self._kind.dump(got), ensure_ascii=False)  # type: ignore[arg-type]
        texts = self._settings.log_texts
        self._lines.append(
            {
                "tenant": self._settings.tenant,
                "job": str(self._job),
                "prompt": getattr(asked, "name", self._kind.ability),
                "model_id": self._model_id,
                "key": key,
                "outcome": outcome,
                "tokens_in": cost.read,
                "tokens_out": cost.written,
                "money": self._budget.money(cost),
                "seconds": seconds,
                "asked": redact(json.dumps(self._kind.parts(asked), ensure_ascii=False)) if texts else None,
                "answered": redact(got.line if isinstance(got, LlmError) else kept or "") if texts else None,
            }
        )
        if kept is not None and self._kind.keeps:
            self._answers[key] = kept
        self._ended.append(self._kind.upper(asked))
        self._got[key] = got
        if self._slot.tier is Tier.REMOTE or time.monotonic() > self._written + WRITE_EVERY:
            self._write()
        self._advance(1)
        self._tell_breaker(got)
        metrics.CALLS.labels(self._job, self._model_id, outcome).inc()
        metrics.TOKENS.labels(self._job, self._model_id, "in").inc(cost.read)
        metrics.TOKENS.labels(self._job, self._model_id, "out").inc(cost.written)
        metrics.SECONDS.labels(self._job, self._model_id).observe(seconds)

    def _write(self) -> None:
        """Calls that have ended into the log, their answers with them; from then on the log counts for the budget."""
        lines, answers, ended = self._lines, self._answers, self._ended
        self._lines, self._answers, self._ended = [], {}, []
        self._written = time.monotonic()
        try:
            if lines:
                self._calls.record(lines, answers)
        finally:
            self._budget.release(self._job, ended)

    def _tell_breaker(self, got: R | LlmError) -> None:
        """A model that answers nonsense or refuses is there. A batch that ran into its deadline after some answers says
        nothing against it; one without any counts once."""
        if not isinstance(got, (LlmUnreachable, LlmTimeout)):
            self._answered += 1
            self._slot.breaker.succeeded()
            return
        if isinstance(got, LlmTimeout) and self._left() < LATE:
            if self._answered:
                return
            self._answered += 1
        self._slot.breaker.failed()

    @contextmanager
    def _turn(self, seconds: float) -> Iterator[bool]:
        """A model of this process is asked by one thread at a time; False where its turn does not come in time."""
        if self._slot.tier is not Tier.EMBEDDED:
            yield True
            return
        mine = self._slot.turn.acquire(timeout=min(seconds, 1e6))
        try:
            yield mine
        finally:
            if mine:
                self._slot.turn.release()

    def _refuse(self, pending: Sequence[tuple[str, Any]], error: LlmError) -> None:
        """Give ``error`` for calls that are not made."""
        for key, _ in pending:
            self._got[key] = error
        if pending:
            self._advance(len(pending))
            metrics.REFUSED.labels(self._job, self._model_id, type(error).__name__).inc(len(pending))

    def _left(self) -> float:
        return self._deadline - time.monotonic()

    def _late(self) -> LlmError:
        return LlmTimeout(
            "the deadline passed before the model answered", where=self._model_id, fix="raise [llm] answer_seconds"
        )

    def _left_alone(self) -> LlmError:
        return LlmUnreachable(
            f"left alone for {self._slot.breaker.wait:.0f} s more, after failures in a row", where=self._model_id
        )
