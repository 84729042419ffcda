"""What a language model says of an item is held against the item's own words; what they do not support is dropped.

Numbers, sizes and names must occur in the text. Topics must be among those offered, audiences in the fixed list.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from zhiyin.types import ItemFeatures, Tier
from zhiyin.understand.items.asking import Read
from zhiyin.understand.items.attributes import CHARACTERS, MOST, SYNONYMS, attribute_name
from zhiyin.understand.items.audience import NAMES, known_audience
from zhiyin.understand.items.language import language
from zhiyin.understand.items.rules import MOST_TOPICS
from zhiyin.understand.items.sentences import sentences
from zhiyin.understand.items.source import ItemSource, folded
from zhiyin.understand.items.taxonomy import name_key
from zhiyin.understand.items.terms import grams
from zhiyin.understand.texts import plain, shorten

SUMMARY_CHARACTERS = 300
PROPOSAL_CHARACTERS = 40
SHARED = 0.5
"""Share of a summary sentence's words (character pairs in Chinese) that must occur in the item's text."""
ANSWERED = 0.9
"""Weight of the topic named first by the model; each further one weighs a tenth less."""

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_NAME = re.compile(r"(?<![.!?。！？]\s)(?<!^)\b[A-ZÀ-Þ][\w'’&-]+")
_APART = re.compile(r"[\s\-_.,'’®™]+")


@dataclass(frozen=True)
class Said:
    """The item's text in the forms in which claims are looked for."""

    text: str

    @property
    def numbers(self) -> set[str]:
        return {_plain_number(number) for number in _NUMBER.findall(self.text)}

    def holds(self, words: str) -> bool:
        """Whether ``words`` occur, without regard to case, width, spaces and hyphens. A number counts as a whole:
        "5 ml" does not occur in "15 ml"."""
        wanted, text = _APART.sub("", folded(words)), _APART.sub("", folded(self.text))
        if not wanted or not set(map(_plain_number, _NUMBER.findall(words))) <= self.numbers:
            return False
        if wanted.isascii() and len(wanted) < 4:
            return re.search(rf"(?<![a-z0-9]){re.escape(folded(words))}(?![a-z0-9])", folded(self.text)) is not None
        return wanted in text


def checked(
    told: Mapping[str, Any], source: ItemSource, ruled: ItemFeatures, topics: Mapping[str, str], dropped: Counter[str]
) -> Read:
    """Features out of the answer ``told``, which satisfies the schema but may say anything within it.

    ``topics`` maps the names offered to their ids. What rules read stays where the answer adds nothing; reasons for
    what was not accepted are counted in ``dropped``.
    """
    said = Said(source.whole)
    found: dict[str, float] = {}
    by_key = {name_key(name): key for name, key in topics.items()}
    for name in _strings(told.get("topics")):
        key = by_key.get(name_key(name))
        if key is None:
            dropped["topic not offered"] += 1
        elif key not in found and len(found) < MOST_TOPICS:
            found[key] = round(ANSWERED - 0.1 * len(found), 2)
    audience = []
    for name in _strings(told.get("audience")):
        if (group := known_audience(name)) is None:
            dropped["audience not in the list"] += 1
        else:
            audience.append(group)
    return Read(
        ItemFeatures(
            language=_language(told.get("language"), source, ruled, dropped),
            topics=dict(
                sorted({**found, **_named(ruled, found)}.items(), key=lambda one: (-one[1], one[0]))[:MOST_TOPICS]
            ),
            attributes=_attributes(told.get("attributes"), said, ruled.attributes, dropped),
            summary=_summary(told.get("summary"), said, dropped) or ruled.summary,
            audience=sorted({*audience, *ruled.audience}, key=NAMES.index),
            tier=Tier.REMOTE,
        ),
        _proposal(told.get("proposal"), said, by_key, dropped),
    )


def grounded_name(name: str, titles: Sequence[str], terms: Sequence[str]) -> bool:
    """Whether a cluster's proposed name shares a word or a pair of characters with what it names."""
    words = set(grams(name))
    about = {word for text in (*titles, *terms) for word in grams(text)}
    return bool(words & about) and len(name) <= PROPOSAL_CHARACTERS and len(sentences(name)) == 1


def _named(ruled: ItemFeatures, found: Mapping[str, float]) -> dict[str, float]:
    """Topics that rules gave, which the model's do not push out."""
    return {key: weight for key, weight in ruled.topics.items() if key not in found}


def _attributes(told: Any, said: Said, ruled: Mapping[str, str], dropped: Counter[str]) -> dict[str, str]:
    found = dict(ruled)
    for one in told if isinstance(told, list) else []:
        if not isinstance(one, dict):
            continue
        name, value = attribute_name(str(one.get("name", ""))), plain(str(one.get("value", "")))
        if not name or not value or name in found:
            continue
        if name not in SYNONYMS and not said.holds(name.replace("_", " ")):
            dropped["attribute of no known kind"] += 1
        elif len(value) > CHARACTERS or not said.holds(value):
            dropped["attribute not in the text"] += 1
        elif len(found) < MOST:
            found[name] = value
    return found


def _summary(told: Any, said: Said, dropped: Counter[str]) -> str:
    """The sentences whose numbers, names and most words the item's text holds."""
    kept = []
    known = set(grams(said.text))
    for sentence in sentences(plain(str(told or ""))):
        words = grams(sentence)
        numbers = {_plain_number(number) for number in _NUMBER.findall(sentence)}
        if not numbers <= said.numbers:
            dropped["summary: number not in the text"] += 1
        elif not all(said.holds(name) for name in _NAME.findall(sentence)):
            dropped["summary: name not in the text"] += 1
        elif not words or sum(word in known for word in words) < SHARED * len(words):
            dropped["summary: not about the text"] += 1
        else:
            kept.append(sentence)
    return shorten(" ".join(kept), SUMMARY_CHARACTERS)


def _proposal(told: Any, said: Said, offered: Mapping[str, str], dropped: Counter[str]) -> str:
    name = plain(str(told or ""))
    if not name or name_key(name) in offered:
        return ""
    if not grounded_name(name, [said.text], []):
        dropped["proposal not in the text"] += 1
        return ""
    return name


def _language(told: Any, source: ItemSource, ruled: ItemFeatures, dropped: Counter[str]) -> str:
    """The model may only fill in what rules leave open, and not against the script."""
    code = folded(str(told or ""))[:2]
    if ruled.language or not code:
        return ruled.language
    if not code.isalpha() or (not language(source.text, "latin") and code):
        dropped["language against the script"] += 1
        return ""
    if code in ("zh", "ja", "ko", "ru", "ar", "th", "el"):
        dropped["language against the script"] += 1
        return ""
    return code


def _strings(told: Any) -> list[str]:
    return [plain(one) for one in told if isinstance(one, str)] if isinstance(told, list) else []


def _plain_number(number: str) -> str:
    return number.replace(",", "").rstrip(".")
