"""Calls written to a file, and a model that answers from it: tests without a model and without a key."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from zhiyin.errors import DataError, FileUnreadable, LlmError, LlmOff
from zhiyin.llm.adapter import Able, Adapter
from zhiyin.llm.kinds import COMPLETE, LIKELIHOODS, RERANK, Kind, Rerank, key_of
from zhiyin.ports import Answer, Likelihoods, Options, Prompt
from zhiyin.types import Floats, Tier

Q = TypeVar("Q")
R = TypeVar("R")


class Recorder(Able):
    """Passes everything on to ``model`` and adds its good answers to ``path``, one JSON object a line."""

    def __init__(self, model: Adapter, path: Path) -> None:
        self._model = model
        self._path = path
        self.tier = model.tier
        self.model_id = model.model_id
        self.abilities = model.abilities

    def complete(self, prompts: Sequence[Prompt], seconds: float) -> Iterator[tuple[int, Answer | LlmError]]:
        return self._pass(COMPLETE, prompts, self._model.complete(prompts, seconds))

    def likelihoods(self, asked: Sequence[Options], seconds: float) -> Iterator[tuple[int, Likelihoods | LlmError]]:
        return self._pass(LIKELIHOODS, asked, self._model.likelihoods(asked, seconds))

    def rerank(self, query: str, documents: Sequence[str], seconds: float) -> Floats | LlmError:
        got = self._model.rerank(query, documents, seconds)
        self._write(RERANK, Rerank(query, tuple(documents)), got)
        return got

    def embed(self, texts: Sequence[str], seconds: float) -> Floats | LlmError:
        return self._model.embed(texts, seconds)

    def probe(self) -> str:
        return self._model.probe()

    def close(self) -> None:
        self._model.close()

    def _pass(
        self, kind: Kind[Q, R], asked: Sequence[Q], arriving: Iterator[tuple[int, R | LlmError]]
    ) -> Iterator[tuple[int, R | LlmError]]:
        for place, got in arriving:
            self._write(kind, asked[place], got)
            yield place, got

    def _write(self, kind: Kind[Q, R], asked: Q, got: R | LlmError) -> None:
        if isinstance(got, LlmError):
            return
        cost = kind.cost(asked, got)
        line = {
            "model_id": self.model_id,
            "tier": self.tier,
            "kind": kind.ability,
            "key": key_of(self.model_id, kind, asked),
            "asked": kind.parts(asked),
            "answer": kind.dump(got),
            "tokens": [cost.read, cost.written],
        }
        with self._path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(line, ensure_ascii=False) + "\n")


class Recorded(Able):
    """The model whose answers stand in ``path``, under its own id. A call that is not there gives LlmOff.

    Raises FileUnreadable, and DataError where the file holds two models.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            lines = [json.loads(line) for line in path.read_text(encoding="utf-8").splitlines() if line.strip()]
            self._answers = {line["key"]: line["answer"] for line in lines}
            names = {(line["model_id"], line["tier"]) for line in lines}
        except (OSError, UnicodeDecodeError, ValueError, KeyError, TypeError) as broken:
            raise FileUnreadable(f"no recording of calls: {broken}", where=str(path), fix="record it anew") from broken
        if len(names) != 1:
            raise DataError(f"calls of {len(names)} models in one file", where=str(path), fix="record them apart")
        self.model_id, tier = names.pop()
        self.tier = Tier(tier)
        self.abilities = frozenset(line["kind"] for line in lines)

    def complete(self, prompts: Sequence[Prompt], seconds: float) -> Iterator[tuple[int, Answer | LlmError]]:
        for place, one in enumerate(prompts):
            answer = self._find(COMPLETE, one)
            yield place, answer

    def likelihoods(self, asked: Sequence[Options], seconds: float) -> Iterator[tuple[int, Likelihoods | LlmError]]:
        for place, one in enumerate(asked):
            likely = self._find(LIKELIHOODS, one)
            yield place, likely

    def rerank(self, query: str, documents: Sequence[str], seconds: float) -> Floats | LlmError:
        return self._find(RERANK, Rerank(query, tuple(documents)))

    def probe(self) -> str:
        return f"{len(self._answers)} recorded calls of {self.model_id}"

    def _find(self, kind: Kind[Q, R], asked: Q) -> R | LlmError:
        kept: Any = self._answers.get(key_of(self.model_id, kind, asked))
        if kept is None:
            name = getattr(asked, "name", kind.ability)
            return LlmOff(f"the call '{name}' was not recorded", where=str(self._path), fix="record it")
        return kind.load(kept, self.tier, self.model_id)
