"""Protocols at the edges of the engine: what a store, an encoder, a language model and a progress display must do."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any, Protocol

from zhiyin.errors import LlmError, LlmOff
from zhiyin.types import Floats, Ints, Job, Tier

if TYPE_CHECKING:
    import polars as pl


class Progress(Protocol):
    """Where long work reports to."""

    def task(self, name: str, total: int | None = None) -> AbstractContextManager[Callable[[int], None]]:
        """Open a named piece of work; call what it yields with the number of units just done."""
        ...

    def say(self, line: str) -> None:
        """One line for the reader."""
        ...


class Silent:
    """Progress that shows nothing."""

    @contextmanager
    def task(self, name: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        yield lambda done: None

    def say(self, line: str) -> None:
        pass


class Encoder(Protocol):
    """Turns texts into unit vectors."""

    @property
    def model_id(self) -> str:
        """Name and content hash of the model: part of every cache key."""
        ...

    @property
    def dimension(self) -> int: ...

    def encode(self, texts: Sequence[str], progress: Progress = ...) -> Floats:
        """Float32 [len(texts), dimension], rows of unit length; an empty text gives a row of zeros."""
        ...


@dataclass(frozen=True)
class Prompt:
    """One question. ``name`` is the prompt file with its version and is part of every cache key. ``user`` holds data
    (item or user texts) only between the marks that ``llm.prompts`` puts round them. With ``schema`` (JSON schema) the
    answer is JSON that satisfies it."""

    name: str
    system: str
    user: str
    schema: dict[str, Any] | None = None
    maximum_tokens: int = 256


PromptData = str | int | float | Enum | Sequence[str]
"""What is put into a prompt: texts stand there between marks as data, numbers and our own enumerations as they are."""


class Render(Protocol):
    """Makes the prompt ``name`` out of its file, as ``zhiyin.llm.prompts.render`` does; all it names must be given."""

    def __call__(
        self,
        name: str,
        /,
        *,
        language: str = ...,
        schema: dict[str, Any] | None = ...,
        maximum_tokens: int | None = ...,
        **data: PromptData,
    ) -> Prompt: ...


@dataclass(frozen=True)
class Answer:
    """``data`` is the parsed answer where a schema was given, else None. Tokens are 0 where ``cached``."""

    text: str
    data: Any
    tier: Tier
    model: str
    cached: bool
    tokens_in: int
    tokens_out: int


@dataclass(frozen=True)
class Options:
    """How likely is each of ``options`` as the continuation of ``prefix``? The prefix is computed once. Nothing is
    added between the two, so an option usually begins with its own space."""

    name: str
    prefix: str
    options: tuple[str, ...]


@dataclass(frozen=True)
class Likelihoods:
    """``logs`` float32 [options]: the natural log-likelihood of each option, summed over its ``tokens`` int32
    [options]. ``computed`` is the number of prompt tokens that went through the model: 0 where ``cached``."""

    logs: Floats
    tokens: Ints
    tier: Tier
    model: str
    cached: bool
    computed: int


class LanguageModels(Protocol):
    """What every stage asks: the model configured for a job, behind cache, budget, deadline, retries and breaker.

    Calls come in batches, and an answer or an error comes back for each: one failure does not lose the others, and a
    batch that is killed midway repeats nothing that was answered. ``seconds`` is the deadline of the whole batch; None
    takes the one configured.
    """

    def tier(self, job: Job) -> Tier:
        """Who answers ``job``; ``none`` where nobody does."""
        ...

    def unavailable(self, job: Job) -> LlmError | None:
        """Why the model that is configured for ``job`` cannot be had; None where it can, or none is configured."""
        ...

    def model(self, job: Job) -> str | None:
        """Name and content hash of the model that answers ``job``; part of what is derived from its answers."""
        ...

    def can_score(self, job: Job) -> bool:
        """Whether ``likelihoods`` can be asked."""
        ...

    def complete(
        self, job: Job, prompts: Sequence[Prompt], *, seconds: float | None = None, progress: Progress | None = None
    ) -> list[Answer | LlmError]:
        """One answer per prompt, in order."""
        ...

    def likelihoods(
        self, job: Job, asked: Sequence[Options], *, seconds: float | None = None, progress: Progress | None = None
    ) -> list[Likelihoods | LlmError]:
        """One result per question, in order."""
        ...

    def rerank(
        self, job: Job, query: str, documents: Sequence[str], *, seconds: float | None = None
    ) -> Floats | LlmError:
        """Relevance of each document to ``query`` from a rerank endpoint, float32 [documents]; LlmOff where none is
        configured."""
        ...

    def close(self) -> None:
        """Let go of connections and of the model."""
        ...


class NoLanguageModels:
    """The tier without any."""

    def tier(self, job: Job) -> Tier:
        return Tier.NONE

    def unavailable(self, job: Job) -> LlmError | None:
        return None

    def model(self, job: Job) -> str | None:
        return None

    def can_score(self, job: Job) -> bool:
        return False

    def complete(
        self, job: Job, prompts: Sequence[Prompt], *, seconds: float | None = None, progress: Progress | None = None
    ) -> list[Answer | LlmError]:
        return [LlmOff(NO_MODEL) for _ in prompts]

    def likelihoods(
        self, job: Job, asked: Sequence[Options], *, seconds: float | None = None, progress: Progress | None = None
    ) -> list[Likelihoods | LlmError]:
        return [LlmOff(NO_MODEL) for _ in asked]

    def rerank(
        self, job: Job, query: str, documents: Sequence[str], *, seconds: float | None = None
    ) -> Floats | LlmError:
        return LlmOff(NO_MODEL)

    def close(self) -> None:
        pass


NO_MODEL = "no language model is configured"


@dataclass(frozen=True)
class Written:
    """What a write changed: rows that were new, rows that changed, and rows that were there already."""

    new: int
    changed: int
    same: int


class StoreWriter(Protocol):
    """One open transaction: all of it lands, or nothing does."""

    def put_users(self, users: pl.DataFrame) -> Written: ...

    def put_items(self, items: pl.DataFrame) -> Written: ...

    def put_events(self, events: pl.DataFrame) -> Written: ...

    def add_events(self, given: Sequence[Sequence[Any]]) -> Written:
        """``put_events`` of plain rows ``event_id`` or None, ``user_id``, ``item_id``, ``event_type``, ``value``,
        ``time``, ``impression_id`` (the last three may be left out): for small batches."""
        ...

    def put_links(self, links: pl.DataFrame) -> Written: ...


class Store(Protocol):
    """Users, items, events, text vectors and the list of bundles. Frames use the columns named in each method."""

    def writing(self) -> AbstractContextManager[StoreWriter]:
        """Open a transaction, committed at the end of the block and rolled back by an exception or a kill."""
        ...

    def events(self, user_id: str | None = None) -> pl.DataFrame:
        """Columns ``seq`` i64, ``user_id``, ``item_id``, ``event_type`` str, ``value`` f64|null, ``time`` i64|null
        (microseconds UTC), in order of ``seq`` (arrival). With ``user_id``, that person's only."""
        ...

    def items(self, item_ids: Sequence[str] | None = None) -> pl.DataFrame:
        """Columns ``item_id``, ``title``, ``description`` str|null, ``categories`` list[str], ``attributes`` str (a
        JSON object), ``time`` i64|null, ``hidden`` bool, sorted by ``item_id``."""
        ...

    def item_ids(self) -> list[str]:
        """Every item's id, sorted."""
        ...

    def hidden_items(self) -> list[str]:
        """Ids of hidden items, sorted."""
        ...

    def users(self) -> pl.DataFrame:
        """Columns ``user_id`` str, ``attributes`` str (a JSON object), sorted by ``user_id``."""
        ...

    def links(self) -> pl.DataFrame:
        """Links between people as they were given: columns ``user_id``, ``other_id`` str, ``weight`` f64, ``time``
        i64|null, sorted by the two ids."""
        ...

    def counts(self) -> dict[str, int]:
        """Rows in ``users``, ``items``, ``events``, and in ``links`` where there are any."""
        ...

    def vectors(self, model_id: str, text_hashes: Sequence[str]) -> dict[str, Floats]:
        """Cached text vectors by content hash; hashes without one are absent."""
        ...

    def put_vectors(self, model_id: str, vectors: dict[str, Floats]) -> None: ...

    def record_bundle(self, name: str, manifest: dict[str, Any]) -> None: ...

    def use_bundle(self, name: str) -> None:
        """Make ``name`` the served bundle."""
        ...

    def drop_bundle(self, name: str) -> None: ...

    def bundles(self) -> pl.DataFrame:
        """Columns ``name`` str, ``created`` i64 (microseconds), ``active`` bool, ``manifest`` str (JSON).
        Newest first."""
        ...

    def close(self) -> None: ...
