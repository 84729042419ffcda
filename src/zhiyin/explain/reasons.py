"""Why an item is recommended: which of the person's own items pulled it, and what their texts share."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhiyin.scripts import Language
from zhiyin.types import Catalogue, Floats, Histories

LEAST = 0.03
"""Share below which a further reason is not worth a line."""
SHARED = 4
"""Shared words or categories named in one reason."""

ACTIONS = {"like": "点赞", "comment": "评论", "share": "分享", "follow": "关注", "save": "收藏"}
"""Actions in Chinese; others as they are called."""

_WORD = re.compile(r"[^\W\d_]{3,}|\d{3,}")
_HAN = re.compile(r"[㐀-䶿一-鿿]{2,}")
_STOP = frozenset(
    "the and for with from you your her his its this that are was one two all new not but can who has have into out "
    "set pack size oz ounce ounces count free each per plus".split()
)


@dataclass(frozen=True)
class Reason:
    """``kind`` is "history" (``item_id`` of the person's own pulled this item, with ``share`` of the positive score in
    (0, 1] and what the two texts have in common in ``shared``), "similar" (like ``item_id``, no share), "popular" (many
    people chose it of late; no ``item_id``; ``share`` is None where popularity fills a list), "wish" or "kept"
    (the person asks for it, or their profile does, in the words of ``title``), "friends" (``title`` people that the
    person is linked with took it), "circle" (people of the circle ``title`` did), "author" (the person follows
    ``title``, who made it), "reply" (``item_id`` is the best reply to it), "thread" (it replies to ``item_id``),
    "action" (the person may well do ``title`` with it, with the chance ``share``), "bought" (of those who bought
    ``item_id``, ``share`` bought this, too; None where these are too few to tell), or "together" (the same of those who
    took it in any way)."""

    kind: str
    item_id: str | None
    title: str | None
    share: float | None
    shared: list[str]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def words(self, language: Language = "en") -> str:
        """One readable clause."""
        name, share = self.title or self.item_id, "" if self.share is None else _percent(self.share)
        shared = ", ".join(self.shared) if language == "en" else "、".join(self.shared)
        if language == "zh":
            common = f"（都有：{shared}）" if shared else ""
            return {
                "popular": f"近期热门，占 {share}" if share else "近期热门",
                "wish": f"您想要 {name}",
                "kept": f"您的画像里想要 {name}",
                "similar": f"与 {name} 相似{common}",
                "bought": f"买了 {name} 的人中有 {share} 也买了它" if share else f"有人与 {name} 一起买",
                "together": f"选了 {name} 的人中有 {share} 也选了它" if share else f"有人与 {name} 一起选",
                "friends": f"您关注的人或好友中有 {name} 人选了它",
                "circle": f"您所在的圈子“{name}”里的人选了它",
                "author": f"来自您关注的 {name}",
                "reply": f"最佳回复：{name}",
                "thread": f"回复 {name}",
                "action": f"您有 {share} 的可能会{ACTIONS.get(str(name), name)}",
            }.get(self.kind, f"{share} 来自 {name}{common}")
        common = f" (both: {shared})" if shared else ""
        return {
            "popular": f"{share} as it is popular of late" if share else "popular of late",
            "wish": f"you asked for {name}",
            "kept": f"your profile asks for {name}",
            "similar": f"like {name}{common}",
            "bought": f"of those who bought {name}, {share} bought it, too" if share else f"bought along with {name}",
            "together": f"of those who chose {name}, {share} chose it, too" if share else f"chosen along with {name}",
            "friends": f"{name} of the people you are linked with took it",
            "circle": f"people in your circle {name} took it",
            "author": f"from {name}, whom you follow",
            "reply": f"best reply: {name}",
            "thread": f"a reply to {name}",
            "action": f"with a chance of {share} you will {name} it",
        }.get(self.kind, f"{share} from {name}{common}")


def _percent(share: float) -> str:
    return "<1%" if 0 < share < 0.005 else f"{share:.0%}"


def wished(words: str, kept: bool = False) -> Reason:
    """The reason that the person asked for it, in ``words``: now, or (``kept``) in their profile."""
    return Reason("kept" if kept else "wish", None, words, None, [])


def reasons_for(
    contributions: Floats, common: float, history: Histories, item: int, ids: list[str], catalogue: Catalogue, most: int
) -> list[Reason]:
    """Up to ``most`` reasons for ``item``, strongest first: events of one person's history, and recent popularity.

    ``contributions`` (float32 [events]) is what the model says each event adds to the score, ``common`` what everybody
    gets; ``share`` is out of the sum of the positive parts. Parts that add nothing give no reason. Where nothing adds
    anything, the item stands there because it is popular.
    """
    told = reasons_of(contributions[None], np.array([common]), history, [item], ids, catalogue, most)
    return next(told)


def reasons_of(
    contributions: Floats,
    common: NDArray[np.floating[Any]],
    history: Histories,
    items: Sequence[int],
    ids: list[str],
    catalogue: Catalogue,
    most: int,
) -> Iterator[list[Reason]]:
    """``reasons_for`` each of ``items``: ``contributions`` [items, events], ``common`` [items]."""
    positive = np.maximum(contributions, 0)
    totals = (positive.sum(axis=1) + np.maximum(common, 0)).tolist()
    order = np.argsort(-positive, axis=1, kind="stable")[:, : max(0, most)]
    strongest = np.take_along_axis(positive, order, axis=1).tolist()
    sources = history.items[order].tolist()
    for place, item in enumerate(items):
        gain, total = float(common[place]), totals[place]
        if most < 1:
            yield []
            continue
        if not strongest[place] or strongest[place][0] <= 0:
            yield [Reason("popular", None, None, 1.0 if gain > 0 else None, [])]
            continue
        reasons = [Reason("popular", None, None, round(gain / total, 4), [])] if gain > 0 else []
        for source, pull in zip(sources[place], strongest[place], strict=True):
            # Next to stronger ones, what adds next to nothing explains nothing.
            if pull <= 0 or (reasons and pull < LEAST * total):
                break
            shared = shared_features(catalogue, source, item)
            title = catalogue.titles[source] or None
            reasons.append(Reason("history", ids[source], title, round(pull / total, 4), shared))
        yield sorted(reasons, key=lambda reason: -(reason.share or 0))[:most]


def shared_features(catalogue: Catalogue, first: int, second: int) -> list[str]:
    """Up to ``SHARED`` things both items say: their finest common categories, then common words of the titles.

    A category that both have is listed as written. Words are Latin words or numbers of three characters or more, or
    pairs of Chinese characters and longer runs, compared without regard to case and width.
    """
    theirs = catalogue.categories[second]
    found = [kind for kind in reversed(catalogue.categories[first]) if kind in theirs][:2]
    own, others = _terms(catalogue.titles[first]), _term_set(catalogue.titles[second])
    common = [word for word in own if word in others]
    if common and found:
        said = {word for kind in found for word in _terms(kind)}
        common = [word for word in common if word not in said]
    return (found + common)[:SHARED]


@lru_cache(20_000)
def _term_set(text: str) -> frozenset[str]:
    return frozenset(_terms(text))


@lru_cache(20_000)
def _terms(text: str) -> tuple[str, ...]:
    """Each once."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    words = [word for word in _WORD.findall(_HAN.sub(" ", folded)) if word not in _STOP]
    pairs = [run[place : place + 2] for run in _HAN.findall(folded) for place in range(len(run) - 1)]
    return tuple(dict.fromkeys(words + pairs))
