"""What may be said: the facts of a source, taken apart so that sentences can be held against them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from zhiyin.scenarios.grounding.folding import HAN, plain
from zhiyin.scenarios.grounding.lexicon import same_in_chinese, same_in_english
from zhiyin.scenarios.grounding.quantities import COUNT, UNITS, Quantity, codes, quantities
from zhiyin.scenarios.grounding.reading import chinese_denials, denied, words_of
from zhiyin.understand.items.attributes import attribute_name
from zhiyin.understand.items.source import ItemSource

LONGEST_PIECE = 8
"""Characters of the longest piece of Chinese text that is looked up as one."""
FREE = frozenset({"title", "description", "text", "summary", "body", "name", "subtitle"})
"""Keys of texts in which anything may stand, not one attribute alone."""
_KINDS = frozenset("category categories genre genres tag tags 类别 分类 类目 品类 类型 标签".split())
_NO = frozenset({"no", "none", "false", "n/a", "0", "否", "无", "没有", "不", "不是", "不含"})
_YES = frozenset({"yes", "true", "是", "有"})
_RUN = re.compile(f"[{HAN}]+")


@dataclass(frozen=True)
class Fact:
    """One attribute: ``text`` as the source has it. ``key`` "title", "category", "brand", ..."""

    key: str
    text: str

    @cached_property
    def role(self) -> str:
        """The usual name of the attribute, or its own; "" for a free text, in which any may stand."""
        if self.key in FREE:
            return ""
        return "category" if plain(self.key) in _KINDS else attribute_name(self.key)

    @property
    def names(self) -> bool:
        """Whether the key may be said: it names an attribute, and one that the item has."""
        text = plain(self.text)
        return self.key not in FREE and text not in _NO and re.fullmatch(r"0+(?:\.0+)?\s?%?", text) is None

    @cached_property
    def spoken(self) -> str:
        """Folded text as it counts: an attribute that says yes or no is its name, affirmed or denied; a bare number
        takes the unit that its name ends in."""
        text, label = plain(self.text), plain(self.key).replace("_", " ").replace("-", " ")
        if text in _YES:
            return label
        if text in _NO:
            return f"不{label}" if _RUN.search(label) else f"not {label}"
        unit = label.rpartition(" ")[2]
        if unit in UNITS and re.fullmatch(r"[\d.,]+", text):
            return f"{text} {unit}"
        return text


class Source:
    """Facts in order. Nothing else may be said."""

    def __init__(self, facts: Sequence[Fact]) -> None:
        self.facts = tuple(fact for fact in facts if fact.text.strip())

    @classmethod
    def of(cls, attributes: Mapping[str, Any]) -> Self:
        """From a plain object: lists give a fact each, objects inside give facts named "outer.inner", None none."""
        facts: list[Fact] = []
        for key, value in attributes.items():
            for one in value if isinstance(value, list | tuple) else [value]:
                if isinstance(one, Mapping):
                    facts += [Fact(f"{key}.{fact.key}", fact.text) for fact in cls.of(one).facts]
                elif one is not None:
                    facts.append(Fact(str(key), ("yes" if one else "no") if isinstance(one, bool) else str(one)))
        return cls(facts)

    @classmethod
    def of_item(cls, item: ItemSource, more: Mapping[str, str] = {}) -> Self:
        """Title, description, categories and metadata of an item; ``more`` are attributes read in them."""
        facts = [Fact("title", item.title), Fact("description", item.description)]
        facts += [Fact("category", name) for name in item.categories]
        facts += [Fact(key, value) for key, value in (*item.fields, *more.items())]
        return cls(list(dict.fromkeys(facts)))

    @cached_property
    def words(self) -> dict[str, dict[bool, list[int]]]:
        """Stem of a Latin word to the places of the facts that affirm it (False) and that deny it (True)."""
        found: dict[str, dict[bool, list[int]]] = {}
        for place, fact in enumerate(self.facts):
            read = words_of(fact.spoken)
            refused = denied(fact.spoken, read)
            for number, word in enumerate(read):
                found.setdefault(word.stem, {}).setdefault(number in refused, []).append(place)
            for part in _values(fact):
                if (english := same_in_english(part)) is not None:
                    for word in words_of(english):
                        found.setdefault(word.stem, {}).setdefault(False, []).append(place)
        for place, fact in enumerate(self.facts):
            if fact.names:
                for word in words_of(plain(fact.key).replace("_", " ")):
                    found.setdefault(word.stem, {False: [place]})
        return found

    @cached_property
    def codes(self) -> dict[str, int]:
        """B5, SPF30, iPhone15: folded, to the place of a fact."""
        return {
            fact.spoken[start:end]: place
            for place, fact in reversed(list(enumerate(self.facts)))
            for start, end in codes(fact.spoken)
        }

    @cached_property
    def quantities(self) -> list[tuple[Quantity, int]]:
        return [(one, place) for place, fact in enumerate(self.facts) for one in quantities(fact.spoken)]

    @cached_property
    def beside(self) -> dict[str, set[float]]:
        """A word that stands directly beside a number, to those numbers: what is counted how often."""
        found: dict[str, set[float]] = {}
        for one, place in self.quantities:
            text = self.facts[place].spoken
            for name in (*neighbours(text, one), *measure(text, one)):
                found.setdefault(name, set()).add(one.value)
        return found

    @cached_property
    def pieces(self) -> dict[str, tuple[int, ...]]:
        """Every piece of 2 to ``LONGEST_PIECE`` Chinese characters of the facts, and single ones that stand alone, to
        the places of facts."""
        found: dict[str, dict[int, None]] = {}
        for place, fact in enumerate(self.facts):
            told = [fact.spoken.replace(" ", ""), *([plain(fact.key)] if fact.names else [])]
            for run in (run for text in told for run in _RUN.findall(text)):
                for size in range(min(2, len(run)), LONGEST_PIECE + 1):
                    for start in range(len(run) - size + 1):
                        found.setdefault(run[start : start + size], {})[place] = None
        return {piece: tuple(places) for piece, places in found.items()}

    @cached_property
    def translated(self) -> dict[str, int]:
        """Chinese names of what whole English values say, to the place of a fact."""
        return {
            plain(name): place
            for place, fact in reversed(list(enumerate(self.facts)))
            for part in _values(fact)
            for name in same_in_chinese(part)
        }

    @cached_property
    def whole(self) -> dict[str, int]:
        """Folded values, without white space, to the place of a fact."""
        return {fact.spoken.replace(" ", ""): place for place, fact in reversed(list(enumerate(self.facts)))}

    @cached_property
    def quoting(self) -> dict[str, int]:
        """Folded values with quotation marks in them, to the place of a fact."""
        return {fact.spoken: place for place, fact in enumerate(self.facts) if '"' in fact.spoken}

    @cached_property
    def running(self) -> list[str]:
        """The folded facts without white space."""
        return [fact.spoken.replace(" ", "") for fact in self.facts]

    @cached_property
    def chinese_denied(self) -> list[str]:
        """What Chinese facts deny, the two characters behind the denial, where no fact affirms it."""
        found = []
        for text in self.running:
            for _, what in chinese_denials(text):
                if what and not any(_affirms(other, what) for other in self.running):
                    found.append(what)
        return found

    def roles(self, places: Sequence[int]) -> set[str]:
        """Roles of facts; "" where one of them is a free text, in which any may stand."""
        return {self.facts[place].role for place in places}


def _affirms(text: str, what: str) -> bool:
    refused = {start for start, _ in chinese_denials(text)}
    return any(
        match.start() not in refused and not refused & set(range(match.start() - 3, match.start()))
        for match in re.finditer(re.escape(what), text)
    )


def _values(fact: Fact) -> list[str]:
    if fact.key in FREE:
        return []
    return [fact.text, *re.split(r"\s*[,;/、，；|]\s*", fact.text)]


def measure(text: str, one: Quantity) -> list[str]:
    """The Chinese measure word of a number that counts things."""
    found = re.fullmatch(rf"[\d\s.,零〇一二三四五六七八九十百千万亿两-]*([{HAN}]+)", text[one.start : one.end])
    return [found[1]] if found is not None and one.unit == COUNT else []


def neighbours(text: str, one: Quantity) -> list[str]:
    """The word before and the word behind a number, stems; of Chinese the two characters."""
    found = []
    before = re.search(rf"([a-z'{HAN}]+)[\s-]*$", text[: one.start])
    behind = re.match(rf"[\s-]*([a-z'{HAN}]+)", text[one.end :])
    for match, last in ((before, True), (behind, False)):
        if match is None:
            continue
        run = match[1]
        if _RUN.fullmatch(run):
            found.append(run[-2:] if last else run[:2])
        elif words := words_of(run):
            found.append(words[-1 if last else 0].stem)
    return found
