"""The adapter: one small language model in this process."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from zhiyin.config import LlmSettings
from zhiyin.errors import LlmError, LlmNonsense, LlmRefused, LlmTimeout
from zhiyin.llm.adapter import COMPLETE, EMBED, LIKELIHOODS, Able, spent
from zhiyin.llm.embedded.clock import Clock
from zhiyin.llm.embedded.decoding import Decoder, Row
from zhiyin.llm.embedded.embedding import embeddings
from zhiyin.llm.embedded.files import choose_dtype, find_model, model_id
from zhiyin.llm.embedded.loading import load
from zhiyin.llm.embedded.prefixes import Prefixes
from zhiyin.llm.embedded.questions import Gathered, Tokeniser, enter
from zhiyin.llm.embedded.scoring import Scorer
from zhiyin.llm.embedded.tree import Path, trees
from zhiyin.ports import Answer, Likelihoods, Options, Progress, Prompt, Silent
from zhiyin.types import Floats, Tier


class EmbeddedModel(Able):
    """The model that ``settings.model`` names, its files fetched and converted where that is needed.

    ``why`` is one line on the number format. Several threads may ask: one computes at a time. Raises LlmOff where
    packages or files are not here or cannot be used.
    """

    tier = Tier.EMBEDDED
    abilities = frozenset({COMPLETE, LIKELIHOODS, EMBED})

    def __init__(self, settings: LlmSettings, progress: Progress | None = None) -> None:
        progress = progress or Silent()
        files = find_model(settings, progress)
        dtype, self.why = choose_dtype()
        self.model_id = model_id(files, dtype)
        self._lock = threading.Lock()
        self._loaded = load(files, dtype, progress)
        self._prefixes = Prefixes(self._loaded)
        self._scorer = Scorer(self._loaded, self._prefixes)
        self._decoder = Decoder(self._loaded, self._prefixes, self._scorer.way != "whole")
        self._fastest = 0.0

    def complete(self, prompts: Sequence[Prompt], seconds: float) -> Iterator[tuple[int, Answer | LlmError]]:
        """Greedy answers. With a schema the answer satisfies it, or is LlmNonsense where ``maximum_tokens`` cut it off.
        A model without a chat template goes on with the text, up to a blank line."""
        clock = Clock(seconds, self.model_id, self._fastest)
        rows: list[Row] = []
        for place, prompt in enumerate(prompts):
            try:
                rows.append(self._decoder.row(place, prompt))
            except LlmRefused as refused:
                yield place, refused
        for batch in self._decoder.batches(rows):
            try:
                for row in self._turns(self._decoder.run(batch, clock.check)):
                    yield row.place, self._written(row)
            except LlmTimeout as late:
                for row in rows:
                    if not row.given:
                        read = len(row.ids) if row in batch else 0
                        yield (
                            row.place,
                            spent(LlmTimeout(late.what, where=late.where, fix=late.fix), read, len(row.out)),
                        )
                return

    def choose(self, prompt: Prompt, options: Sequence[str], seconds: float) -> int | LlmError:
        """Which of ``options`` the model writes when it can write nothing else: its row. The options' texts are not
        shown to the model; that is the prompt's part."""
        longest = max(len(self._loaded.continuation_ids(json.dumps(one, ensure_ascii=False))) for one in options)
        # A text can be written with more tokens than the tokenizer would take.
        asked = replace(prompt, schema={"enum": list(dict.fromkeys(options))}, maximum_tokens=4 * longest + 8)
        for _, found in self.complete([asked], seconds):
            return found if isinstance(found, LlmError) else list(options).index(found.data)
        raise AssertionError("a prompt came back without an answer")

    def embed(self, texts: Sequence[str], seconds: float) -> Floats | LlmError:
        """Mean of the last layer's token vectors, scaled to unit length: float32 [texts, width]. Texts are cut at
        ``EMBEDDED_TOKENS`` tokens; a blank one gives a row of zeros."""
        clock = Clock(seconds, self.model_id, self._fastest)
        try:
            return embeddings(self._loaded, texts, clock.check, self._lock)
        except LlmTimeout as late:
            return late

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

    def tokens(self, text: str) -> list[int]:
        """``text`` as the model reads it from its beginning."""
        return self._loaded.text_ids(self._loaded.harmless(text))

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

    def _turns(self, steps: Iterator[Row]) -> Iterator[Row]:
        """The steps, each with the lock held: whoever listens may take their time between them."""
        while True:
            with self._lock:
                row = next(steps, None)
            if row is None:
                return
            row.given = True
            yield row

    def _written(self, row: Row) -> Answer | LlmError:
        found = self._decoder.finish(row)
        if isinstance(found, LlmError):
            return spent(found, len(row.ids), len(row.out))
        return Answer(found[0], found[1], self.tier, self.model_id, False, len(row.ids), len(row.out))

    def _answer(self, done: Gathered) -> Likelihoods:
        return Likelihoods(done.logs, done.tokens, self.tier, self.model_id, False, done.computed)

    def _learn(self, tokens: int, seconds: float) -> None:
        """Remember the best speed, from runs that are large enough to tell."""
        if tokens >= 64:
            pace = seconds / tokens
            self._fastest = min(self._fastest or pace, pace)
