"""A rerank address in Jina's style: query and documents go there, relevance scores come back."""

from __future__ import annotations

import math
import time
from collections.abc import Sequence
from typing import Any

import numpy as np
from pydantic import BaseModel, Field

from zhiyin.config import LlmSettings
from zhiyin.errors import LlmError, LlmNonsense
from zhiyin.llm.adapter import RERANK, Able
from zhiyin.llm.remote import Worker, call, describe
from zhiyin.llm.server import rerank_server
from zhiyin.types import Floats, Tier


class _Result(BaseModel):
    index: int = Field(ge=0)
    relevance_score: float


class _Results(BaseModel):
    results: list[_Result]


def identify(settings: LlmSettings) -> str:
    """The model's id: its name and a hash of the address. Raises LlmOff where the address is none."""
    return f"rerank/{settings.rerank_model or 'default'}@{rerank_server(settings).fingerprint()}"


class Reranker(Able):
    tier = Tier.REMOTE
    abilities = frozenset({RERANK})

    def __init__(self, settings: LlmSettings) -> None:
        self._settings = settings
        self._server = rerank_server(settings)
        self._where = f"reranker at {self._server.host}"
        self.model_id = identify(settings)
        self._worker = Worker(settings.concurrency)
        self._client = self._server.http(settings)

    def rerank(self, query: str, documents: Sequence[str], seconds: float) -> Floats | LlmError:
        body: dict[str, Any] = {"query": query, "documents": list(documents)}
        if self._settings.rerank_model is not None:
            body["model"] = self._settings.rerank_model
        headers = {"Authorization": f"Bearer {self._server.key}"} if self._server.key else {}

        async def send() -> bytes:
            response = await self._client.post(self._server.url, json=body, headers=headers)
            response.raise_for_status()
            return response.content

        seconds = min(seconds, self._settings.batch_seconds)
        try:
            got = self._worker.run(call(send, seconds, self._settings.retries, self._describe), seconds)
        except TimeoutError as late:
            return self._describe(late)
        return got if isinstance(got, LlmError) else self._read(got, len(documents))

    def probe(self) -> str:
        started = time.monotonic()
        got = self.rerank("tea 茶", ["green tea", "绿茶"], self._settings.batch_seconds)
        if isinstance(got, LlmError):
            raise got
        return f"{self._where} answers in {time.monotonic() - started:.1f} s"

    def close(self) -> None:
        self._worker.close(self._client.aclose)

    def _read(self, body: bytes, number: int) -> Floats | LlmError:
        try:
            results = _Results.model_validate_json(body).results
        except ValueError:
            return LlmNonsense("the server's answer holds no scores", where=self._where)
        scores = {one.index: one.relevance_score for one in results}
        if sorted(scores) != list(range(number)) or not all(map(math.isfinite, scores.values())):
            return LlmNonsense(f"{len(scores)} scores for {number} documents, or not numbers", where=self._where)
        return np.array([scores[place] for place in range(number)], dtype=np.float32)

    def _describe(self, failure: Exception) -> LlmError:
        return describe(failure, self._where, self._server.key, self._settings.key_variable)
