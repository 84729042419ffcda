"""Why an item is not in a list: the rule that bars it, or the parts of its score that are low; and what would help."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from zhiyin.explain.text import shortened
from zhiyin.scripts import Language


class Rule(StrEnum):
    """``muted``: a hard wish against it. ``not_asked``: a hard wish for something else. ``unplaced``: it came after
    training and its text cannot be placed. ``named``: the request names it as known. ``unmet``: a condition of the
    request does not hold for it."""

    UNKNOWN = "unknown"
    HIDDEN = "hidden"
    TAKEN = "taken"
    EXCLUDED = "excluded"
    MUTED = "muted"
    NOT_ASKED = "not_asked"
    UNPLACED = "unplaced"
    NAMED = "named"
    UNMET = "unmet"


@dataclass(frozen=True)
class Part:
    """One summand of the item's score beside the same of the last item shown: ``own`` events, ``popularity``,
    ``wish``, or whatever else the ranking adds."""

    name: str
    value: float
    last: float

    @property
    def short(self) -> float:
        """How much the item lacks here; below 0 where it has more."""
        return self.last - self.value


@dataclass(frozen=True)
class Change:
    """Had the person also chosen ``item_id`` just now, the item would stand at ``rank``: computed, not guessed."""

    item_id: str
    title: str
    rank: int


@dataclass(frozen=True)
class Standing:
    """Place of an item that nothing bars: ``rank`` (from 1) of ``of`` items that may be shown, where ``k`` are.

    ``parts`` need not sum to the score where the list was filled with popular items (``filled``: the model says nothing
    for the item, so popularity alone places it).
    """

    rank: int
    of: int
    k: int
    score: float
    last: float
    parts: tuple[Part, ...]
    changes: tuple[Change, ...] = ()
    filled: bool = False
    moved: tuple[tuple[str, str], ...] = ()
    """What re-ranking did with the item, a line for each stage that moved it, in English and Chinese."""

    @property
    def lowest(self) -> Part | None:
        """The part in which the item lacks most; None where it lacks nothing."""
        short = max(self.parts, key=lambda part: part.short, default=None)
        return short if short is not None and short.short > 0 else None


@dataclass(frozen=True)
class WhyNot:
    """``rule`` bars the item, or it is merely low (``standing``). ``sentences`` say which and why, ``changes`` what
    would bring it in."""

    rule: Rule | None
    standing: Standing | None
    sentences: list[str]
    changes: list[str]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True)
class Barred:
    """A rule with what it speaks of: ``words`` of the wish, out of the ``request`` or the ``profile``; ``key`` the
    item's id; ``event`` the evidence id of the own event (taken)."""

    rule: Rule
    key: str
    words: str = ""
    source: str = "request"
    event: str = ""


def barred(why: Barred, language: Language) -> WhyNot:
    said, change = (_rule_zh if language == "zh" else _rule_en)(why)
    return WhyNot(why.rule, None, [said], [change])


def low(standing: Standing, language: Language) -> WhyNot:
    if language == "zh":
        return WhyNot(None, standing, _low_zh(standing), [_change_zh(one, standing.k) for one in standing.changes])
    return WhyNot(None, standing, _low_en(standing), [_change_en(one, standing.k) for one in standing.changes])


def _rule_en(why: Barred) -> tuple[str, str]:
    words = f'"{shortened(why.words)}"'
    profile = why.source == "profile"
    return {
        Rule.UNKNOWN: (f"There is no item '{why.key}'.", "Check the id, or import the item first."),
        Rule.HIDDEN: ("It is hidden in the catalogue.", "Import it again with hidden set to false."),
        Rule.TAKEN: (f"You have chosen it already ({why.event}).", "Ask for a list that keeps what you have chosen."),
        Rule.EXCLUDED: ("The request leaves it out by name.", "Ask again without excluding it."),
        Rule.MUTED: (
            f"Your profile says that nothing with {words} may come."
            if profile
            else f"You asked for nothing with {words}.",
            "Undo that edit of the profile." if profile else "Ask again without that exclusion.",
        ),
        Rule.NOT_ASKED: (
            f"Your profile asks for nothing but {words}." if profile else f"You asked for nothing but {words}.",
            "Undo that edit of the profile." if profile else "Ask again without that condition.",
        ),
        Rule.NAMED: ("The request names it as something you know.", "Ask again without naming it."),
        Rule.UNMET: (f"The request's condition {words} does not hold for it.", "Ask again without that condition."),
        Rule.UNPLACED: (
            "It came after the last training, and its text does not say where it belongs.",
            "Give it a title or description, or run 'zhiyin train'.",
        ),
    }[why.rule]


def _rule_zh(why: Barred) -> tuple[str, str]:
    words = f"“{shortened(why.words)}”"
    profile = why.source == "profile"
    return {
        Rule.UNKNOWN: (f"没有编号为“{why.key}”的物品。", "请检查编号，或先导入它。"),
        Rule.HIDDEN: ("它在目录中被隐藏了。", "重新导入它，并取消隐藏。"),
        Rule.TAKEN: (f"您已经选过它（{why.event}）。", "请求列表时保留已选过的物品。"),
        Rule.EXCLUDED: ("这次请求点名排除了它。", "去掉这一排除后再请求。"),
        Rule.MUTED: (
            f"您的画像里写着不要{words}。" if profile else f"您说过不要{words}。",
            "撤销画像里的这条修改。" if profile else "去掉这一条件后再请求。",
        ),
        Rule.NOT_ASKED: (
            f"您的画像里写着只要{words}。" if profile else f"您说过只要{words}。",
            "撤销画像里的这条修改。" if profile else "去掉这一条件后再请求。",
        ),
        Rule.NAMED: ("这次请求提到了它，视为您已经知道的。", "请求时不提它。"),
        Rule.UNMET: (f"它不符合这次请求的条件{words}。", "去掉这一条件后再请求。"),
        Rule.UNPLACED: (
            "它在上次训练之后才加入，而它的文字不足以判断它属于哪里。",
            "补上标题或介绍，或运行 zhiyin train。",
        ),
    }[why.rule]


_NAMES = {
    "own": ("what follows from your own events", "由您自己的记录得出的部分"),
    "popularity": ("recent popularity", "近期热度"),
    "wish": ("what you or your profile ask for", "与您或画像里所要求的相符程度"),
    "model": ("the language model's judgement", "语言模型的判断"),
}


def part_name(name: str, language: Language) -> str:
    return _NAMES[name][language == "zh"] if name in _NAMES else name


def _low_en(standing: Standing) -> list[str]:
    said = [
        f"It stands at rank {standing.rank:,} of {standing.of:,}; "
        + ("one item is shown." if standing.k == 1 else f"the first {standing.k:,} are shown.")
    ]
    if standing.filled:
        said.append("Nothing in your own events leads to it, so it stands where popularity puts it.")
        return said + [f"Re-ranking moved it: {line}." for line, _ in standing.moved]
    said.append(f"Its score is {standing.score:.3f}; the last item shown has {standing.last:.3f}.")
    said += [f"Re-ranking moved it: {line}." for line, _ in standing.moved]
    if part := standing.lowest:
        name = part_name(part.name, "en")
        said.append(f"It lacks most in {name}: {part.value:.3f} against {part.last:.3f}.")
    return said


def _low_zh(standing: Standing) -> list[str]:
    said = [f"它在{standing.of}件中排第{standing.rank}位，列表只显示前{standing.k}件。"]
    if standing.filled:
        said.append("您自己的记录里没有指向它的内容，所以它只按热度排位。")
        return said + [f"重排移动了它：{line}。" for _, line in standing.moved]
    said.append(f"它的得分是{standing.score:.3f}，列表最后一件是{standing.last:.3f}。")
    said += [f"重排移动了它：{line}。" for _, line in standing.moved]
    if part := standing.lowest:
        name = part_name(part.name, "zh")
        said.append(f"差得最多的是{name}：{part.value:.3f}，而对方是{part.last:.3f}。")
    return said


def _change_en(change: Change, k: int) -> str:
    enough = "into the list" if change.rank <= k else "up"
    return f'Choosing "{shortened(change.title)}" would bring it {enough}, to rank {change.rank:,}.'


def _change_zh(change: Change, k: int) -> str:
    enough = "进入列表" if change.rank <= k else "上升"
    return f"如果您选了《{shortened(change.title)}》，它会{enough}，排到第{change.rank}位。"


def best_changes(changes: Sequence[Change], rank: int, most: int = 2) -> tuple[Change, ...]:
    """The ``most`` changes that lift the item highest above ``rank``; those that do not halve its rank
    are not worth a line."""
    return tuple(sorted((one for one in changes if 2 * one.rank <= rank), key=lambda one: one.rank)[:most])
