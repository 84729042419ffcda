"""Reading items without a language model: rules, lists and text vectors."""

from __future__ import annotations

from collections.abc import Sequence

from zhiyin.types import ItemFeatures, Tier
from zhiyin.understand.items.attributes import attributes
from zhiyin.understand.items.audience import audiences
from zhiyin.understand.items.context import Encode, Hints
from zhiyin.understand.items.language import language
from zhiyin.understand.items.sentences import closest_to_centre, sentences
from zhiyin.understand.items.source import ItemSource, folded

READER = "rules@2"
"""Version of everything in this tier: raised when rules change, so that items are read again."""
MOST_TOPICS = 6


def read_by_rules(
    sources: Sequence[ItemSource], hints: Sequence[Hints], encode: Encode | None = None
) -> list[ItemFeatures]:
    """One for each source. ``encode`` gives the vectors of sentences; without it they are compared by their words."""
    summaries = _summaries(sources, encode)
    found = []
    for source, hint, summary in zip(sources, hints, summaries, strict=True):
        topics = dict(sorted(hint.matched.items(), key=lambda one: (-one[1], one[0]))[:MOST_TOPICS])
        found.append(
            ItemFeatures(
                language=language(source.text, hint.latin),
                topics=topics,
                attributes=attributes(source, frozenset({folded(hint.brand)}) if hint.brand else frozenset()),
                summary=summary,
                audience=audiences(" \n ".join([source.title, *source.categories, source.description])),
                tier=Tier.NONE,
            )
        )
    return found


def _summaries(sources: Sequence[ItemSource], encode: Encode | None) -> list[str]:
    """The sentence of each description closest to its centre; the title where there is no description."""
    parts = [sentences(source.description) or sentences(source.title) for source in sources]
    if encode is None:
        return [closest_to_centre(one) for one in parts]
    several = [one for one in parts if len(one) > 1]
    vectors = encode([sentence for one in several for sentence in one]) if several else None
    found, at = [], 0
    for one in parts:
        if len(one) > 1 and vectors is not None:
            found.append(closest_to_centre(one, vectors[at : at + len(one)]))
            at += len(one)
        else:
            found.append(closest_to_centre(one))
    return found
