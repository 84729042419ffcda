"""Questions about options as paths of tokens, and their answers put together again."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from zhiyin.errors import LlmRefused
from zhiyin.llm.embedded.loading import Loaded
from zhiyin.llm.embedded.tree import Path, Tree
from zhiyin.ports import Options
from zhiyin.types import Floats, Ints


class Tokeniser:
    """Makes paths; remembers the options of one batch, which often are the same for every question."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded
        self._known: dict[str, tuple[int, ...]] = {}

    def paths(self, place: int, asked: Options) -> list[Path]:
        """One path per option. Spaces at the end of the prefix are counted to the options: tokens begin with their
        space. Raises LlmRefused."""
        whole = self._loaded.harmless(asked.prefix)
        prefix = whole.rstrip(" ")
        spaces = " " * (len(whole) - len(prefix))
        begun = tuple(self._loaded.text_ids(prefix))
        found = []
        for option, text in enumerate(asked.options):
            ids = self._ids(spaces + text)
            if not text or not ids:
                raise LlmRefused(f"option {option} is empty", where=asked.name, fix="ask for options with a text")
            found.append(Path(place, option, begun + ids, len(begun)))
        longest = max((len(path.inner) for path in found), default=0)
        if longest > self._loaded.maximum:
            raise LlmRefused(
                f"{longest} tokens, and the model reads {self._loaded.maximum}",
                where=asked.name,
                fix="shorten the prefix",
            )
        return found

    def _ids(self, text: str) -> tuple[int, ...]:
        if text not in self._known:
            self._known[text] = tuple(self._loaded.continuation_ids(self._loaded.harmless(text)))
        return self._known[text]


class Gathered:
    """What has been found out about one question so far."""

    def __init__(self, paths: list[Path]) -> None:
        self.logs: Floats = np.zeros(len(paths), dtype=np.float32)
        self.tokens: Ints = np.array([len(path.tokens) - path.prefix for path in paths], dtype=np.int32)
        self.computed = 0
        self._missing = len(paths)

    def enter(self, option: int, log: float) -> bool:
        """Whether that was the last option."""
        self.logs[option] = min(log, 0.0)  # rounding may put a certainty above 0
        self._missing -= 1
        return self._missing == 0


def enter(tree: Tree, logs: Floats, extra: int, waiting: dict[int, Gathered]) -> Iterator[tuple[int, Gathered]]:
    """Enter the result of one run; give the questions that it completes. Every token is counted once, to the question
    that brought it in, and the ``extra`` ones to the first."""
    waiting[tree.paths[0].question].computed += extra
    for owner in tree.owners:
        waiting[tree.paths[owner].question].computed += 1
    for path, log in zip(tree.paths, logs, strict=True):
        if waiting[path.question].enter(path.option, float(log)):
            yield path.question, waiting.pop(path.question)
