"""Words that assert nothing, phrases that always assert something, and names that mean the same in two languages."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from zhiyin.scenarios.grounding.folding import plain
from zhiyin.scripts import Language
from zhiyin.understand.wishes.words import stem


@dataclass(frozen=True)
class Claims:
    """``pattern`` finds the phrases in folded text; ``kinds`` tells their kind: quality, standing, effect, nature,
    offer or material."""

    pattern: re.Pattern[str]
    kinds: dict[str, str]

    def find(self, text: str) -> list[tuple[int, int, str]]:
        """Start, end and kind of every phrase, overlapping ones included."""
        found, place = [], 0
        while (match := self.pattern.search(text, place)) is not None:
            found.append((match.start(), match.end(), self._kind(match[0])))
            place = match.start() + 1
        return found

    def _kind(self, said: str) -> str:
        if said in self.kinds:
            return self.kinds[said]
        begun = (phrase for phrase in self.kinds if phrase.endswith("*") and said.startswith(phrase[:-1]))
        return self.kinds.get(next(begun, ""), "standing")


def _read(name: str) -> dict[str, Any]:
    return tomllib.loads((files("zhiyin.scenarios.grounding") / name).read_text(encoding="utf-8"))


def _split(block: str, by: str | None) -> list[str]:
    parts = block.replace("\n", "" if by else " ").split(by) if by else block.split()
    return [part.strip() for part in parts if part.strip()]


@cache
def neutral(language: Language) -> frozenset[str]:
    """Stems of English words, or Chinese phrases."""
    words = _split(_read("neutral.toml")[language]["words"], None)
    return frozenset(map(stem, words)) if language == "en" else frozenset(words)


@cache
def phrases(language: Language) -> re.Pattern[str]:
    """Phrases that count and deny nothing though they look so."""
    told = sorted(_split(_read("neutral.toml")["phrases"][language], "|"), key=len, reverse=True)
    joined = "|".join(map(re.escape, told))
    return re.compile(rf"\b(?:{joined})\b" if language == "en" else joined)


@cache
def claims(language: Language) -> Claims:
    told = _read("claims.toml")
    kinds = {plain(phrase): kind for kind, block in told[language].items() for phrase in _split(block, "|")}
    for phrase in _split(told["materials"][language], "|"):
        kinds.setdefault(plain(phrase), "material")
    ordered = sorted(kinds, key=len, reverse=True)
    said = told["patterns"][language]
    if language == "zh":
        return Claims(re.compile("|".join([*map(re.escape, ordered), said])), kinds)
    made = (re.escape(phrase[:-1]) + r"\w*" if phrase.endswith("*") else re.escape(phrase) for phrase in ordered)
    return Claims(re.compile(rf"(?<!\w)(?:{'|'.join([*made, said])})(?!\w)"), kinds)


@cache
def _pairs() -> tuple[dict[str, tuple[str, ...]], dict[str, str]]:
    told = _read("glossary.toml")["pairs"]
    chinese = {plain(english): tuple(names.split("|")) for english, names in told.items()}
    english: dict[str, str] = {}
    for name, others in chinese.items():
        for other in others:
            english.setdefault(plain(other), name)
    return chinese, english


def same_in_chinese(name: str) -> tuple[str, ...]:
    """Chinese names of exactly what the English ``name`` means, the one to write first; () where none is known."""
    return _pairs()[0].get(plain(name), ())


def same_in_english(name: str) -> str | None:
    return _pairs()[1].get(plain(name))


def stems(words: Iterable[str]) -> set[str]:
    """Stems and phrases of ``words``, of either language, as neutral ones are kept."""
    return {stem(word) if word.isascii() else word for phrase in words for word in plain(phrase).split()}
