"""For whom an item is: names out of a fixed list, found by cue words in English and Chinese."""

from __future__ import annotations

import re
from dataclasses import dataclass

from zhiyin.understand.items.source import folded


@dataclass(frozen=True)
class Group:
    """``words`` and ``said`` are regular expressions over folded text, in English (whole words) and Chinese."""

    name: str
    chinese: str
    words: str
    said: str

    @property
    def pattern(self) -> re.Pattern[str]:
        return re.compile(rf"\b(?:{self.words})\b|{self.said}")


GROUPS = (
    Group(
        "women",
        "女性",
        r"wom[ae]n(?:'?s)?|lad(?:y|ies)|girlfriend|feminine|for her",
        r"女士|女性|女款|女生|女装|女式|女人|妈妈",
    ),
    Group(
        "men",
        "男性",
        r"m[ae]n(?:'?s)|men|gentlem[ae]n|masculine|for him|beard|shaving",
        r"男士|男性|男款|男生|男装|男式|男人|胡须",
    ),
    Group(
        "children",
        "儿童",
        r"kids?(?:')?|child(?:ren)?(?:'?s)?|toddlers?|ages? \d+ ?(?:-|to|and) ?(?:\d+|up)|boys?|girls?",
        r"儿童|孩子|小孩|少儿|幼儿|童装|童书",
    ),
    Group(
        "babies",
        "婴儿",
        r"bab(?:y|ies)(?:'?s)?|infants?|newborns?",
        r"婴儿|宝宝|新生儿|婴幼儿",
    ),
    Group(
        "teenagers",
        "青少年",
        r"teen(?:s|age|agers?)?|young adults?|tweens?",
        r"青少年|少年|中学生",
    ),
    Group(
        "seniors",
        "老年人",
        r"seniors?|elderly|mature skin|over 50",
        r"老年人?|中老年|长辈|老人",
    ),
    Group(
        "parents",
        "父母",
        r"parents?|parenting|moms?|mothers?|dads?|fathers?|pregnan(?:t|cy)|maternity",
        r"父母|家长|孕妇|孕期|育儿|亲子",
    ),
    Group(
        "students",
        "学生",
        r"students?|college|textbooks?|classroom|exam",
        r"学生|考试|教材|课堂|高考|考研",
    ),
    Group(
        "beginners",
        "初学者",
        r"beginners?|starter|introduct(?:ion|ory) to|for dummies|first-time",
        r"初学者|入门|新手|零基础",
    ),
    Group(
        "professionals",
        "专业人士",
        r"professionals?|salon|industrial|pro-grade|experts?|stylists?",
        r"专业人士|专业级|工程师|从业者|沙龙",
    ),
    Group(
        "pet owners",
        "养宠物的人",
        r"dogs?|cats?|pets?|pupp(?:y|ies)|kittens?",
        r"宠物|猫粮|狗粮|猫咪|狗狗|养猫|养狗",
    ),
    Group(
        "families",
        "家庭",
        r"famil(?:y|ies)|all ages|family-friendly",
        r"家庭|全家|合家欢|老少皆宜",
    ),
)
"""The fixed list."""
NAMES = tuple(group.name for group in GROUPS)
_PATTERNS = [(group.name, group.pattern) for group in GROUPS]
_BY_WORD = {folded(word): group.name for group in GROUPS for word in (group.name, group.chinese)}


def audiences(text: str) -> list[str]:
    """Names of ``GROUPS`` whose cue words occur in ``text``, in the order of the list."""
    words = folded(text).replace("’", "'")
    return [name for name, pattern in _PATTERNS if pattern.search(words)]


def known_audience(word: str) -> str | None:
    """The name in the list that ``word`` (English or Chinese) stands for; None for anything else."""
    return _BY_WORD.get(folded(word))
