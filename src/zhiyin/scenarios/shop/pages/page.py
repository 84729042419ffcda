"""A product page as it is kept and given out: plain data."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Any

from zhiyin.scripts import Language
from zhiyin.types import Tier


@dataclass(frozen=True)
class Claim:
    """Characters ``start`` to ``end`` of the text of ``field`` (title, bullets.0, faq.1.answer, ...) say what attribute
    ``key`` of the item says: ``value``."""

    field: str
    start: int
    end: int
    text: str
    key: str
    value: str


@dataclass(frozen=True)
class Gone:
    """A text that was not let onto the page: ``what`` in it no attribute bears out or a policy forbids, and ``why``.
    ``kind`` is number, name, material, claim, denial, quotation, role, word, hidden, policy or (of what a model
    wrote) form; ``by`` who wrote it:
    "model", "template", "item" (the catalogue) or "person" (an edit)."""

    field: str
    sentence: str
    what: str
    why: str
    kind: str
    by: str


@dataclass(frozen=True)
class Flag:
    """A text that a policy wants a person to look at before the page is published."""

    field: str
    what: str
    why: str


@dataclass(frozen=True)
class Counted:
    """Sentences and bullets that a model wrote (``model``), of them those that a template took the place of
    (``replaced``) or nothing did (``dropped``), and those by templates from the beginning."""

    model: int = 0
    replaced: int = 0
    dropped: int = 0
    template: int = 0


@dataclass(frozen=True)
class Question:
    question: str
    answer: str


@dataclass(frozen=True)
class Meta:
    """What search engines show. Both are held to the width that is shown."""

    title: str
    description: str


@dataclass(frozen=True)
class Page:
    """``tier`` is the language model that took part, ``none`` where templates wrote it all; ``fallback`` is None, or
    says why a configured model did not. ``claims`` trace what the page says to the item's attributes, ``removed`` is
    what was not let onto it. ``missing`` are attributes that the item lacks and a page is better for. ``content`` is
    the hash of the item's words that the page was made from."""

    item_id: str
    language: Language
    tone: str
    length: str
    segment: list[str]
    user_id: str | None
    title: str
    bullets: list[str]
    description: list[str]
    faq: list[Question]
    meta: Meta
    tier: Tier
    fallback: dict[str, str] | None
    claims: list[Claim]
    removed: list[Gone]
    flags: list[Flag]
    counted: Counted
    missing: list[str]
    content: str = ""
    emphasis: list[str] = field(default_factory=list)
    """Values that came first because the reader looks for them."""

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_dict(cls, told: dict[str, Any]) -> Page:
        """What ``to_dict`` gave."""
        parts = dict(told)
        parts["faq"] = [Question(**one) for one in told["faq"]]
        parts["meta"] = Meta(**told["meta"])
        parts["claims"] = [Claim(**one) for one in told["claims"]]
        parts["removed"] = [Gone(**one) for one in told["removed"]]
        parts["flags"] = [Flag(**one) for one in told["flags"]]
        parts["counted"] = Counted(**told["counted"])
        parts["tier"] = Tier(told["tier"])
        return cls(**parts)

    def texts(self) -> list[tuple[str, str]]:
        """Every text that a reader sees, by field."""
        found = [("title", self.title)]
        found += [(f"bullets.{place}", text) for place, text in enumerate(self.bullets)]
        found += [(f"description.{place}", text) for place, text in enumerate(self.description)]
        for place, one in enumerate(self.faq):
            found += [(f"faq.{place}.question", one.question), (f"faq.{place}.answer", one.answer)]
        return [*found, ("meta.title", self.meta.title), ("meta.description", self.meta.description)]
