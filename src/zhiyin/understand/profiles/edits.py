"""What people say of their profile: kept as words, laid over what was read, and winning over it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Protocol

import numpy as np

from zhiyin.errors import UsageError
from zhiyin.types import Floats, Ints, Wish
from zhiyin.understand.profiles.space import Interest
from zhiyin.understand.profiles.view import Edit, Weighed

WISH, REWRITE, REMOVE = "wish", "rewrite", "remove"
LONGEST = 2000
"""Characters of one edit."""
LESS = -0.6
"""Weight of the wish against an interest whose statement is taken out: that of "less"."""
MATCHES = 0.5
"""An interest is meant by a wish where its items answer it this well on average."""
RAISED = 0.25
"""What a wish of weight 1 adds to the interest it names, before weights are made to sum to 1 again."""

_WORD = re.compile(r"[㐀-䶿一-鿿]|[^\W_]+")

Affinity = Callable[[Wish], Floats]
"""How well each item answers a wish, float32 [n] in [0, 1]: ``Matcher.affinity`` of the wishes."""
Meant = Callable[[Wish, Interest], float]
"""How well an interest answers a wish, in [0, 1]."""


class Kept(Protocol):
    """One stored edit."""

    @property
    def edit_id(self) -> int: ...

    @property
    def time(self) -> int: ...

    @property
    def said(self) -> str: ...

    @property
    def meant(self) -> dict[str, Any]: ...

    @property
    def undone(self) -> bool: ...


@dataclass(frozen=True)
class Meaning:
    """What is kept beside the words. ``about`` is the id of the statement that is rewritten or removed, ``name`` and
    ``words`` are those of its interest at that time, by which it is found again when ids have changed."""

    kind: str
    wishes: list[Wish]
    about: str | None = None
    name: str | None = None
    words: list[str] | None = None

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


def meaning(
    said: str,
    wishes: Sequence[Wish],
    *,
    about: Weighed | None = None,
    statement: str | None = None,
    remove: bool = False,
) -> Meaning:
    """The meaning of an edit. ``about`` is the interest whose statement is rewritten, or removed where ``remove``;
    ``statement`` the id of the statement itself, where it is not that of an interest. Raises UsageError for an edit
    that says nothing, or too much."""
    if len(said) > LONGEST:
        raise UsageError(f"an edit of {len(said):,} characters", fix=f"say it in at most {LONGEST:,}")
    if remove:
        if about is None:
            return Meaning(REMOVE, [], statement)
        # Who takes an interest out wants less of it.
        return Meaning(REMOVE, [Wish(about.name, LESS)], about.id, about.name, about.words)
    if not said.strip():
        raise UsageError("an edit without a word", fix='say it, for example --edit "less horror"')
    if about is not None or statement is not None:
        # A sentence about one interest leans; it is no rule for the whole list.
        soft = [replace(wish, hard=False) if wish.weight > 0 else wish for wish in wishes]
        if about is None:
            return Meaning(REWRITE, list(wishes), statement)
        return Meaning(REWRITE, soft, about.id, about.name, about.words)
    return Meaning(WISH, list(wishes))


def read_edit(kept: Kept) -> tuple[Edit, Meaning]:
    """A stored edit. What later versions may have added is left out."""
    told = kept.meant
    wishes = [
        Wish(str(one["text"]), float(one["weight"]), bool(one.get("hard", False)), str(one.get("field", "any")))
        for one in told.get("wishes", [])
    ]
    kind = told.get("kind", WISH)
    found = Meaning(kind, wishes, told.get("about"), told.get("name"), told.get("words"))
    shown = [asdict(wish) for wish in wishes]
    return Edit(kept.edit_id, kept.time, kept.said, kind, found.about, shown, kept.undone), found


def wishes_of(kept: Sequence[Kept]) -> list[Wish]:
    """Everything that stands, oldest first: what the ranking has to obey."""
    standing = [read_edit(one) for one in kept if not one.undone]
    gone = replaced([told for _, told in standing])
    wishes: list[Wish] = []
    for edit, told in standing:
        if edit.id in gone:
            continue
        # Later edits win: what was said of the same thing before no longer counts.
        again = {(wish.field, wish.text.casefold()) for wish in told.wishes}
        wishes = [wish for wish in wishes if (wish.field, wish.text.casefold()) not in again]
        wishes += told.wishes
    return wishes


def replaced(told: Sequence[Meaning]) -> set[int]:
    """Numbers of the edits whose own statement ("e" and the number) a later edit removed or rewrote."""
    about = [one.about for one in told if one.kind in (REMOVE, REWRITE) and one.about and one.name is None]
    return {int(key[1:]) for key in about if re.fullmatch(r"e\d+", key)}


def by_items(
    affinity: Affinity | None, rows_of: Callable[[Sequence[str]], Ints], cache: dict[Any, Floats] | None = None
) -> Meant:
    """How well an interest answers a wish: the mean over the items that stand for it, or 1 where its name or a word of
    it is what the wish says. Without ``affinity`` names and words alone decide."""
    known: dict[Any, Floats] = {} if cache is None else cache

    def meant(wish: Wish, interest: Interest) -> float:
        if _same_words(wish.text, [interest.name, *interest.words[:2]]):
            return 1.0
        if affinity is None:
            return 0.0
        key = (wish.text, wish.field)
        if key not in known:
            known[key] = affinity(wish)
        rows = rows_of(interest.items)
        rows = rows[(rows >= 0) & (rows < len(known[key]))]
        return float(np.clip(known[key][rows].mean(), 0, 1)) if len(rows) else 0.0

    return meant


def laid_over(
    read: Sequence[Weighed], interests: Sequence[Interest], edits: Sequence[tuple[Edit, Meaning]], meant: Meant
) -> list[Weighed]:
    """``read`` with the edits that stand laid over it, in the order they were said; later ones win.

    A hard wish against something mutes the interests it means (weight 0), a soft one scales them by 1 + weight; a wish
    for something adds ``RAISED`` * weight to them. Then weights are made to sum to 1 again.
    """
    by_id = {one.id: one for one in interests}
    gone = replaced([told for edit, told in edits if not edit.undone])
    changed = {one.id: one for one in read}
    for edit, told in edits:
        if edit.undone or edit.id in gone:
            continue
        for wish in told.wishes:
            for key, one in changed.items():
                if one.general or key not in by_id or meant(wish, by_id[key]) < MATCHES:
                    continue
                changed[key] = _wished(one, wish, edit.id)
    rows = list(changed.values())
    totals = [sum(one.long_term for one in rows), sum(one.now for one in rows)]
    scaled = [
        replace(
            one,
            long_term=round(one.long_term / totals[0], 4) if totals[0] else 0.0,
            now=round(one.now / totals[1], 4) if totals[1] else 0.0,
        )
        for one in rows
    ]
    return sorted(scaled, key=lambda one: (one.general, -max(one.long_term, one.now), one.id))


def found_again(about: Meaning, read: Sequence[Weighed]) -> Weighed | None:
    """The interest that an edit speaks of: by id where it still bears the name or shares a word, else by name."""
    same = next((one for one in read if one.id == about.about), None)
    names = [about.name or "", *(about.words or [])]
    if same is not None and (about.name is None or _same_words(same.name, names) or set(same.words) & set(names)):
        return same
    if about.name is None:
        return None
    return next((one for one in read if _same_words(one.name, [about.name])), None)


def _wished(one: Weighed, wish: Wish, edit: int) -> Weighed:
    by = [*one.by, edit] if edit not in one.by else one.by
    if wish.weight < 0 and wish.hard:
        return replace(one, long_term=0.0, now=0.0, trend="steady", edited="muted", by=by)
    if wish.weight < 0:
        factor = max(0.0, 1 + wish.weight)
        return replace(one, long_term=one.long_term * factor, now=one.now * factor, edited="less", by=by)
    more = RAISED * wish.weight
    return replace(one, long_term=one.long_term + more, now=one.now + more, edited="more", by=by)


def _same_words(text: str, names: Sequence[str]) -> bool:
    wanted = _words(text)
    return bool(wanted) and any(wanted == _words(name) for name in names)


def _words(text: str) -> tuple[str, ...]:
    """Folded words without a plural s, Chinese by character."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return tuple(
        word[:-1] if len(word) > 3 and word.endswith("s") and not word.endswith("ss") else word
        for word in _WORD.findall(folded)
    )
