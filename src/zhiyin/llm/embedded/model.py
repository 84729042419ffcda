"""The adapter: one small language model in this process."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator, Sequence

import numpy as np

from zhiyin.config import LlmSettings
from zhiyin.errors import LlmError, LlmNonsense, LlmRefused, LlmTimeout
from zhiyin.llm.adapter import LIKELIHOODS, Able
from zhiyin.llm.embedded.clock import Clock
from zhiyin.llm.embedded.files import choose_dtype, find_model, model_id
from zhiyin.llm.embedded.loading import load
from zhiyin.llm.embedded.prefixes import Prefixes
from zhiyin.llm.embedded.questions import Gathered, Tokeniser, enter
from zhiyin.llm.embedded.scoring import Scorer
from zhiyin.llm.embedded.tree import Path, trees
from zhiyin.ports import Likelihoods, Options, Progress, Silent
from zhiyin.types import Tier


class EmbeddedModel(Able):
    """The model that ``settings.model`` names, its files fetched and converted where that is needed.

    ``why`` is one line on the number format. Several threads may ask: one computes at a time. Raises LlmOff where
    packages or files are not here or cannot be used.
    """

    tier = Tier.EMBEDDED
    abilities = frozenset({LIKELIHOODS})

    def __init__(self, settings: LlmSettings, progress: Progress | None = None) -> None:
        progress = progress or Silent()
        files = find_model(settings, progress)
        dtype, self.why = choose_dtype()
        self.model_id = model_id(files, dtype)
        self._lock = threading.Lock()
        self._loaded = load(files, dtype, progress)
        self._prefixes = Prefixes(self._loaded)
        self._scorer = Scorer(self._loaded, self._prefixes)
        self._fastest = 0.0

    def likelihoods(self, asked: Sequence[Options], seconds: float) -> Iterator[tuple[int, Likelihoods | LlmError]]:
        """Questions are answered in the order in which they share most work, not in the order asked."""
        clock = Clock(seconds, self.model_id, self._fastest)
        tokeniser = Tokeniser(self._loaded)
        waiting: dict[int, Gathered] = {}
        paths: list[Path] = []
        for place, one in enumerate(asked):
            try:
                found = tokeniser.paths(place, one)
            except LlmRefused as refused:
                yield place, refused
                continue
            if found:
                waiting[place] = Gathered(found)
                paths += found
            else:
                yield place, self._answer(Gathered(found))
        for tree in trees(paths, self._scorer.limit):
            try:
                with self._lock:
                    began = time.perf_counter()
                    logs, extra = self._scorer.score(tree, clock.check)
                    self._learn(extra + len(tree), time.perf_counter() - began)
            except LlmTimeout as late:
                yield from ((place, late) for place in sorted(waiting))
                return
            for place, done in enter(tree, logs, extra, waiting):
                if np.isfinite(done.logs).all():
                    yield place, self._answer(done)
                else:
                    yield place, LlmNonsense("the model gives no number", where=self.model_id)

    def probe(self) -> str:
        """Asks which of two ends is likelier. Raises LlmError."""
        question = Options("probe", "The capital of France is", (" Paris", " a banana"))
        began = time.perf_counter()
        for _, found in self.likelihoods([question], float("inf")):
            if isinstance(found, LlmError):
                raise found
        return f"{self.model_id} answers in {time.perf_counter() - began:.1f} s ({self.why}; {self._scorer.way})"

    def close(self) -> None:
        self._prefixes.forget()

    def _answer(self, done: Gathered) -> Likelihoods:
        return Likelihoods(done.logs, done.tokens, self.tier, self.model_id, False, done.computed)

    def _learn(self, tokens: int, seconds: float) -> None:
        """Remember the best speed, from runs that are large enough to tell."""
        if tokens >= 64:
            pace = seconds / tokens
            self._fastest = min(self._fastest or pace, pace)
