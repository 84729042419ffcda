"""From a fitted model to named interests: words, items, names, and ids that stay."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from zhiyin.ports import LanguageModels, NoLanguageModels, Progress, Render
from zhiyin.rank.interests.align import Previous, matches, stable_ids
from zhiyin.rank.interests.named import NamedInterest
from zhiyin.rank.interests.names import GENERAL, Described, Name, names
from zhiyin.rank.interests.terms import fold, read
from zhiyin.rank.interests.words import Spoken, describe
from zhiyin.scripts import language_of
from zhiyin.types import Catalogue, Floats, Job, Longs, Tier

FIRST = 5
"""Items that must belong to an interest for it to be a taste of its own."""


def name_interests(
    q: Floats,
    item_ids: Sequence[str],
    catalogue: Catalogue,
    counts: Longs,
    *,
    topics: Sequence[Sequence[str]] | None = None,
    previous: Previous | None = None,
    models: LanguageModels | None = None,
    render: Render | None = None,
    seconds: float | None = None,
    progress: Progress | None = None,
) -> list[NamedInterest]:
    """Names of all interests, by row.

    ``q`` is float32 [n, Z]; ``item_ids``, ``catalogue`` and ``counts`` (events by item) have its n rows, and so has
    ``topics`` (names of what was read in each item). ``render`` makes prompts of ``models``; without it a server is
    not asked. An interest that is one of ``previous`` keeps its id, and its name too, unless rules gave that name and a
    model can give one now. Nothing raises for what a model answers.
    """
    models = models or NoLanguageModels()
    kinds = [[*own, *more] for own, more in zip(catalogue.categories, topics or [[]] * len(item_ids), strict=True)]
    said = read(catalogue.titles, kinds)
    spoken = describe(q, counts, said, catalogue.hidden)
    general = [_is_general(q, one.top, row) for row, one in enumerate(spoken)]
    found = matches(item_ids, q, previous) if previous is not None else {}
    ids = stable_ids(found, q.shape[1], previous)
    language = language_of([catalogue.titles[row] for one in spoken for row in one.top])
    kept = _kept(found, previous, general, models)
    asked = [row for row in range(len(spoken)) if row not in kept and not general[row]]
    described = [_described(spoken[row], catalogue, kinds) for row in asked]
    taken = {name.text for name in kept.values()}
    given = names(described, taken, language, models, render, seconds=seconds, progress=progress)
    by_row = {**kept, **dict(zip(asked, given, strict=True))}
    used = {fold(name.text) for name in by_row.values()}
    result = []
    for row, one in enumerate(spoken):
        name = by_row[row] if row in by_row else Name(_numbered(GENERAL[language], used), Tier.NONE)
        used.add(fold(name.text))
        items = [item_ids[place] for place in one.top]
        result.append(NamedInterest(ids[row], row, name.text, one.words, items, general[row], name.tier, name.note))
    return result


def _is_general(q: Floats, top: Sequence[int], row: int) -> bool:
    """Whether even its first items belong to it by no more than an even share."""
    return not len(top) or float(np.mean(q[top[:FIRST], row])) <= 1.0 / q.shape[1]


def _kept(
    found: dict[int, int], previous: Previous | None, general: Sequence[bool], models: LanguageModels
) -> dict[int, Name]:
    """Names taken over from the training before."""
    if previous is None:
        return {}
    kept = {}
    for row, before in found.items():
        old = previous.interests[before]
        if general[row] or old.general or (old.tier is Tier.NONE and models.tier(Job.INTERESTS) is not Tier.NONE):
            continue
        kept[row] = Name(old.name, old.tier)
    return kept


def _described(spoken: Spoken, catalogue: Catalogue, kinds: Sequence[Sequence[str]]) -> Described:
    titles = [catalogue.titles[row] for row in spoken.top]
    return Described(spoken.words, spoken.kinds, titles, [kinds[row] for row in spoken.top])


def _numbered(name: str, used: set[str]) -> str:
    if fold(name) not in used:
        return name
    number = 2
    while fold(f"{name} {number}") in used:
        number += 1
    return f"{name} {number}"
