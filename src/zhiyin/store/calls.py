"""Answers of language models, kept by content, and the log of calls: what was asked when, by whom, for how much."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Engine, delete, func, insert, select

from zhiyin.store.dialect import IN_LIST
from zhiyin.store.schema import llm_cache, llm_calls


@dataclass(frozen=True)
class Call:
    """One call that was made. ``outcome`` is "ok" or the name of the error; ``seconds`` is how long it took; ``asked``
    and ``answered`` are None where texts are not kept."""

    tenant: str
    job: str
    prompt: str
    model_id: str
    key: str
    outcome: str
    tokens_in: int
    tokens_out: int
    money: float
    seconds: float
    asked: str | None = None
    answered: str | None = None


@dataclass(frozen=True)
class Spent:
    """Calls, tokens (read and written) and money of one job."""

    calls: int
    tokens: int
    money: float


class Calls:
    """``writer`` is the engine whose transactions write; ``guarded`` turns driver errors into StoreError."""

    def __init__(self, engine: Engine, writer: Engine, guarded: Callable[[], AbstractContextManager[None]]) -> None:
        self._engine = engine
        self._writer = writer
        self._guarded = guarded

    def answers(self, keys: Sequence[str]) -> dict[str, str]:
        """Kept answers (JSON) by key; keys without one are absent."""
        found: dict[str, str] = {}
        with self._guarded(), self._engine.connect() as connection:
            for start in range(0, len(keys), IN_LIST):
                some = llm_cache.c.key.in_(keys[start : start + IN_LIST])
                rows = connection.execute(select(llm_cache.c.key, llm_cache.c.answer).where(some))
                found.update((key, answer) for key, answer in rows)
        return found

    def keep(self, key: str, model_id: str, answer: str) -> None:
        """Keep an answer without a call, or in the place of another."""
        self._write([], [(key, model_id, answer)])

    def record(self, calls: Sequence[dict[str, Any]], answers: dict[str, str]) -> None:
        """Log ``calls`` (each the fields of ``Call``) and keep ``answers`` (JSON by key): all of it or nothing. Each
        answer belongs to one of the calls."""
        models = {call["key"]: call["model_id"] for call in calls}
        self._write(calls, [(key, models[key], answer) for key, answer in answers.items()])

    def spent(self, tenant: str, since: int) -> dict[str, Spent]:
        """What ``tenant`` spent by job from ``since`` (microseconds UTC) on."""
        calls = llm_calls.c
        query = (
            select(calls.job, func.count(), func.sum(calls.tokens_in + calls.tokens_out), func.sum(calls.money))
            .where(calls.tenant == tenant, calls.time >= since)
            .group_by(calls.job)
        )
        with self._guarded(), self._engine.connect() as connection:
            rows = connection.execute(query).all()
        return {job: Spent(int(number), int(tokens), float(money)) for job, number, tokens, money in rows}

    def log(self, limit: int = 100) -> list[Call]:
        """The latest calls, newest first."""
        columns = [llm_calls.c[name] for name in Call.__dataclass_fields__]
        query = select(*columns).order_by(llm_calls.c.seq.desc()).limit(limit)
        with self._guarded(), self._engine.connect() as connection:
            return [Call(*row) for row in connection.execute(query)]

    def _write(self, calls: Sequence[dict[str, Any]], answers: Sequence[tuple[str, str, str]]) -> None:
        now = time.time_ns() // 1000
        with self._guarded(), self._writer.begin() as connection:
            if calls:
                connection.execute(insert(llm_calls), [{"time": now, **call} for call in calls])
            for key, model_id, answer in answers:
                connection.execute(delete(llm_cache).where(llm_cache.c.key == key))
                row = {"key": key, "model_id": model_id, "answer": answer, "created": now}
                connection.execute(insert(llm_cache), [row])
