"""From evidence to one or two plain sentences: what is claimed, and the English and Chinese templates that say it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zhiyin.explain.evidence import Evidence, Kind
from zhiyin.explain.text import shortened
from zhiyin.scripts import Language
from zhiyin.types import Tier

SENTENCES = 2
"""Most sentences of one explanation."""
SECOND_EVENT = 0.5
"""A second event is named where it adds at least this part of what the first one adds."""
MAINLY = 0.5
"""Events that make up at least this share of the score are its main reason."""
TOP_RANK = 100
"""Lower ranks are not named: they are no praise."""


@dataclass(frozen=True)
class Sentence:
    """``evidence`` are the ids it stands on, at least one. ``tier`` says who wrote it; ``reason`` is why a language
    model's words were not taken, None where they were or none was asked."""

    text: str
    evidence: tuple[str, ...]
    tier: Tier = Tier.NONE
    reason: str | None = None


@dataclass(frozen=True)
class Claim:
    """One sentence before its words. ``subject`` are the facts of one kind that it is about (one or two events, else
    one), ``shared`` what their texts have in common with the item."""

    subject: tuple[Evidence, ...]
    shared: tuple[Evidence, ...] = ()

    @property
    def kind(self) -> Kind:
        return self.subject[0].kind

    @property
    def ids(self) -> tuple[str, ...]:
        return tuple(one.id for one in self.subject + self.shared)


def plan(evidence: Sequence[Evidence]) -> list[Claim]:
    """At most ``SENTENCES`` claims, the weightiest first: what the person asked for, what of theirs led here, then
    what other people did. Empty where there is no evidence."""
    by_kind = {kind: [one for one in evidence if one.kind is kind] for kind in Kind}
    events = sorted(by_kind[Kind.EVENT], key=lambda one: -(one.share or 0))
    trends = [Claim((one,)) for one in by_kind[Kind.TREND]]
    loud = bool(trends and events and (trends[0].subject[0].share or 0) > (events[0].share or 0))
    named = [one for one in trends if (one.subject[0].rank or 0) <= TOP_RANK or not events]
    claims = [Claim((one,)) for one in by_kind[Kind.WISH][:1]]
    if events:
        claims.append(_from_events(events, by_kind[Kind.ATTRIBUTE]))
        others = [one for one in by_kind[Kind.TOGETHER] if one.item_id == events[0].item_id]
        more = [Claim((one,)) for one in others]
        claims += trends + more if loud else more
    claims += [Claim((one,)) for one in by_kind[Kind.INTEREST][:1]]
    claims += named
    return claims[:SENTENCES]


def _from_events(events: Sequence[Evidence], attributes: Sequence[Evidence]) -> Claim:
    first = events[0]
    both = tuple(one for one in attributes if one.item_id == first.item_id)
    if both:
        # One sentence speaks of categories or of titles, not of both.
        return Claim((first,), tuple(one for one in both if one.where == both[0].where))
    if len(events) > 1 and (events[1].share or 0) >= SECOND_EVENT * (first.share or 0):
        return Claim(tuple(events[:2]))
    return Claim((first,))


def sentences(evidence: Sequence[Evidence], language: Language) -> list[Sentence]:
    """The plain explanation: templates alone."""
    return [Sentence(phrasings(claim, language)[0], claim.ids) for claim in plan(evidence)]


def phrasings(claim: Claim, language: Language) -> list[str]:
    """Every way in which ``claim`` can be said, the default first; all say the same."""
    return _CHINESE[claim.kind](claim) if language == "zh" else _ENGLISH[claim.kind](claim)


ACTIONS: dict[str, tuple[str, str]] = {
    "view": ("looked at", "看过"),
    "click": ("opened", "点开过"),
    "read": ("read", "读过"),
    "play": ("played", "播放过"),
    "listen": ("listened to", "听过"),
    "rating": ("rated", "评价过"),
    "cart": ("put in the cart", "加购过"),
    "add_to_cart": ("put in the cart", "加购过"),
    "like": ("liked", "喜欢过"),
    "star": ("starred", "收藏过"),
    "favorite": ("saved", "收藏过"),
    "follow": ("followed", "关注过"),
    "purchase": ("bought", "买过"),
    "buy": ("bought", "买过"),
    "share": ("shared", "分享过"),
}
"""How an event of each type is told; other types as ``ANY_ACTION``."""
ANY_ACTION = ("chose", "选过")


def verb(evidence: Evidence, language: Language) -> str:
    return ACTIONS.get(evidence.action, ANY_ACTION)[language == "zh"]


def mainly(events: Sequence[Evidence]) -> bool:
    return sum(one.share or 0 for one in events) >= MAINLY


def percent(share: float) -> int:
    return round(100 * share)


# English


def _quoted(text: str) -> str:
    return f'"{shortened(text)}"'


def _event_en(claim: Claim) -> list[str]:
    first, *rest = claim.subject
    first_verb, title = verb(first, "en"), _quoted(first.title)
    how = "mainly because" if mainly(claim.subject) else "because"
    if rest:
        second = _quoted(rest[0].title)
        what = f"{title} and {second}"
        if verb(rest[0], "en") != first_verb:
            what = f"{title} and {verb(rest[0], 'en')} {second}"
        return [
            f"Suggested {how} you {first_verb} {what}.",
            f"It is here {how} you {first_verb} {what}.",
        ]
    names = " and ".join(_quoted(one.names[0]) for one in claim.shared)
    tail, start = "", f"You {first_verb} {title}, and this is related to it"
    if names:
        said = "are listed under" if claim.shared[0].where == "category" else "have a title that mentions"
        tail = f": both {said} {names}"
    return [
        f"Suggested {how} you {first_verb} {title}{tail}.",
        f"It is here {how} you {first_verb} {title}{tail}.",
        f"{start}{tail}.",
    ]


def _together_en(claim: Claim) -> list[str]:
    (one,) = claim.subject
    title = _quoted(one.title)
    return [
        f"Of the {one.total:,} other people who chose {title}, {one.count:,} chose this as well.",
        f"{one.count:,} of the {one.total:,} other people who chose {title} also chose this.",
    ]


def _trend_en(claim: Claim) -> list[str]:
    (one,) = claim.subject
    when = "so far"
    if one.days is not None:
        when = "in the last day on record" if one.days == 1 else f"in the last {one.days:,} days on record"
    rank = f", which puts it at number {one.rank}" if 0 < (one.rank or 0) <= TOP_RANK else ""
    return [f"{one.count:,} people chose it {when}{rank}."]


def _wish_en(claim: Claim) -> list[str]:
    (one,) = claim.subject
    start = "Your profile says that you want" if one.said == "profile" else "You asked for"
    match = {
        "category": f"it is listed under {_quoted(one.names[-1])}",
        "title": "its title says so",
        "text": "its description says so",
        "near": "it comes close to that",
    }[one.where]
    return [f"{start} {_quoted(one.names[0])}, and {match}."]


def _interest_en(claim: Claim) -> list[str]:
    (one,) = claim.subject
    part = f", which makes up {percent(one.share or 0)}% of your profile" if percent(one.share or 0) else ""
    return [f"It fits your interest in {_quoted(one.names[0])}{part}."]


# Chinese


def _book(text: str) -> str:
    return f"《{shortened(text)}》"


def _marked(text: str) -> str:
    return f"“{shortened(text)}”"


def _event_zh(claim: Claim) -> list[str]:
    first, *rest = claim.subject
    first_verb, title = verb(first, "zh"), _book(first.title)
    how = "主要是因为" if mainly(claim.subject) else "是因为"
    if rest:
        second = _book(rest[0].title)
        same = verb(rest[0], "zh") == first_verb
        what = f"{title}和{second}" if same else f"{title}，也{verb(rest[0], 'zh')}{second}"
        return [f"推荐它{how}您{first_verb}{what}。", f"它出现在这里，{how}您{first_verb}{what}。"]
    names = "和".join(_marked(one.names[0]) for one in claim.shared)
    tail = ""
    if names:
        tail = f"，两者都属于{names}" if claim.shared[0].where == "category" else f"，两者的标题里都有{names}"
    return [
        f"推荐它{how}您{first_verb}{title}{tail}。",
        f"它出现在这里，{how}您{first_verb}{title}{tail}。",
        f"您{first_verb}{title}，它与之相关{tail}。",
    ]


def _together_zh(claim: Claim) -> list[str]:
    (one,) = claim.subject
    title = _book(one.title)
    return [
        f"另外{one.total}位选过{title}的人中，有{one.count}位也选了它。",
        f"在选过{title}的另外{one.total}人中，有{one.count}人也选了它。",
    ]


def _trend_zh(claim: Claim) -> list[str]:
    (one,) = claim.subject
    when = "到目前为止" if one.days is None else f"在有记录的最近{one.days}天里"
    rank = f"，排在第{one.rank}位" if 0 < (one.rank or 0) <= TOP_RANK else ""
    return [f"{when}，有{one.count}人选了它{rank}。"]


def _wish_zh(claim: Claim) -> list[str]:
    (one,) = claim.subject
    start = "您的画像里写着想要" if one.said == "profile" else "您想要"
    match = {
        "category": f"它属于{_marked(one.names[-1])}",
        "title": "它的标题里就有",
        "text": "它的介绍里就有",
        "near": "它与此相近",
    }[one.where]
    return [f"{start}{_marked(one.names[0])}，{match}。"]


def _interest_zh(claim: Claim) -> list[str]:
    (one,) = claim.subject
    part = f"，这占您画像的{percent(one.share or 0)}%" if percent(one.share or 0) else ""
    return [f"它符合您对{_marked(one.names[0])}的兴趣{part}。"]


_ENGLISH = {
    Kind.EVENT: _event_en,
    Kind.TOGETHER: _together_en,
    Kind.TREND: _trend_en,
    Kind.WISH: _wish_en,
    Kind.INTEREST: _interest_en,
}
_CHINESE = {
    Kind.EVENT: _event_zh,
    Kind.TOGETHER: _together_zh,
    Kind.TREND: _trend_zh,
    Kind.WISH: _wish_zh,
    Kind.INTEREST: _interest_zh,
}
