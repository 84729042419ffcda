"""Models for tests: one that follows a script, and an HTTP server that fails in every way a server can."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from zhiyin.errors import LlmError
from zhiyin.llm.adapter import Able
from zhiyin.ports import Answer, Likelihoods, Options, Prompt
from zhiyin.types import Floats, Tier


class Scripted(Able):
    """A model that answers by ``answer`` (a text, JSON where the prompt has a schema, or an error to give) and scores
    by ``score`` (log-likelihoods of the options). ``asked`` counts the calls."""

    def __init__(
        self,
        answer: Callable[[Prompt], str | LlmError] | None = None,
        score: Callable[[Options], Sequence[float] | LlmError] | None = None,
        rank: Callable[[str, Sequence[str]], Sequence[float] | LlmError] | None = None,
        *,
        model_id: str = "scripted/1",
        tier: Tier = Tier.EMBEDDED,
    ) -> None:
        self._answer = answer
        self._score = score
        self._rank = rank
        self.model_id = model_id
        self.tier = tier
        given = {"complete": answer, "likelihoods": score, "rerank": rank}
        self.abilities = frozenset(name for name, script in given.items() if script is not None)
        self.asked = 0

    def complete(self, prompts: Sequence[Prompt], seconds: float) -> Iterator[tuple[int, Answer | LlmError]]:
        for place, prompt in enumerate(prompts):
            if self._answer is None:
                yield place, self._cannot("complete")
                continue
            self.asked += 1
            text = self._answer(prompt)
            if isinstance(text, LlmError):
                yield place, text
                continue
            data = None if prompt.schema is None else json.loads(text)
            words = len(prompt.user.split()), len(text.split())
            yield place, Answer(text, data, self.tier, self.model_id, False, *words)

    def likelihoods(self, asked: Sequence[Options], seconds: float) -> Iterator[tuple[int, Likelihoods | LlmError]]:
        for place, one in enumerate(asked):
            if self._score is None:
                yield place, self._cannot("likelihoods")
                continue
            self.asked += 1
            logs = self._score(one)
            if isinstance(logs, LlmError):
                yield place, logs
                continue
            tokens = np.array([max(1, len(option.split())) for option in one.options], dtype=np.int32)
            array = np.array(logs, dtype=np.float32)
            yield place, Likelihoods(array, tokens, self.tier, self.model_id, False, len(one.prefix.split()))

    def rerank(self, query: str, documents: Sequence[str], seconds: float) -> Floats | LlmError:
        if self._rank is None:
            return self._cannot("rerank")
        self.asked += 1
        scores = self._rank(query, documents)
        return scores if isinstance(scores, LlmError) else np.array(scores, dtype=np.float32)

    def probe(self) -> str:
        return f"{self.model_id} follows its script"
