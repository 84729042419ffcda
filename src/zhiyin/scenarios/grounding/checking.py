"""Whether every sentence of a text says only what its source says. It knows nothing of who wrote the text.

The world is closed: a sentence stays where each of its numbers is one of the source's, with that unit and beside that
word; each quotation is a value of the source; and each other word is one that asserts nothing (``neutral.toml``) or
stands in the source, affirmed where it is affirmed there and denied where it is denied. So a brand, a material, a size,
a title or a claim that the source lacks is an unknown word, whatever it is, in whatever spelling. Chinese, which has no
spaces, is held by whether a run of characters can be put together out of neutral phrases and pieces of the source.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from zhiyin.scenarios.grounding.counted import counted
from zhiyin.scenarios.grounding.folding import fold, sentences
from zhiyin.scenarios.grounding.lexicon import neutral, stems
from zhiyin.scenarios.grounding.marks import Evidence, Kind, Problem, evidence_of
from zhiyin.scenarios.grounding.sentence import Reading, read
from zhiyin.scenarios.grounding.source import Source
from zhiyin.scenarios.grounding.words import alone, chinese, latin, quoted, rolled, scripts
from zhiyin.scripts import Language


@dataclass(frozen=True)
class Kept:
    """A sentence that the source bears out, where it stood in the text, and what bears each stretch of it out; places
    in ``evidence`` count from the beginning of the sentence. A sentence without evidence asserts nothing."""

    sentence: str
    start: int
    end: int
    evidence: list[Evidence] = field(default_factory=list)


@dataclass(frozen=True)
class Removed:
    """A sentence that goes, ``what`` in it no source bears out, and ``why``, in words; ``kind`` says the same for
    counting: number, name, material, claim, denial, quotation, role, word or hidden."""

    sentence: str
    what: str
    why: str
    kind: Kind
    start: int
    end: int


@dataclass(frozen=True)
class Checked:
    kept: list[Kept]
    removed: list[Removed]
    language: Language

    @property
    def text(self) -> str:
        """What is left."""
        return (" " if self.language == "en" else "").join(one.sentence for one in self.kept)


def check(text: str, source: Source, language: Language, *, allowed: Iterable[str] = ()) -> Checked:
    """Sentence by sentence. ``allowed`` are further words or Chinese phrases that assert nothing here, as a generator's
    own templates have them: give it what you wrote, never what somebody sent."""
    more = stems(allowed)
    words = neutral("en") | more
    phrases = neutral("zh") | {one for one in more if not one.isascii()}
    kept: list[Kept] = []
    removed: list[Removed] = []
    for start, end in sentences(text):
        said = text[start:end]
        reading = read(said, source)
        wrong = next(_problems(reading, source, language, words, phrases), None)
        if wrong is None:
            kept.append(Kept(said, start, end, evidence_of(reading.marks, source)))
        else:
            removed.append(Removed(said, wrong.what, wrong.why, wrong.kind, start, end))
    return Checked(kept, removed, language)


def _problems(
    reading: Reading, source: Source, language: Language, words: frozenset[str], phrases: frozenset[str]
) -> Iterator[Problem]:
    yield from alone(reading)
    yield from scripts(reading)
    yield from quoted(reading, source)
    yield from counted(reading, source)
    yield from latin(reading, source, words, language)
    yield from chinese(reading, source, phrases)
    yield from rolled(reading, source)


__all__ = ["Checked", "Evidence", "Kept", "Removed", "check", "fold"]
