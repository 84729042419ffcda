"""Names of topics: rules always, and a language model where one names interests."""

from __future__ import annotations

import unicodedata
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from zhiyin.ports import LanguageModels, Render
from zhiyin.rank.interests.names import LONGEST, Described, holds, names
from zhiyin.scripts import LANGUAGES, Language, is_han, language_of
from zhiyin.types import Tier
from zhiyin.understand.items.terms import TermCounts

WORDS = 6
"""Words kept with a topic."""
TITLES = 20
"""Titles that a name may be held against, those in the middle first."""
COMMON = 0.5
"""A category is a topic's where this share of its items has it."""
FIXED = 0.7
"""A run of characters with the same neighbour in more than this share of its places is a piece of a word."""
WIDE = 2.0
"""A category with so many times the items of a topic is wider than the topic, and no name for it alone."""
BOTH = {"en": " & ", "zh": "、"}
OF = {"en": "{kind}: {words}", "zh": "{kind}：{words}"}
BY_EXAMPLE = {"en": "About “{title}”", "zh": "关于《{title}》"}


@dataclass(frozen=True)
class Spoken:
    """What is said in a topic: ``words`` and ``kinds`` best first, its ``titles`` from the middle outwards, their
    ``kinds_of``, and ``wide``, the kinds that are wider than it."""

    words: tuple[str, ...]
    kinds: tuple[str, ...]
    titles: tuple[str, ...]
    kinds_of: tuple[tuple[str, ...], ...]
    wide: frozenset[str]

    @property
    def language(self) -> Language:
        return language_of(self.titles)

    @property
    def described(self) -> Described:
        return Described(self.words, self.kinds, self.titles, self.kinds_of)


@dataclass(frozen=True)
class Named:
    text: str
    tier: Tier
    note: str | None


def spoken(
    rows: Sequence[int],
    titles: Sequence[str],
    categories: Sequence[Sequence[str]],
    words: TermCounts,
    counts: Counter[str],
) -> Spoken:
    """Of the items in ``rows``, nearest to the middle first; ``counts`` are the items of each category."""
    kinds = Counter(kind for row in rows for kind in dict.fromkeys(categories[row]))
    # Of two categories that hold, the one with fewer items elsewhere says more.
    own = [kind for kind, count in kinds.items() if count >= COMMON * len(rows)]
    own.sort(key=lambda kind: (-kinds[kind] / max(counts[kind], 1), kind))
    wide = frozenset(kind for kind in own if counts[kind] > WIDE * len(rows))
    top = list(rows[:TITLES])
    return Spoken(
        tuple(whole(words.distinctive(rows, 3 * WORDS), [titles[row] for row in rows])[:WORDS]),
        tuple(own[:2]),
        tuple(titles[row] for row in top),
        tuple(tuple(categories[row]) for row in top),
        wide,
    )


def whole(terms: Sequence[str], texts: Sequence[str]) -> list[str]:
    """Those of ``terms`` that stand by themselves in ``texts``: a run of Chinese characters that nearly always has the
    same character behind it, or before it, is a piece of a longer word (accessor variety, Feng et al. 2004)."""
    folded = [unicodedata.normalize("NFKC", text).casefold() for text in texts]
    found = []
    for term in terms:
        if not is_han(term[0]):
            found.append(term)
            continue
        sides: tuple[Counter[str], Counter[str]] = (Counter(), Counter())
        for text in folded:
            at = text.find(term)
            while at >= 0:
                before, after = text[at - 1 : at] if at else "", text[at + len(term) : at + len(term) + 1]
                sides[0][_neighbour(before, len(sides[0]))] += 1
                sides[1][_neighbour(after, len(sides[1]))] += 1
                at = text.find(term, at + 1)
        if all(side and max(side.values()) <= FIXED * side.total() for side in sides):
            found.append(term)
    return found


def _neighbour(character: str, seen: int) -> str:
    """What counts as the same beside a term: a Chinese character is itself, a digit any digit; an edge, a mark or a
    space is as good as another character each time."""
    if character.isdigit():
        return "0"
    return character if character and is_han(character) else f"edge {seen}"


def named(
    topics: Sequence[Spoken],
    taken: set[str],
    models: LanguageModels,
    render: Render | None,
    *,
    seconds: float | None = None,
) -> list[Named]:
    """A name for each, different from each other and from ``taken``."""
    found: dict[int, Named] = {}
    used = {name.casefold() for name in taken}
    for language in LANGUAGES:
        places = [place for place, topic in enumerate(topics) if topic.language == language]
        described = [topics[place].described for place in places]
        told = names(described, set(used), language, models, render, seconds=seconds) if places else []
        for place, name in zip(places, told, strict=True):
            if name.tier is not Tier.NONE and name.text.casefold() not in used:
                found[place] = Named(name.text, name.tier, None)
            else:
                found[place] = Named(by_rules(topics[place], used, language), Tier.NONE, name.note)
            used.add(found[place].text.casefold())
    return [found[place] for place in range(len(topics))]


def by_rules(topic: Spoken, used: set[str], language: Language) -> str:
    """The first of these that is not in ``used``: a category of its own, a category with words, words, an example, a
    number."""
    both, of = BOTH[language], OF[language]
    words = [word for word in topic.words if word.casefold() not in {kind.casefold() for kind in topic.kinds}]
    told = [both.join(words[:size]) for size in (2, 3, 1, 4) if len(words) >= size]
    found = [kind for kind in topic.kinds if kind not in topic.wide]
    found += [of.format(kind=topic.kinds[0], words=one) for one in told if topic.kinds]
    found += told + list(topic.kinds)
    found += [BY_EXAMPLE[language].format(title=title) for title in topic.titles if title]
    for name in found:
        if len(name) <= LONGEST and name.casefold() not in used:
            return name
    return numbered(found[0][: LONGEST - 4].rstrip() if found else {"en": "Topic", "zh": "话题"}[language], used)


def numbered(stem: str, used: set[str]) -> str:
    number = 2
    while f"{stem} {number}".casefold() in used:
        number += 1
    return f"{stem} {number}"


def still_holds(name: str, topic: Spoken) -> bool:
    """Whether a name given before may stay: it shares a word with what the topic says now."""
    return holds(name, topic.described) is None or any(word.casefold() in name.casefold() for word in topic.words)
