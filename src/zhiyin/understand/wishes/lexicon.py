"""The words that requests are made of, read from two data files: names of concepts, and cues that say more or less."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from zhiyin.errors import ConfigError
from zhiyin.understand.wishes.words import Key, key_of

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Lexicon:
    """``concepts``: name to concept number, by folded tokens; ``names``: the written names of each concept. ``cues``:
    what a phrase does to the words behind it. ``stop``: phrases that say nothing. ``content``: words that look like
    cues and are none. ``phrases``: cues and stop phrases as written. ``numbers``: words that are numbers. ``fold``:
    traditional to simplified characters. ``weak``: characters that are stop words only where no unknown character
    follows."""

    concepts: dict[Key, int]
    names: list[list[str]]
    cues: dict[Key, str]
    stop: frozenset[Key]
    content: frozenset[Key]
    phrases: list[str]
    weak: frozenset[str]
    numbers: dict[str, int]
    fold: dict[str, str]

    def key(self, text: str) -> Key:
        return key_of(text, self.fold)

    def names_like(self, text: str) -> list[str]:
        """Every name of the concept that ``text`` names; empty where it names none."""
        found = self.concepts.get(self.key(text))
        return [] if found is None else self.names[found]

    def extended(self, more: Iterable[Iterable[str]]) -> Lexicon:
        """With further lines of names that mean the same. A name that is known already joins its concept."""
        concepts, names = dict(self.concepts), [list(line) for line in self.names]
        _add(concepts, names, more, self.fold)
        return Lexicon(
            concepts, names, self.cues, self.stop, self.content, self.phrases, self.weak, self.numbers, self.fold
        )


def _add(
    concepts: dict[Key, int], names: list[list[str]], lines: Iterable[Iterable[str]], fold: Mapping[str, str]
) -> None:
    for line in lines:
        words = list(line)
        keys = [key_of(word, dict(fold)) for word in words]
        place = next((concepts[key] for key in keys if key in concepts), len(names))
        if place == len(names):
            names.append([])
        for word, key in zip(words, keys, strict=True):
            if key and key not in concepts:
                concepts[key] = place
                names[place].append(word)


@cache
def read_lexicon(folder: Path = FOLDER) -> Lexicon:
    """The lexicon of ``folder`` (lexicon.toml and cues.toml). Raises ConfigError where a file is missing or wrong."""
    lexicon, cues = _read(folder / "lexicon.toml"), _read(folder / "cues.toml")
    try:
        script = cues["script"]
        fold = dict(zip(script["traditional"], script["simplified"], strict=True))
        concepts: dict[Key, int] = {}
        names: list[list[str]] = []
        for lines in lexicon.values():
            _add(concepts, names, lines, fold)
        kinds = {key_of(word, fold): kind for kind, words in cues["cues"].items() for word in words}
        stop = frozenset(key_of(word, fold) for word in cues["stop"]["words"]) - kinds.keys()
        content = frozenset(key_of(word, fold) for word in cues["content"]["words"])
        phrases = [*(word for words in cues["cues"].values() for word in words), *cues["stop"]["words"]]
        weak = frozenset(cues["stop"]["weak"])
        numbers = {str(word): int(value) for word, value in cues["numbers"].items()}
    except (KeyError, TypeError, ValueError, AttributeError) as wrong:
        raise ConfigError(
            f"not a lexicon: {wrong}", where=str(folder), fix="restore the files of the package"
        ) from wrong
    return Lexicon(concepts, names, kinds, stop, content, phrases, weak, numbers, fold)


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, tomllib.TOMLDecodeError, UnicodeDecodeError) as broken:
        raise ConfigError(
            f"cannot be read: {broken}", where=str(path), fix="restore the files of the package"
        ) from broken
