"""Which language a text is in, by script and by function words: a few languages, and "" where it cannot be told."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

FUNCTION_WORDS = {
    "en": "the and of with for to in is your this from you are that by it on not all an as be or can our has its we at",
    "de": "der die das und mit für von zu ist nicht ein eine einen den dem im auf auch sich oder wird",
    "fr": "le la les des et avec pour dans est une du au aux sur par qui que vous votre nous pas",
    "es": "el los las con para una del por que es en su un como más al lo se sus",
    "it": "il lo gli della di con per una del che nella in un al le dei nel non alla",
    "pt": "os as com para uma do da por que em um no na não mais dos das ao seu sua",
    "nl": "de het een en met voor van is niet op te zijn die dat in je uw aan ook bij",
}
DECIDES = 2
"""A Latin text is in a language when it holds this many of its function words, and more of them than of any other."""
MAJORITY = 0.8
"""Share of the Latin texts of a catalogue, where told, from which the others are taken to be in that language too."""

_WORDS = {code: frozenset(words.split()) for code, words in FUNCTION_WORDS.items()}
_SCRIPTS = (
    ("kana", re.compile(r"[぀-ヿ]")),
    ("hangul", re.compile(r"[가-힣]")),
    ("han", re.compile(r"[㐀-䶿一-鿿]")),
    ("cyrillic", re.compile(r"[Ѐ-ӿ]")),
    ("arabic", re.compile(r"[؀-ۿ]")),
    ("thai", re.compile(r"[฀-๿]")),
    ("greek", re.compile(r"[Ͱ-Ͽ]")),
    ("latin", re.compile(r"[A-Za-zÀ-ɏ]")),
)
_LATIN_WORD = re.compile(r"(?<![\w.])[a-zà-ɏ]{2,}(?!\w)")
HAN = re.compile(r"[㐀-䶿一-鿿]")


def language(text: str, latin: str = "") -> str:
    """ISO 639-1 code of the language of ``text``, "" where it cannot be told. ``latin`` is given back for a text in the
    Latin script that holds too few function words to tell.

    Han characters with kana are Japanese, without are Chinese; a character of Han, kana or hangul counts as much as
    four Latin letters, as they stand for words. Cyrillic is called "ru", which other languages use too.
    """
    counts = {name: len(pattern.findall(text)) for name, pattern in _SCRIPTS}
    east = {
        "ja": counts["kana"] + counts["han"] if counts["kana"] * 10 >= counts["han"] and counts["kana"] else 0,
        "zh": counts["han"],
        "ko": counts["hangul"],
    }
    rest = {"ru": counts["cyrillic"], "ar": counts["arabic"], "th": counts["thai"], "el": counts["greek"]}
    best = max(east, key=lambda code: east[code])
    other = max(rest, key=lambda code: rest[code])
    if 4 * east[best] >= max(counts["latin"], rest[other]) and east[best]:
        return best
    if rest[other] >= counts["latin"] and rest[other]:
        return other
    return (_by_words(text) or latin) if counts["latin"] else ""


def common_latin(texts: Sequence[str]) -> str:
    """The language of nearly all Latin texts that tell theirs; "" where there are too few, or several."""
    told = Counter(code for text in texts if (code := language(text)) in _WORDS)
    code, count = next(iter(told.most_common(1)), ("", 0))
    return code if count >= MAJORITY * told.total() else ""


def _by_words(text: str) -> str:
    words = _LATIN_WORD.findall(text.casefold())
    hits = {code: sum(word in known for word in words) for code, known in _WORDS.items()}
    first, second = sorted(hits, key=lambda code: -hits[code])[:2]
    return first if hits[first] >= DECIDES and hits[first] > hits[second] else ""
