"""The kinds of call: for each, what identifies it, what it may cost, how it is asked and how its answer is kept."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from zhiyin.errors import LlmError, LlmNonsense
from zhiyin.llm import adapter as able
from zhiyin.llm.adapter import Adapter
from zhiyin.llm.redact import redact
from zhiyin.llm.schema import fault
from zhiyin.ports import Answer, Likelihoods, Options, Prompt
from zhiyin.types import Floats, Tier

Q = TypeVar("Q")
R = TypeVar("R")

OVERHEAD = 64
"""Tokens that a chat template may put round a prompt, at most."""
COMPLAINT = 512
"""Tokens of the round that shows a model its error, beside prompt and answer, at most."""

ROUNDING = 1e-3
"""How far above 0 rounding may take a log-likelihood."""


@dataclass(frozen=True)
class Cost:
    """Tokens read and written."""

    read: int
    written: int


@dataclass(frozen=True)
class Rerank:
    """A query and the documents to set in order."""

    query: str
    documents: tuple[str, ...]
    name: str = able.RERANK


@dataclass(frozen=True)
class Texts:
    """Texts to embed in one call."""

    texts: tuple[str, ...]
    name: str = able.EMBED


class Kind(Protocol, Generic[Q, R]):
    """``Q`` is what is asked, ``R`` what comes back."""

    ability: str
    keeps: bool
    """Whether answers are kept by the client; text vectors are kept by those who ask for them, text by text."""

    def parts(self, asked: Q) -> list[Any]:
        """All that the answer depends on beside the model, as JSON values."""
        ...

    def redacted(self, asked: Q) -> Q:
        """The same without personal data."""
        ...

    def upper(self, asked: Q) -> Cost:
        """Upper estimate: no token is shorter than a byte."""
        ...

    def ask(self, model: Adapter, asked: list[Q], seconds: float) -> Iterator[tuple[int, R | LlmError]]: ...

    def fault(self, asked: Q, got: R) -> str | None:
        """Why ``got`` is no answer to ``asked``; None where it is one."""
        ...

    def cost(self, asked: Q, got: R) -> Cost: ...

    def dump(self, got: R) -> Any:
        """The answer as a JSON value."""
        ...

    def load(self, kept: Any, tier: Tier, model_id: str) -> R:
        """What ``dump`` gave, as an answer from the cache."""
        ...


def key_of(model_id: str, kind: Kind[Q, R], asked: Q) -> str:
    """Identifies a call by content: hexadecimal sha256."""
    whole = json.dumps([model_id, kind.ability, *kind.parts(asked)], ensure_ascii=False, sort_keys=True)
    return hashlib.sha256(whole.encode("utf-8", "surrogatepass")).hexdigest()


def bytes_of(*texts: str) -> int:
    return sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)


class _Complete:
    ability = able.COMPLETE
    keeps = True

    def parts(self, asked: Prompt) -> list[Any]:
        return [asked.name, asked.system, asked.user, asked.schema, asked.maximum_tokens]

    def redacted(self, asked: Prompt) -> Prompt:
        return dataclasses.replace(asked, system=redact(asked.system), user=redact(asked.user))

    def upper(self, asked: Prompt) -> Cost:
        once = bytes_of(asked.system, asked.user) + OVERHEAD
        if asked.schema is None:
            return Cost(once, asked.maximum_tokens)
        once += bytes_of(json.dumps(asked.schema, ensure_ascii=False)) + OVERHEAD
        return Cost(2 * once + asked.maximum_tokens + COMPLAINT, 2 * asked.maximum_tokens)

    def ask(self, model: Adapter, asked: list[Prompt], seconds: float) -> Iterator[tuple[int, Answer | LlmError]]:
        return model.complete(asked, seconds)

    def fault(self, asked: Prompt, got: Answer) -> str | None:
        try:
            json.dumps([got.text, got.data], ensure_ascii=False).encode()
        except UnicodeEncodeError:
            return "the answer holds half a character"
        if asked.schema is not None:
            return fault(got.data, asked.schema)
        return None if got.text.strip() else "the answer is empty"

    def cost(self, asked: Prompt, got: Answer) -> Cost:
        return Cost(got.tokens_in, got.tokens_out)

    def dump(self, got: Answer) -> Any:
        return {"text": got.text, "data": got.data}

    def load(self, kept: Any, tier: Tier, model_id: str) -> Answer:
        return Answer(kept["text"], kept["data"], tier, model_id, cached=True, tokens_in=0, tokens_out=0)


class _Likelihoods:
    ability = able.LIKELIHOODS
    keeps = True

    def parts(self, asked: Options) -> list[Any]:
        return [asked.name, asked.prefix, list(asked.options)]

    def redacted(self, asked: Options) -> Options:
        return dataclasses.replace(asked, prefix=redact(asked.prefix))

    def upper(self, asked: Options) -> Cost:
        # A server is given the prefix with every option, and once alone.
        prefixes = (len(asked.options) + 1) * (bytes_of(asked.prefix) + 1)
        return Cost(prefixes + bytes_of(*asked.options), 0)

    def ask(self, model: Adapter, asked: list[Options], seconds: float) -> Iterator[tuple[int, Likelihoods | LlmError]]:
        return model.likelihoods(asked, seconds)

    def fault(self, asked: Options, got: Likelihoods) -> str | None:
        if got.logs.shape != (len(asked.options),) or got.tokens.shape != got.logs.shape:
            return f"{got.logs.size} likelihoods for {len(asked.options)} options"
        return (
            None if np.isfinite(got.logs).all() and (got.logs <= ROUNDING).all() else "a likelihood is no probability"
        )

    def cost(self, asked: Options, got: Likelihoods) -> Cost:
        return Cost(got.computed, 0)

    def dump(self, got: Likelihoods) -> Any:
        return {"logs": got.logs.tolist(), "tokens": got.tokens.tolist()}

    def load(self, kept: Any, tier: Tier, model_id: str) -> Likelihoods:
        logs, tokens = np.array(kept["logs"], dtype=np.float32), np.array(kept["tokens"], dtype=np.int32)
        return Likelihoods(logs, tokens, tier, model_id, cached=True, computed=0)


class _Rerank:
    ability = able.RERANK
    keeps = True

    def parts(self, asked: Rerank) -> list[Any]:
        return [asked.query, list(asked.documents)]

    def redacted(self, asked: Rerank) -> Rerank:
        return Rerank(redact(asked.query), tuple(map(redact, asked.documents)))

    def upper(self, asked: Rerank) -> Cost:
        return Cost(len(asked.documents) * (bytes_of(asked.query) + 4) + bytes_of(*asked.documents), 0)

    def ask(self, model: Adapter, asked: list[Rerank], seconds: float) -> Iterator[tuple[int, Floats | LlmError]]:
        deadline = time.monotonic() + seconds
        for place, one in enumerate(asked):
            yield place, model.rerank(one.query, one.documents, max(0.0, deadline - time.monotonic()))

    def fault(self, asked: Rerank, got: Floats) -> str | None:
        if got.shape != (len(asked.documents),):
            return f"{got.size} scores for {len(asked.documents)} documents"
        return None if np.isfinite(got).all() else "a score is not a number"

    def cost(self, asked: Rerank, got: Floats) -> Cost:
        return self.upper(asked)

    def dump(self, got: Floats) -> Any:
        return {"scores": got.tolist()}

    def load(self, kept: Any, tier: Tier, model_id: str) -> Floats:
        return np.array(kept["scores"], dtype=np.float32)


class _Embed:
    ability = able.EMBED
    keeps = False

    def parts(self, asked: Texts) -> list[Any]:
        return list(asked.texts)

    def redacted(self, asked: Texts) -> Texts:
        return Texts(tuple(map(redact, asked.texts)))

    def upper(self, asked: Texts) -> Cost:
        return Cost(bytes_of(*asked.texts) + 2 * len(asked.texts), 0)

    def ask(self, model: Adapter, asked: list[Texts], seconds: float) -> Iterator[tuple[int, Floats | LlmError]]:
        deadline = time.monotonic() + seconds
        for place, one in enumerate(asked):
            yield place, model.embed(one.texts, max(0.0, deadline - time.monotonic()))

    def fault(self, asked: Texts, got: Floats) -> str | None:
        if got.ndim != 2 or len(got) != len(asked.texts):
            return f"{len(got)} vectors for {len(asked.texts)} texts"
        return None if np.isfinite(got).all() else "a vector is not of numbers"

    def cost(self, asked: Texts, got: Floats) -> Cost:
        return Cost(bytes_of(*asked.texts) // 3, 0)

    def dump(self, got: Floats) -> Any:
        return {"vectors": got.tolist()}

    def load(self, kept: Any, tier: Tier, model_id: str) -> Floats:
        return np.array(kept["vectors"], dtype=np.float32)


COMPLETE: Kind[Prompt, Answer] = _Complete()
LIKELIHOODS: Kind[Options, Likelihoods] = _Likelihoods()
RERANK: Kind[Rerank, Floats] = _Rerank()
EMBED: Kind[Texts, Floats] = _Embed()


def nonsense(model_id: str, what: str) -> LlmError:
    return LlmNonsense(what, where=model_id, fix="try a larger model for this job, or leave the job out of [llm] jobs")
