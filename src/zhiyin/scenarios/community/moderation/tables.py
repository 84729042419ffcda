"""Tables of signs that come with Zhiyin, read once: see the heads of the files in ``signs/``."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

FOLDER = Path(__file__).parent / "signs"
LONGEST_PARTS = 3
"""Parts of a character at most."""


@dataclass(frozen=True)
class Parts:
    """``whole``: the character by its parts; ``first``: what such parts begin with."""

    whole: dict[str, str]
    first: frozenset[str]


def _lines(name: str) -> Iterator[str]:
    for line in (FOLDER / name).read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            yield line


@cache
def simplified() -> dict[str, str]:
    """The simplified character by the traditional one."""
    return {pair[0]: pair[1] for line in _lines("traditional.txt") for pair in line.split()}


@cache
def alike() -> dict[str, str]:
    """The Latin letter by the sign that looks like it."""
    rows = (line.split(" ", 1) for line in _lines("confusables.txt"))
    return {sign: letter for letter, signs in rows for sign in signs}


@cache
def pictures() -> dict[str, str]:
    """The word by the picture that is put for it."""
    return dict(line.split(" ", 1) for line in _lines("pictures.txt"))


@cache
def parts() -> Parts:
    whole = {one[:-1]: one[-1] for line in _lines("parts.txt") for one in line.split()}
    return Parts(whole, frozenset(key[0] for key in whole))


@cache
def syllables() -> dict[str, tuple[str, ...]]:
    """The syllables, without tones, by the character."""
    found: dict[str, tuple[str, ...]] = {}
    for line in _lines("pinyin.txt"):
        syllable, signs = line.split(" ", 1)
        for sign in signs:
            found[sign] = (*found.get(sign, ()), syllable)
    return found
