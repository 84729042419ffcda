"""The profile of one person, from the state of their events and what they said."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from zhiyin.ports import LanguageModels, NoLanguageModels, Render
from zhiyin.types import NO_TIME, Ints
from zhiyin.understand.profiles.edits import (
    REMOVE,
    REWRITE,
    WISH,
    Affinity,
    Kept,
    Meaning,
    by_items,
    found_again,
    laid_over,
    read_edit,
)
from zhiyin.understand.profiles.space import Interest, ProfileParams, Space
from zhiyin.understand.profiles.state import State
from zhiyin.understand.profiles.text import TEMPLATES, language_for, put_in_words
from zhiyin.understand.profiles.view import SAID, Edit, Profile, Statement, Weighed
from zhiyin.understand.profiles.weigh import confidence, vector, weighed, weights

Titles = Callable[[str], str | None]


def build(
    user_id: str,
    bundle: str,
    state: State,
    space: Space,
    interests: Sequence[Interest],
    titles: Titles,
    rows_of: Callable[[Sequence[str]], Ints],
    *,
    now: int,
    edits: Sequence[Kept] = (),
    affinity: Affinity | None = None,
    attributes: str = "{}",
    language: str | None = None,
    models: LanguageModels | None = None,
    render: Render | None = None,
    seconds: float | None = None,
    params: ProfileParams | None = None,
) -> Profile:
    """Everything a profile shows.

    ``titles`` gives an item's title or None; ``rows_of`` maps item ids to rows of the space (-1 where unknown);
    ``now`` is the moment of asking (microseconds; NO_TIME counts no time since the last event). ``affinity`` says how
    well each item answers a wish (``Matcher.affinity``); without it edits find interests by name and words.
    ``attributes`` is the person's JSON object, which may name their ``language``. A failing model changes nothing but
    ``note``.
    """
    params = params or ProfileParams()
    found = weighed(state, space, interests, titles, now, params)
    told = [read_edit(one) for one in edits]
    found = laid_over(found, interests, told, by_items(affinity, rows_of))
    seen = [event.title for one in found for event in one.evidence if event.title]
    language = language or language_for(attributes, seen)
    worded = put_in_words(found, language, models or NoLanguageModels(), render, seconds)
    statements = with_said(worded.statements, found, told)
    words = TEMPLATES[language]
    text = words["space"].join(one.text for one in statements)
    if not statements:
        text = words["general"] if state.events else words["nothing"]
    shares = weights(state, space, now, params)[0][0]
    return Profile(
        user_id,
        bundle,
        language,
        state.events,
        None if state.latest == NO_TIME else state.latest,
        confidence(state, np.asarray(shares), now, params),
        found,
        statements,
        text,
        worded.tier,
        worded.note,
        vector(state),
        [edit for edit, _ in told],
    )


def with_said(
    read: Sequence[Statement], interests: Sequence[Weighed], edits: Sequence[tuple[Edit, Meaning]]
) -> list[Statement]:
    """``read`` with what the person said: their statements in the place of those they rewrite, without those they
    remove, and behind them those they add. An edit is a statement too, named ``e`` and its number."""
    by_id = {one.id: one for one in interests}
    shown: dict[str, Statement] = {one.id: one for one in read}
    for edit, told in edits:
        if edit.undone:
            continue
        target = told.about
        if told.name is not None:
            again = found_again(told, interests)
            target = again.id if again is not None else None
        if told.kind == REMOVE:
            if target is not None:
                shown.pop(target, None)
            continue
        about = [one.id for one in interests if edit.id in one.by]
        said = Statement(f"e{edit.id}", edit.said, SAID, about, 1.0, [], edit.id)
        if told.kind == REWRITE and target is not None:
            own = by_id.get(target)
            key = target
            said = Statement(
                target, edit.said, SAID, [target] if own is not None else about, 1.0,
                own.evidence if own is not None else [], edit.id,
            )  # fmt: skip
        else:
            assert told.kind in (WISH, REWRITE)
            key = said.id
        shown[key] = said
    return list(shown.values())
