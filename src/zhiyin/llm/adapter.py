"""What a language model must do to be used: one model, nothing around it.

Cache, budgets, deadlines, breaker, log and metrics are the client's (``client.py``).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

from zhiyin.errors import LlmError, LlmOff
from zhiyin.ports import Answer, Likelihoods, Options, Prompt
from zhiyin.types import Floats, Tier

COMPLETE = "complete"
LIKELIHOODS = "likelihoods"
RERANK = "rerank"
EMBED = "embed"


class Adapter(Protocol):
    """One model.

    The two methods that take a batch give ``(place in the batch, result)`` in the order they finish, and return within
    ``seconds``: places without a result were not reached in time. Whoever stops listening (closes the iterator) stops
    the work. Methods named by no ability give LlmOff.
    """

    @property
    def tier(self) -> Tier: ...

    @property
    def model_id(self) -> str:
        """Name and content hash, part of every cache key."""
        ...

    @property
    def abilities(self) -> frozenset[str]:
        """Of "complete", "likelihoods", "rerank", "embed"."""
        ...

    def complete(self, prompts: Sequence[Prompt], seconds: float) -> Iterator[tuple[int, Answer | LlmError]]: ...

    def likelihoods(self, asked: Sequence[Options], seconds: float) -> Iterator[tuple[int, Likelihoods | LlmError]]: ...

    def rerank(self, query: str, documents: Sequence[str], seconds: float) -> Floats | LlmError:
        """Relevance of each document, float32 [documents]."""
        ...

    def embed(self, texts: Sequence[str], seconds: float) -> Floats | LlmError:
        """Float32 [texts, dimension], as the model gives them."""
        ...

    def probe(self) -> str:
        """One real small call; a line for people. Raises LlmError."""
        ...

    def close(self) -> None: ...


class Able:
    """An adapter without any ability, for others to start from."""

    tier = Tier.NONE
    model_id = ""
    abilities: frozenset[str] = frozenset()

    def complete(self, prompts: Sequence[Prompt], seconds: float) -> Iterator[tuple[int, Answer | LlmError]]:
        return ((place, self._cannot(COMPLETE)) for place in range(len(prompts)))

    def likelihoods(self, asked: Sequence[Options], seconds: float) -> Iterator[tuple[int, Likelihoods | LlmError]]:
        return ((place, self._cannot(LIKELIHOODS)) for place in range(len(asked)))

    def rerank(self, query: str, documents: Sequence[str], seconds: float) -> Floats | LlmError:
        return self._cannot(RERANK)

    def embed(self, texts: Sequence[str], seconds: float) -> Floats | LlmError:
        return self._cannot(EMBED)

    def close(self) -> None:
        pass

    def _cannot(self, ability: str) -> LlmError:
        return LlmOff(f"the model cannot do '{ability}'", where=self.model_id)


def spent(error: LlmError, tokens_in: int, tokens_out: int) -> LlmError:
    """``error`` with the tokens that went into it: an answer that is of no use is paid for all the same."""
    error.tokens = (tokens_in, tokens_out)  # type: ignore[attr-defined]  # known here alone
    return error


def tokens_of(error: LlmError) -> tuple[int, int]:
    """Tokens read and written for ``error``; zeros where nothing is known."""
    read, written = getattr(error, "tokens", (0, 0))
    return read, written
