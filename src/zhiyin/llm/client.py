"""``ports.LanguageModels``: a model behind cache, budget, deadline, breaker, metrics and log."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Sequence
from typing import TypeVar

import numpy as np

from zhiyin.config import LlmSettings
from zhiyin.errors import LlmError, LlmNonsense, LlmOff, LlmRefused
from zhiyin.llm.batch import Batch
from zhiyin.llm.budget import Budget
from zhiyin.llm.kinds import COMPLETE, EMBED, LIKELIHOODS, RERANK, Kind, Rerank, Texts
from zhiyin.llm.log import CallLog
from zhiyin.llm.slot import Slot
from zhiyin.ports import Answer, Likelihoods, Options, Progress, Prompt, Silent
from zhiyin.types import Floats, Job, Tier

Q = TypeVar("Q")
R = TypeVar("R")

SCORED = Options("ability@1", "1, 2, 3,", (" 4", " green"))
"""Asked of a server once, to see whether it gives likelihoods."""
AT_ONCE = 64
"""Texts in one embeddings call."""


class Client:
    """``main`` does everything but reranking, ``reranker`` (None where no address is configured) that. ``now`` is the
    time in microseconds UTC, from which the budgets know the day. Shared by threads."""

    def __init__(
        self,
        settings: LlmSettings,
        calls: CallLog,
        main: Slot,
        reranker: Slot | None = None,
        now: Callable[[], int] | None = None,
    ) -> None:
        self._settings = settings
        self._calls = calls
        self._main = main
        self._reranker = reranker

        def spent(since: int):  # type: ignore[no-untyped-def]  # as CallLog.spent
            return calls.spent(settings.tenant, since)

        self.budget = Budget(settings.budget, spent, now) if now else Budget(settings.budget, spent)
        self._scores: bool | None = None

    def tier(self, job: Job) -> Tier:
        return Tier.NONE if self.why_not(job) else self._main.tier

    def model(self, job: Job) -> str | None:
        return None if self.why_not(job) else self._main.model_id

    def why_not(self, job: Job) -> LlmError | None:
        """Why nobody answers ``job``, as far as is known before a call; None where somebody does."""
        return self._why_not(job, self._main)

    def unavailable(self, job: Job) -> LlmError | None:
        """Why the model that is configured for ``job`` cannot be had; None where it can, or none is to do that job."""
        return self.why_not(job) if job in self._settings.jobs else None

    def identity_failure(self) -> LlmError | None:
        """Why there is no model at all, as far as is known without loading it."""
        return self._main.off if self._main.model_id is None else None

    def can_score(self, job: Job) -> bool:
        if self.why_not(job):
            return False
        if self._main.tier is not Tier.REMOTE:
            return True
        if self._scores is None:
            self._scores = self._find_out(job)
        return bool(self._scores)

    def complete(
        self, job: Job, prompts: Sequence[Prompt], *, seconds: float | None = None, progress: Progress | None = None
    ) -> list[Answer | LlmError]:
        return self._ask(self._main, job, COMPLETE, prompts, seconds, progress)

    def likelihoods(
        self, job: Job, asked: Sequence[Options], *, seconds: float | None = None, progress: Progress | None = None
    ) -> list[Likelihoods | LlmError]:
        return self._ask(self._main, job, LIKELIHOODS, asked, seconds, progress)

    def rerank(
        self, job: Job, query: str, documents: Sequence[str], *, seconds: float | None = None
    ) -> Floats | LlmError:
        if self._reranker is None:
            return LlmOff("no address of a reranker is configured", where="[llm] rerank_url")
        return self._ask(self._reranker, job, RERANK, [Rerank(query, tuple(documents))], seconds, None)[0]

    def embed(self, job: Job, texts: Sequence[str], *, seconds: float | None = None) -> Floats | LlmError:
        """Vectors of ``texts`` as the embeddings endpoint gives them, float32 [texts, dimension], none of them kept;
        LlmOff where none is configured. ``texts`` holds at least one, and no blank one."""
        if self._settings.embedding_model is None:
            return LlmOff("no model for embeddings is configured", where="[llm] embedding_model")
        parts = [Texts(tuple(texts[start : start + AT_ONCE])) for start in range(0, len(texts), AT_ONCE)]
        found: list[Floats] = []
        for got in self._ask(self._main, job, EMBED, parts, seconds, None):
            if isinstance(got, LlmError):
                return got
            found.append(got)
        if len({part.shape[1] for part in found}) != 1:
            return LlmNonsense("vectors of several lengths, or none", where=self._settings.embedding_model)
        return np.concatenate(found)

    @property
    def embedding_id(self) -> str | None:
        """Identifies the vectors that ``embed`` gives; None where it gives none."""
        if self._settings.embedding_model is None or self._main.model_id is None:
            return None
        return f"{self._settings.embedding_model}@{self._main.model_id.rpartition('@')[2]}"

    def warm(self, seconds: float | None = None) -> LlmError | None:
        """Load the model now, waiting up to ``seconds``; the error where that fails. For servers, before they serve."""
        try:
            self._main.adapter(seconds)
        except LlmError as failure:
            return failure
        return None

    def probe(self, *, fresh: bool = False) -> str:
        """One real small call, a line for people. What was tried before with the same settings is not tried again,
        unless ``fresh``. Raises LlmError."""
        identity = json.dumps(["probe", self._main.model_id, self._settings.base_url, self._settings.key_variable])
        key = hashlib.sha256(identity.encode()).hexdigest()
        if not fresh and (kept := self._calls.answers([key])):
            return str(json.loads(kept[key]))
        line = self._main.adapter().probe()
        self._calls.keep(key, self._main.model_id or "", json.dumps(line, ensure_ascii=False))
        return line

    def probe_reranker(self) -> str | None:
        """The same for the rerank address; None where none is configured. Raises LlmError."""
        return None if self._reranker is None else self._reranker.adapter().probe()

    def close(self) -> None:
        self._main.close()
        if self._reranker is not None:
            self._reranker.close()

    def _why_not(self, job: Job, slot: Slot) -> LlmError | None:
        if job not in self._settings.jobs:
            return LlmOff(f"no language model is to do '{job}'", where="[llm] jobs", fix=f'add "{job}" to it')
        return slot.off if slot.model_id is None or slot.off else None

    def _ask(
        self,
        slot: Slot,
        job: Job,
        kind: Kind[Q, R],
        asked: Sequence[Q],
        seconds: float | None,
        progress: Progress | None,
    ) -> list[R | LlmError]:
        if (why := self._why_not(job, slot)) is not None:
            return [why for _ in asked]
        batch = Batch(self._settings, self._calls, self.budget, slot, job, kind)
        return batch.run(asked, seconds, progress or Silent())

    def _find_out(self, job: Job) -> bool | None:
        """Whether the server gives likelihoods, asked once and then kept; None where it could not be asked."""
        key = hashlib.sha256(json.dumps(["cannot score", self._main.model_id]).encode()).hexdigest()
        if self._calls.answers([key]):
            return False
        got = self.likelihoods(job, [SCORED], seconds=self._settings.answer_seconds)[0]
        if isinstance(got, Likelihoods):
            return True
        if isinstance(got, (LlmRefused, LlmNonsense, LlmOff)):
            self._calls.keep(key, self._main.model_id or "", json.dumps(got.line, ensure_ascii=False))
            return False
        return None
