"""Rules held against the views of a text: what was found, by which rule, and where in the original."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product

from zhiyin.scenarios.community.moderation.folding import is_han
from zhiyin.scenarios.community.moderation.policy import BRACES, Policies, Policy, Rule
from zhiyin.scenarios.community.moderation.tables import syllables
from zhiyin.scenarios.community.moderation.view import View, Views, plain

NEAR = 12
"""Signs round a hit in which ``unless`` is looked for."""
MASKS = r"[*#%@?_.\-]"
WIDE = str.maketrans(
    {"，": ",", "：": ":", "；": ";", "！": "!", "？": r"\?", "（": r"\(", "）": r"\)", "～": "~", "＋": r"\+"}
)
"""Signs of patterns as folded texts have them."""
SHORTEST_MASKED = 4
"""Letters of a word at least, for it to be found masked: a** may be anything."""
DISGUISED = 0.9
"""A word found by its sound alone is as sure as this share of its rule's confidence."""
IN_DOUBT = 0.5
"""What is left of a confidence where somebody reports or opposes what was said."""


@dataclass(frozen=True)
class Hit:
    """``start`` and ``end`` are places in the original text. ``how``: word, sound, initials or pattern. ``doubtful``:
    somebody seems to report or oppose it."""

    policy: Policy
    rule: Rule
    start: int
    end: int
    confidence: float
    how: str
    doubtful: bool

    @property
    def name(self) -> str:
        return f"{self.policy.category}/{self.rule.id}"


class _Compiled:
    def __init__(self, rule: Rule, groups: Mapping[str, Sequence[str]]) -> None:
        self.rule = rule
        han = [plain(term) for term in rule.terms if any(map(is_han, term))]
        latin = [plain(term) for term in rule.terms if not any(map(is_han, term))]
        self.han = _either(map(re.escape, han))
        self.latin = _either(_latin(term, bounded=True) for term in latin)
        # Words of letters that stand apart run into each other.
        self.run_together = _either(_latin(term, bounded=False) for term in latin if len(term) >= SHORTEST_MASKED)
        self.initials = _either(rf"(?<![a-z0-9]){re.escape(plain(one))}(?![a-z0-9])" for one in rule.initials)
        self.patterns = [re.compile(_filled(one, groups)) for one in rule.patterns]
        self.unless = [re.compile(_filled(one, groups)) for one in rule.unless]
        self.sounds: dict[str, list[tuple[str, ...]]] = {}
        if rule.sounds:
            known = syllables()
            for term in han:
                for read in product(*(known.get(sign, ("",)) for sign in term)):
                    if len(read) > 1 and all(read):
                        self.sounds.setdefault(read[0], []).append(read)


class Matcher:
    """Keeps the rules of ``policies`` compiled; may be used by many threads."""

    def __init__(self, policies: Policies) -> None:
        self._rules = [
            (policy, [_Compiled(rule, policies.groups) for rule in policy.rules]) for policy in policies.policies
        ]
        self._contexts = [re.compile(_filled(one, policies.groups)) for one in policies.contexts]
        self._opposing = [re.compile(_filled(one, policies.groups)) for one in policies.opposing]
        self._people = [re.compile(_filled(one, policies.groups)) for one in policies.people]
        self._addressed = [re.compile(_filled(one, policies.groups)) for one in policies.addressed]
        self._groups = {kind: _names(names) for kind, names in policies.groups.items()}

    def find(self, views: Views) -> list[Hit]:
        """Hits in order of confidence, highest first."""
        if not views.plain.text.strip():
            return []
        quoted = self.opposes(views) or any(pattern.search(views.plain.text) for pattern in self._contexts)
        chinese = any(map(is_han, views.tight.text))
        sounds = _first_places(views) if chinese else {}
        apart = list(_apart(views.tight))
        found = []
        for policy, rules in self._rules:
            for one in rules:
                for view, start, end, how in _hits(one, views, sounds, apart, chinese):
                    if _excused(one, view, start, end):
                        continue
                    doubtful = quoted and one.rule.quotable
                    sure = one.rule.confidence * (DISGUISED if how == "sound" else 1)
                    sure *= IN_DOUBT if doubtful else 1
                    found.append(Hit(policy, one.rule, *view.span(start, end), sure, how, doubtful))
        return sorted(found, key=lambda hit: (-hit.confidence, -hit.policy.severity, hit.start))

    def opposes(self, views: Views) -> bool:
        """Whether somebody seems to speak up against contempt."""
        return any(pattern.search(views.plain.text) for pattern in self._opposing)

    def of_people(self, views: Views) -> bool:
        """Whether the text speaks of people at all."""
        return bool(self.kinds(views)) or any(pattern.search(views.plain.text) for pattern in self._people)

    def distant(self, views: Views) -> bool:
        """Whether the text names no group and speaks to nobody."""
        return not self.kinds(views) and not any(pattern.search(views.plain.text) for pattern in self._addressed)

    def kinds(self, views: Views) -> list[str]:
        """Kinds of groups that the text names."""
        return [kind for kind, names in self._groups.items() if names.search(views.plain.text)]


Found = tuple[View, int, int, str]


def _hits(
    one: _Compiled, views: Views, sounds: dict[str, list[int]], apart: Sequence[tuple[int, int]], chinese: bool
) -> Iterator[Found]:
    tight = views.tight
    if one.han is not None:
        for hit in one.han.finditer(tight.text):
            yield tight, *hit.span(), "word"
    if one.sounds and sounds:
        yield from _sounding(one, views, sounds)
    if one.latin is not None:
        for view in (views.plain, tight):
            for hit in one.latin.finditer(view.text):
                # The end of a masked word may be a mere full stop: some letter beyond the first must be there.
                if sum(sign.isalnum() for sign in hit.group()) > 1 or not any(map(str.isalpha, hit.group())):
                    yield view, *hit.span(), "word"
    if one.run_together is not None:
        for start, end in apart:
            for hit in one.run_together.finditer(tight.text, start, end):
                yield tight, *hit.span(), "word"
    if one.initials is not None and chinese:
        for hit in one.initials.finditer(tight.text):
            yield tight, *hit.span(), "initials"
    view = views.plain if one.rule.raw else tight
    for pattern in one.patterns:
        for hit in pattern.finditer(view.text):
            if hit.end() > hit.start():
                yield view, *hit.span(), "pattern"


def _sounding(one: _Compiled, views: Views, sounds: dict[str, list[int]]) -> Iterator[Found]:
    read, text = views.sounds, views.tight.text
    for first in one.sounds.keys() & sounds.keys():
        for wanted in one.sounds[first]:
            for start in sounds[first]:
                end = start + len(wanted)
                if end > len(read) or not all(
                    syllable in heard for syllable, heard in zip(wanted, read[start:end], strict=True)
                ):
                    continue
                if one.han is None or one.han.match(text, start) is None:
                    yield views.tight, start, end, "sound"


def _first_places(views: Views) -> dict[str, list[int]]:
    found: dict[str, list[int]] = {}
    for place, heard in enumerate(views.sounds):
        for syllable in heard:
            found.setdefault(syllable, []).append(place)
    return found


def _apart(view: View) -> Iterator[tuple[int, int]]:
    """Runs of letters that had something between each two of them in the original."""
    start = 0
    for place in range(1, len(view.text) + 1):
        ends = place == len(view.text) or view.starts[place] <= view.ends[place - 1] or not view.text[place].isalnum()
        if ends:
            if place - start >= SHORTEST_MASKED:
                yield start, place
            start = place


def _excused(one: _Compiled, view: View, start: int, end: int) -> bool:
    near = max(0, start - NEAR), min(len(view.text), end + NEAR)
    return any(pattern.search(view.text, *near) for pattern in one.unless)


def _either(patterns: Iterator[str] | map[str]) -> re.Pattern[str] | None:
    told = sorted(patterns, key=len, reverse=True)
    return re.compile("|".join(told)) if told else None


def _latin(term: str, *, bounded: bool) -> str:
    """A pattern for a Latin word or words: letters drawn out, letters within a word masked. Unbounded, for letters that
    stood apart, the gaps between words may be gone."""
    open_end = term.endswith("*")
    words = [_latin_word(word) for word in term.removesuffix("*").split(" ")]
    body = (r"[^a-z0-9]+" if bounded else r"[^a-z0-9]*").join(words)
    if not bounded:
        return body
    return rf"(?<![a-z0-9]){body}{'[a-z]*' if open_end else ''}(?![a-z0-9])"


def _latin_word(word: str) -> str:
    masked = len(word) >= SHORTEST_MASKED and word.isalpha()
    signs = []
    for place, sign in enumerate(word):
        if not sign.isalpha():
            signs.append(re.escape(sign))
            continue
        # Of a letter that is drawn out two are left, and some words have two anyway.
        once = sign if word[place + 1 : place + 2] == sign else f"{sign}{{1,2}}"
        signs.append(f"(?:{once}|{MASKS})" if masked and place else once)
    return "".join(signs)


def _filled(pattern: str, groups: Mapping[str, Sequence[str]]) -> str:
    def names(found: re.Match[str]) -> str:
        name = found.group(1)
        told = [one for kind in groups.values() for one in kind] if name == "group" else groups.get(name, ())
        return f"(?:{_names_text(told)})"

    return BRACES.sub(names, pattern.translate(WIDE))


def _names(names: Sequence[str]) -> re.Pattern[str]:
    return re.compile(_names_text(names))


def _names_text(names: Sequence[str]) -> str:
    told = sorted({plain(one) for one in names}, key=lambda one: (-len(one), one))
    if not told:
        return r"(?!)"
    return "|".join(
        re.escape(one) if any(map(is_han, one)) else rf"(?<![a-z0-9]){re.escape(one)}(?![a-z0-9])" for one in told
    )
