"""A model behind an OpenAI-compatible API: llama.cpp's server, vLLM, Ollama, and the clouds."""

from __future__ import annotations

import dataclasses
import functools
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from typing import Any

import numpy as np
import openai
from pydantic import BaseModel, Field

from zhiyin.config import LlmSettings
from zhiyin.errors import LlmError, LlmNonsense, LlmTimeout
from zhiyin.llm import prompts as files
from zhiyin.llm.adapter import COMPLETE, EMBED, LIKELIHOODS, Able, spent
from zhiyin.llm.chat import Messages, Said, Shape, ask
from zhiyin.llm.kinds import bytes_of
from zhiyin.llm.remote import Worker, call, describe
from zhiyin.llm.scoring import completions_request, read_likelihoods
from zhiyin.llm.server import NO_KEY, main_server
from zhiyin.ports import Answer, Likelihoods, Options, Prompt
from zhiyin.types import Floats, Tier

EMBED_AT_ONCE = 64
"""Texts in one embeddings call."""


class _Embedding(BaseModel):
    index: int
    embedding: list[float]


class _Embeddings(BaseModel):
    data: list[_Embedding] = Field(min_length=1)


def identify(settings: LlmSettings) -> str:
    """The model's id: its name and a hash of the address. Raises LlmOff where address or key are missing."""
    return f"openai/{settings.model}@{main_server(settings).fingerprint()}"


class OpenAi(Able):
    """Several calls at once in a thread of its own. Raises LlmOff where address or key are missing."""

    tier = Tier.REMOTE

    def __init__(self, settings: LlmSettings) -> None:
        self._settings = settings
        self._server = main_server(settings)
        self._where = f"{settings.model} at {self._server.host}"
        self.model_id = identify(settings)
        self.abilities = frozenset({COMPLETE, LIKELIHOODS, *([EMBED] if settings.embedding_model else [])})
        self._shape = Shape()
        self._worker = Worker(settings.concurrency)
        self._client = openai.AsyncOpenAI(
            base_url=self._server.url,
            api_key=self._server.key or NO_KEY,
            max_retries=0,
            timeout=settings.batch_seconds,
            http_client=self._server.http(settings),
        )

    def complete(self, prompts: Sequence[Prompt], seconds: float) -> Iterator[tuple[int, Answer | LlmError]]:
        deadline = time.monotonic() + seconds

        async def one(place: int) -> Answer | LlmError:
            prompt = prompts[place]
            until = min(deadline, time.monotonic() + self._settings.batch_seconds)
            got = await ask(
                lambda messages: self._post(messages, prompt, until), prompt, self._where, self._tell_schema
            )
            if isinstance(got, Said):
                return Answer(got.text, got.data, self.tier, self.model_id, False, got.read, got.written)
            return got

        return self._worker.stream(one, len(prompts), seconds)

    def likelihoods(self, asked: Sequence[Options], seconds: float) -> Iterator[tuple[int, Likelihoods | LlmError]]:
        deadline = time.monotonic() + seconds

        async def one(place: int) -> Likelihoods | LlmError:
            until = min(deadline, time.monotonic() + self._settings.batch_seconds)
            create = self._client.completions.with_raw_response.create
            request = completions_request(self._settings.model, asked[place])
            got = await self._send(lambda: create(**request), until)
            if isinstance(got, LlmError):
                return got
            read = read_likelihoods(got, asked[place], self.tier, self.model_id)
            return LlmNonsense(read, where=self._where) if isinstance(read, str) else read

        return self._worker.stream(one, len(asked), seconds)

    def embed(self, texts: Sequence[str], seconds: float) -> Floats | LlmError:
        if self._settings.embedding_model is None:
            return self._cannot(EMBED)
        deadline = time.monotonic() + seconds
        starts = range(0, len(texts), EMBED_AT_ONCE)
        create = self._client.embeddings.with_raw_response.create
        model = self._settings.embedding_model

        async def one(place: int) -> Floats | LlmError:
            part = list(texts[starts[place] : starts[place] + EMBED_AT_ONCE])
            got = await self._send(lambda: create(model=model, input=part, encoding_format="float"), deadline)
            if isinstance(got, LlmError):
                return got
            try:
                rows = _Embeddings.model_validate_json(got).data
                found = np.array([row.embedding for row in sorted(rows, key=lambda row: row.index)], dtype=np.float32)
            except ValueError:
                return LlmNonsense("the server's answer holds no vectors", where=self._where)
            if found.ndim != 2 or len(found) != len(part) or not np.isfinite(found).all():
                return LlmNonsense(f"{len(found)} vectors for {len(part)} texts, or not numbers", where=self._where)
            return found

        parts: dict[int, Floats] = {}
        for place, got in self._worker.stream(one, len(starts), seconds):
            if isinstance(got, LlmError):
                return got
            parts[place] = got
        if len(parts) < len(starts):
            return self._describe(TimeoutError())
        if len({part.shape[1] for part in parts.values()}) > 1:
            return LlmNonsense("vectors of several lengths", where=self._where)
        return np.concatenate([parts[place] for place in range(len(starts))])

    def probe(self) -> str:
        started = time.monotonic()
        for _, got in self.complete([files.render("probe")], self._settings.batch_seconds):
            if isinstance(got, LlmError):
                raise got
            line = f"{self._where} answers in {time.monotonic() - started:.1f} s"
            if self._settings.embedding_model is not None:
                vectors = self.embed(["probe 试"], self._settings.batch_seconds)
                if isinstance(vectors, LlmError):
                    raise vectors
                line += f", {self._settings.embedding_model} gives {vectors.shape[1]} dimensions"
            return line
        raise self._describe(TimeoutError())

    def close(self) -> None:
        self._worker.close(self._client.close)

    async def _post(self, messages: Messages, prompt: Prompt, until: float) -> bytes | LlmError:
        """Send in the form that the server takes; a form that it refuses is not tried a second time."""
        create = self._client.chat.completions.with_raw_response.create
        shape: Shape | None = self._shape
        while shape is not None:
            refused: list[Exception] = []

            def seen(failure: Exception, refused: list[Exception] = refused) -> LlmError:
                refused.append(failure)
                return self._describe(failure)

            request = shape.request(prompt, messages)
            send = functools.partial(create, model=self._settings.model, **request)
            got = await self._send(send, until, seen)
            if not isinstance(got, LlmError):
                self._shape = shape
                return got
            shape = shape.after(refused[0], prompt.schema is not None)
        if isinstance(got, LlmTimeout):
            # It may have been read, and then it is paid for.
            return spent(got, bytes_of(prompt.system, prompt.user) // 3, 0)
        return got

    def _tell_schema(self) -> None:
        self._shape = dataclasses.replace(self._shape, told=True)

    async def _send(
        self,
        create: Callable[[], Awaitable[Any]],
        until: float,
        describe: Callable[[Exception], LlmError] | None = None,
    ) -> bytes | LlmError:
        async def send() -> bytes:
            raw = await create()
            return bytes(raw.http_response.content)

        seconds = max(0.0, until - time.monotonic())
        return await call(send, seconds, self._settings.retries, describe or self._describe)

    def _describe(self, failure: Exception) -> LlmError:
        return describe(failure, self._where, self._server.key, self._settings.key_variable)
