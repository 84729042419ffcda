"""An author's text taken apart: its sentences, how much each says of the whole, and what it speaks of.

A sentence counts by TextRank (Mihalcea and Tarau 2004): it says much when it shares words with sentences that say much.
Which are taken is settled by maximal marginal relevance (Carbonell and Goldstein 1998), so that nothing is said twice.
No model and no word list is needed, and nothing is taken from anywhere but the text.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from math import log

import numpy as np
from numpy.typing import NDArray

from zhiyin.scenarios.grounding.folding import sentences
from zhiyin.scripts import Language, language_of
from zhiyin.types import Floats
from zhiyin.understand.items.terms import grams, terms
from zhiyin.understand.long_texts import width
from zhiyin.understand.texts import shorten

Values = NDArray[np.float64]
MOST = 400
"""Sentences that are held against each other; of a longer text the beginning and an even sample of the rest."""
DAMPING = 0.85
STEPS = 40
EARLY = 0.3
"""Share of a sentence's worth that lies in how early it stands; chosen on documents, see docs/content.md."""
FIRST = 0.7
"""The first whole sentence is worth at least this: it says what the text is about."""
RELEVANCE = 0.6
"""Relevance against novelty in choosing; chosen on the same documents."""
SHORT = 4.0
"""A sentence of fewer tokens is a heading or a scrap."""
LEANING = 0.5
"""Worth of a sentence that begins with "but", "it" or 他, beside one that stands alone."""
QUESTION = 0.5
"""Worth of a question: it says nothing."""
LEANS: dict[Language, re.Pattern[str]] = {
    "zh": re.compile(
        r"^(?:但|然而|不过|因此|所以|于是|而|却|它|他|她|这|那|其|该|此|上述|如此|也|还|又|例如|比如|如果能|同样|否则)"
    ),
    "en": re.compile(
        r"^(?:but|however|yet|therefore|thus|hence|so|it|he|she|they|this|that|these|those|its|his|her|their|such|"
        r"for example|for instance|which|who|there|then|also|here|otherwise|some|others|and|or)\b",
        re.IGNORECASE,
    ),
}
"""What begins so leans on the sentence before, and says little alone."""
_WIDE = re.compile("[\u2e80-\u9fff\uf900-\ufaff\uff00-\uffef\u201d\u2019\u2026]")
CHARACTERS = 100_000
"""Beginning of a text that is read."""


@dataclass(frozen=True)
class Sentence:
    """``text`` as it stands at ``start`` to ``end`` of the source, in the paragraph ``paragraph`` (from 0)."""

    text: str
    start: int
    end: int
    paragraph: int


@dataclass(frozen=True)
class Article:
    """``title`` may be empty."""

    title: str
    text: str
    language: Language

    @classmethod
    def of(cls, text: str, title: str = "", language: Language | None = None) -> Article:
        """``language`` None goes by the text."""
        kept = shorten(text.replace("\r\n", "\n").replace("\r", "\n"), CHARACTERS)
        return cls(" ".join(title.split()), kept, language or language_of([f"{title}\n{kept}"]))

    @cached_property
    def sentences(self) -> list[Sentence]:
        """Those that are looked at, in order."""
        spans = sentences(self.text)
        if len(spans) > MOST:
            rest = np.linspace(MOST // 2, len(spans) - 1, MOST // 2).astype(int)
            spans = [*spans[: MOST // 2], *(spans[place] for place in rest)]
        found: list[Sentence] = []
        paragraph, last = 0, 0
        for start, end in spans:
            paragraph += "\n" in self.text[last:start] and bool(found)
            last = end
            found.append(Sentence(" ".join(self.text[start:end].split()), start, end, paragraph))
        return found

    @cached_property
    def body(self) -> list[int]:
        """Places of all sentences but a headline that stands above the text, in a paragraph of its own: run together
        with what follows it would read as one sentence with it."""
        found = self.sentences
        headed = len(found) > 1 and not ended(found[0].text) and found[1].paragraph > found[0].paragraph
        return list(range(1 if headed else 0, len(found)))

    @cached_property
    def bags(self) -> Floats:
        """Words and pairs of characters of each sentence, weighted by rarity, unit rows [sentences, words]."""
        counts = [Counter(grams(one.text)) for one in self.sentences]
        found_in = Counter(word for bag in counts for word in bag)
        places = {word: place for place, word in enumerate(found_in)}
        total = max(1, len(counts))
        matrix = np.zeros((len(counts), max(1, len(places))), dtype=np.float32)
        for row, bag in enumerate(counts):
            for word, count in bag.items():
                matrix[row, places[word]] = (1 + log(count)) * log(1 + total / found_in[word])
        lengths = np.linalg.norm(matrix, axis=1, keepdims=True)
        scaled: Floats = matrix / np.maximum(lengths, 1e-12).astype(np.float32)
        return scaled

    @cached_property
    def alike(self) -> Values:
        """Cosine of every two sentences, [sentences, sentences]."""
        # Rounded, so that the last bits of a product decide nothing.
        found: Values = (self.bags @ self.bags.T).astype(np.float64).round(6)
        return found

    @cached_property
    def terms(self) -> list[set[str]]:
        """What could name a subject, of each sentence."""
        return [terms(one.text) for one in self.sentences]

    @cached_property
    def widths(self) -> Values:
        return np.array([width(one.text) for one in self.sentences])

    @cached_property
    def worth(self) -> Values:
        """How much each sentence says of the whole, in [0, 1]; 0 for a scrap."""
        n = len(self.sentences)
        if not n:
            return np.zeros(0)
        joins = self.alike.copy()
        np.fill_diagonal(joins, 0.0)
        flow = joins / np.maximum(joins.sum(axis=1, keepdims=True), 1e-12)
        rank = np.full(n, 1 / n)
        for _ in range(STEPS):
            rank = (1 - DAMPING) / n + DAMPING * (rank @ flow)
        early = np.exp(-3 * np.arange(n) / n)
        told = rank * (1 - EARLY + EARLY * early) * (self.widths >= SHORT)
        told = told * np.array([prose(one.text) * alone(one.text, self.language) for one in self.sentences])
        told = told / max(float(told.max()), 1e-12)
        first = next((place for place, one in enumerate(self.sentences) if told[place] > 0 and prose(one.text) == 1), 0)
        told[first] = max(told[first], FIRST)
        found: Values = np.round(told, 9)
        return found

    def chosen(
        self, most: int, room: float, fit: Values | None = None, among: Sequence[int] | None = None
    ) -> list[int]:
        """Places of at most ``most`` sentences of ``room`` tokens together, in their order; ``fit`` is added to their
        worth. ``among`` leaves out the others."""
        open_ = self.worth > 0
        if among is not None:
            inside = np.zeros(len(open_), dtype=np.bool_)
            inside[list(among)] = True
            open_ = open_ & inside
        worth = self.worth if fit is None else self.worth + fit
        taken: list[int] = []
        said = np.zeros(len(worth))
        while len(taken) < most:
            open_ = open_ & (self.widths <= room)
            if not open_.any():
                break
            gain = np.where(open_, np.round(RELEVANCE * worth - (1 - RELEVANCE) * said, 9), -np.inf)
            best = int(gain.argmax())
            open_[best] = False
            taken.append(best)
            room -= float(self.widths[best])
            said = np.maximum(said, self.alike[best])
        return sorted(taken)


def prose(text: str) -> float:
    """How much of a sentence ``text`` is, in (0, 1]: less where it is code, a table or a heading: few letters, or no
    mark at its end. Numbers are letters here: news is full of them."""
    signs = [one for one in text if not one.isspace()]
    letters = sum(one.isalnum() for one in signs) / max(1, len(signs))
    return min(1.0, max(0.1, 4 * letters - 2.6)) * (1.0 if ended(text) else 0.5)


def ended(text: str) -> bool:
    """Whether a mark ends ``text``, as it ends a sentence and no heading."""
    return text.rstrip('"\u201d\u2019\u300d\u300f)\uff09')[-1:] in tuple(".\u3002!\uff01?\uff1f\u2026;\uff1b")


def alone(text: str, language: Language) -> float:
    """How well a sentence stands by itself, in (0, 1]: one that leans on the sentence before less, a question less."""
    if text.rstrip('"\u201d\u300d')[-1:] in "?\uff1f":
        return QUESTION
    return LEANING if LEANS[language].match(text) else 1.0


def joined(parts: Sequence[str]) -> str:
    """Side by side, a space between them where their script has spaces."""
    text = ""
    for part in parts:
        text += part if not text or _WIDE.match(text[-1]) else f" {part}"
    return text
