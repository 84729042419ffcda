"""Words and claims that no page may hold, whoever wrote them and whatever the source says: files that a shop can read,
add to and replace.

``policies/pages/NAME.toml`` in the project's folder stands beside the files that come with Zhiyin, and in the place of
the one of the same name: an empty file switches that one off.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from zhiyin.errors import ConfigError
from zhiyin.scenarios.grounding.folding import fold
from zhiyin.scripts import Language

FOLDER = Path("policies") / "pages"
SHIPPED = Path(__file__).parent / "policies"
Action = Literal["remove", "review"]


class Rule(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    name: str = Field(min_length=1, max_length=60)
    """What is said of a sentence that breaks it."""
    language: Literal["en", "zh", "any"] = "any"
    """Pages of which language it is for."""
    basis: str = Field("", max_length=500)
    """The law or the guide behind it."""
    action: Action = "remove"
    """``remove`` takes the sentence out; ``review`` leaves it and asks a person before the page is published."""
    words: list[str] = []
    """Phrases; English ones as whole words, in any case."""
    patterns: list[str] = []
    """Regular expressions over the text in lower case, without differences of width."""
    exceptions: list[str] = []
    """Phrases that are fine although they hold one of the words."""


class PolicyFile(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    rule: list[Rule] = []


@dataclass(frozen=True)
class Broken:
    """Characters ``start`` to ``end`` of a text break ``rule`` of the file ``policy``."""

    start: int
    end: int
    what: str
    policy: str
    rule: str
    basis: str
    action: Action

    @property
    def why(self) -> str:
        return f"'{self.what}' is against the policy '{self.policy}/{self.rule}'" + (
            f" ({self.basis})" if self.basis else ""
        )


class Policy:
    """The rules of some files, ready to be held against texts."""

    def __init__(self, files: Sequence[tuple[str, PolicyFile]], wheres: Sequence[str]) -> None:
        """Raises ConfigError for an expression that is none."""
        self.rules = [(name, rule) for name, file in files for rule in file.rule]
        self._compiled = []
        for (name, file), where in zip(files, wheres, strict=True):
            for place, rule in enumerate(file.rule, 1):
                self._compiled.append((name, rule, *_compile(rule, f"{where}, rule {place}")))

    def broken(self, text: str, language: Language) -> list[Broken]:
        """Every breach in ``text``, part of a page in ``language``, in order; of breaches that overlap the longest."""
        folded = fold(text)
        found: list[Broken] = []
        for name, rule, pattern, fine in self._compiled:
            if pattern is None or rule.language not in ("any", language):
                continue
            spared = [match.span() for match in fine.finditer(folded.text)] if fine is not None else []
            for match in pattern.finditer(folded.text):
                low, high = match.span()
                if low == high or any(start <= low and high <= end for start, end in spared):
                    continue
                start, end = folded.span(low, high)
                found.append(Broken(start, end, text[start:end], name, rule.name, rule.basis, rule.action))
        found.sort(key=lambda one: (one.start, one.start - one.end))
        return [one for place, one in enumerate(found) if not place or one.start >= found[place - 1].end]


@lru_cache(maxsize=64)
def _read(path: Path, stamp: int) -> PolicyFile:
    where = str(path)
    try:
        told = tomllib.loads(path.read_text(encoding="utf-8"))
        return PolicyFile(**told)
    except OSError as refused:
        raise ConfigError(
            f"the file cannot be read: {refused.strerror}", where=where, fix="check the file"
        ) from refused
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as broken:
        raise ConfigError(f"not valid TOML: {broken}", where=where, fix="correct that line") from broken
    except ValidationError as invalid:
        first = invalid.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        fix = (
            f"use some of {', '.join(Rule.model_fields)}" if first["type"] == "extra_forbidden" else "see docs/pages.md"
        )
        raise ConfigError(f"'{key}': {first['msg']}", where=where, fix=fix) from invalid


def files_of(project: Path | None) -> dict[str, Path]:
    """Policy files by name, the project's own in the place of those shipped."""
    found = {path.stem: path for path in sorted(SHIPPED.glob("*.toml"))}
    if project is not None:
        found |= {path.stem: path for path in sorted((project / FOLDER).glob("*.toml"))}
    return found


def load_policy(project: Path | None = None) -> Policy:
    """Raises ConfigError naming file, key and fix."""
    paths = files_of(project)
    return Policy(
        [(name, _read(path, path.stat().st_mtime_ns)) for name, path in paths.items()], list(map(str, paths.values()))
    )


def _compile(rule: Rule, where: str) -> tuple[re.Pattern[str] | None, re.Pattern[str] | None]:
    parts = [_phrase(word) for word in sorted(rule.words, key=len, reverse=True) if word.strip()]
    for told in rule.patterns:
        try:
            re.compile(told)
        except re.error as wrong:
            raise ConfigError(f"'{told}' is no regular expression: {wrong}", where=where, fix="correct it") from wrong
    whole = "|".join([*parts, *(f"(?:{told})" for told in rule.patterns)])
    fine = "|".join(_phrase(word) for word in rule.exceptions if word.strip())
    return (re.compile(whole) if whole else None, re.compile(fine) if fine else None)


def _phrase(words: str) -> str:
    text = r"\s+".join(re.escape(part) for part in fold(words).text.split())
    before = r"(?<![a-z0-9])" if words.strip()[:1].isascii() and words.strip()[:1].isalnum() else ""
    after = r"(?![a-z0-9])" if words.strip()[-1:].isascii() and words.strip()[-1:].isalnum() else ""
    return before + text + after
