"""What may stand on a page: what its source bears out and no policy forbids. Everything passes here, templates too."""

from __future__ import annotations

import re
from dataclasses import dataclass

from zhiyin.scenarios.grounding import Checked, Source, check
from zhiyin.scenarios.shop.pages.draft import ENDING
from zhiyin.scenarios.shop.pages.page import Claim, Flag, Gone
from zhiyin.scenarios.shop.pages.policy import Policy
from zhiyin.scripts import Language, is_han

_NUMBERED = re.compile(r"\s*(?:\d+[.)、]|[-*•])\s*")


@dataclass(frozen=True)
class Passed:
    """What is wrong with a text (empty: nothing), and what bears it out."""

    wrong: list[Gone]
    claims: list[Claim]
    flags: list[Flag]

    @property
    def fine(self) -> bool:
        return not self.wrong


class Gate:
    def __init__(self, source: Source, policy: Policy, language: Language) -> None:
        self._source, self._policy, self._language = source, policy, language
        self._kept: dict[str, Checked] = {}

    def look(self, field: str, text: str, by: str) -> Passed:
        """``text`` as a whole: one sentence that fails takes the others of it along."""
        if (checked := self._kept.get(text)) is None:
            checked = self._kept[text] = check(text, self._source, self._language)
        wrong = [Gone(field, one.sentence, one.what, one.why, one.kind, by) for one in checked.removed]
        if by == "model" and not wrong and (flaw := self._flaw(field, text, checked)) is not None:
            wrong.append(Gone(field, text, text[:40], flaw, "form", by))
        broken = self._policy.broken(text, self._language)
        wrong += [Gone(field, text, one.what, one.why, "policy", by) for one in broken if one.action == "remove"]
        flags = [Flag(field, one.what, one.why) for one in broken if one.action == "review"]
        return Passed(wrong, _claims(field, checked), flags)

    def _flaw(self, field: str, text: str, checked: Checked) -> str | None:
        """What is wrong with the form of a text; a small model writes much that is true and says nothing."""
        asks = field.endswith("question")
        han = sum(map(is_han, text))
        letters = sum(one.isalpha() for one in text) - han
        if han < 2 if self._language == "zh" else letters < 3 or han > letters:
            return "it is not in the page's language, or no text"
        if asks and text[-1] not in "?？":
            return "it asks nothing"
        if not asks and not any(one.evidence for one in checked.kept):
            return "it says nothing of the item"
        if not asks and not field.startswith("bullets") and text[-1] not in '.!?。！？…”"':
            return "it is no whole sentence"
        return "it is a number in a list" if _NUMBERED.match(text) else None

    def title(self, field: str, text: str) -> Passed:
        """The item's own title is borne out by itself, or the beginning of it; policies hold for it as for the rest."""
        broken = self._policy.broken(text, self._language)
        wrong = [Gone(field, text, one.what, one.why, "policy", "item") for one in broken if one.action == "remove"]
        flags = [Flag(field, one.what, one.why) for one in broken if one.action == "review"]
        bare = text.removesuffix(ENDING)
        fact = next((fact for fact in self._source.facts if fact.key == "title" and fact.text.startswith(bare)), None)
        if fact is None:
            told = self.look(field, text, "item")
            return Passed(told.wrong, told.claims, flags)
        return Passed(wrong, [Claim(field, 0, len(bare), bare, fact.key, fact.text)], flags)

    def without_breaches(self, title: str) -> tuple[str, list[Gone]]:
        """``title`` with the words cut out that a policy forbids."""
        gone: list[Gone] = []
        while broken := [one for one in self._policy.broken(title, self._language) if one.action == "remove"]:
            first = broken[0]
            gone.append(Gone("title", title, first.what, first.why, "policy", "item"))
            title = " ".join(f"{title[: first.start]} {title[first.end :]}".split()).strip(" ,;:-|，、")
        return title, gone


def _claims(field: str, checked: Checked) -> list[Claim]:
    return [
        Claim(
            field,
            one.start + proof.start,
            one.start + proof.end,
            one.sentence[proof.start : proof.end],
            proof.key,
            proof.value,
        )
        for one in checked.kept
        for proof in one.evidence
    ]
