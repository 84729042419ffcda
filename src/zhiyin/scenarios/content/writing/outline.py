"""The parts of a text: under the author's own headings where it has some, else where it turns to something else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from zhiyin.scenarios.content.writing.article import Article, Values
from zhiyin.scenarios.content.writing.phrases import key_phrases
from zhiyin.understand.long_texts import width
from zhiyin.understand.texts import shorten

PARTS = 6
"""Parts at most."""
SENTENCES = 4
"""Sentences of a part, about, where the text has no headings."""
LONGEST = 60
"""Characters of a heading line."""
POINTS = 2
ENDS = '。.!！?？…;；:：,，"”’』」)'


@dataclass(frozen=True)
class Section:
    """``heading`` is a line or a phrase of the source; ``points`` are those of its ``sentences`` (places) that say
    most."""

    heading: str
    points: tuple[str, ...]
    sentences: tuple[int, ...]


def sections(article: Article, phrases: Sequence[str]) -> list[Section]:
    """In order; together they have every sentence but heading lines."""
    heads = _headings(article)
    groups = _under(article, heads) if heads else _turning(article)
    found: list[Section] = []
    used: set[str] = set()
    for head, places in groups:
        texts = [article.sentences[place].text for place in places]
        heading = article.sentences[head].text if head is not None else _named(texts, phrases, used)
        used.add(heading.casefold())
        points = article.chosen(POINTS, 1e9, None, places)
        found.append(Section(heading, tuple(article.sentences[place].text for place in points), tuple(places)))
    return found


def _headings(article: Article) -> list[int]:
    """Lines that stand alone, are short words and end in no mark; none where there is one to nearly every sentence,
    which is a list."""
    told = article.sentences
    lines = Counter(one.paragraph for one in told)
    found = [
        place
        for place, one in enumerate(told)
        if lines[one.paragraph] == 1 and len(one.text) <= LONGEST and one.text[-1] not in ENDS and place + 1 < len(told)
        if sum(map(str.isalpha, one.text)) >= 0.6 * len(one.text.replace(" ", ""))
    ]
    return found if 2 <= len(found) <= min(2 * PARTS, len(told) / 3) else []


def _under(article: Article, heads: Sequence[int]) -> list[tuple[int | None, list[int]]]:
    groups: list[tuple[int | None, list[int]]] = [(None, [])]
    for place in range(len(article.sentences)):
        if place in heads:
            groups.append((place, []))
        else:
            groups[-1][1].append(place)
    return [group for group in groups if group[1]]


def _turning(article: Article) -> list[tuple[int | None, list[int]]]:
    """Neighbouring paragraphs (runs of a few sentences, where there are none) that share most words are joined until
    few are left."""
    places = range(len(article.sentences))
    blocks: list[list[int]] = []
    for place in places:
        same = blocks and article.sentences[place].paragraph == article.sentences[blocks[-1][-1]].paragraph
        if same and len(blocks[-1]) < SENTENCES:
            blocks[-1].append(place)
        else:
            blocks.append([place])
    wanted = min(PARTS, max(1, round(len(places) / SENTENCES)))
    sums = np.pad(article.alike.cumsum(axis=0).cumsum(axis=1), ((1, 0), (1, 0)))
    joins = [_join(sums, left, right) for left, right in pairwise(blocks)]
    while len(blocks) > wanted:
        at = int(np.argmax(joins))
        blocks[at : at + 2] = [blocks[at] + blocks[at + 1]]
        joins.pop(at)
        for near in (at - 1, at):
            if 0 <= near < len(joins):
                joins[near] = _join(sums, blocks[near], blocks[near + 1])
    return [(None, block) for block in blocks]


def _join(sums: Values, left: Sequence[int], right: Sequence[int]) -> float:
    """How alike two neighbours are, out of the ``sums`` of cosines before each row and column; small ones count for
    more, as a long part is like everything."""
    top, middle, end = left[0], right[0], right[-1] + 1
    total = sums[middle, end] - sums[top, end] - sums[middle, middle] + sums[top, middle]
    return round(float(total) / (len(left) * len(right) * float(np.sqrt(len(left) + len(right)))), 9)


def _named(texts: Sequence[str], phrases: Sequence[str], used: set[str]) -> str:
    """A phrase of the text that this part says most, else one of its own, else how it begins."""
    whole = "\n".join(texts).casefold()
    counts = [(whole.count(phrase.casefold()), -place, phrase) for place, phrase in enumerate(phrases)]
    known = [phrase for count, _, phrase in sorted(counts, reverse=True) if count and phrase.casefold() not in used]
    own = known or [phrase for phrase in key_phrases(texts, 3) if phrase.casefold() not in used]
    return own[0] if own else shorten(max(texts, key=width), LONGEST)
