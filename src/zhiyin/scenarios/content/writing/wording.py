"""The same by a language model that follows instructions: it is shown the author's sentences, and every sentence of its
answer is held against them. What they do not bear out is taken out and listed, and what the templates made stands in
its place.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from zhiyin.errors import LlmError
from zhiyin.ports import LanguageModels, Render
from zhiyin.scenarios.content.writing.article import Article, joined
from zhiyin.scenarios.content.writing.audience import Audience
from zhiyin.scenarios.content.writing.headlines import Headline, fits
from zhiyin.scenarios.content.writing.making import Made
from zhiyin.scenarios.content.writing.outline import Section
from zhiyin.scenarios.grounding import Fact, Source, check
from zhiyin.types import Job, Tier
from zhiyin.understand.texts import plain

PROMPT = "writing"
SHOWN = 60
"""Sentences that a model is shown, those that say most."""
_QUOTED = re.compile(r"《([^》\n]{1,100})》|“([^”\n]{1,100})”|\"([^\"\n]{1,100})\"|「([^」\n]{1,100})」")
ENOUGH = 0.5
"""Share of a model's draft that must hold; else the templates' stands in its place."""
ALLOWED: tuple[str, ...] = ()
"""Words that assert nothing beside those that ``grounding`` knows: none, an article is prose."""


@dataclass(frozen=True)
class Removed:
    """A sentence of a model that the source does not bear out: ``part`` of the draft it stood in, ``what`` in it, and
    ``why``."""

    part: str
    sentence: str
    what: str
    why: str


@dataclass(frozen=True)
class Worded:
    """``made`` with what a model worded of it; ``tier`` none where nothing of the model's is in it, and ``fallback``
    then says why, if one is configured. ``said`` sentences were checked, ``removed`` of them taken out."""

    made: Made
    tier: Tier
    fallback: str | None
    said: int
    removed: tuple[Removed, ...]


def word(
    article: Article,
    made: Made,
    audience: Audience,
    models: LanguageModels,
    render: Render,
    *,
    seconds: float | None = None,
) -> Worded:
    """``made`` in a model's words where one answers that follows instructions; else as it is."""
    if models.tier(Job.WRITING) is not Tier.REMOTE:
        # One in this process is too small for free text: next to nothing of it would hold.
        why = models.unavailable(Job.WRITING)
        return Worded(made, Tier.NONE, None if why is None else why.line, 0, ())
    places = article.chosen(SHOWN, 1e9)
    readers = [one.name for one in audience.interests if one.lift > 1] or [
        word_ for word_, weight in audience.words.items() if weight > 0
    ]
    prompt = render(
        PROMPT,
        language=article.language,
        schema=schema(len(made.headlines)),
        title=article.title,
        sentences=[article.sentences[place].text for place in places],
        readers=[] if audience.few else readers[:8],
        headlines=max(1, len(made.headlines)),
    )
    (answer,) = models.complete(Job.WRITING, [prompt], seconds=seconds)
    if isinstance(answer, LlmError):
        return Worded(made, Tier.NONE, answer.line, 0, ())
    return accepted(answer.data, answer.tier, article, made)


def accepted(data: Any, tier: Tier, article: Article, made: Made) -> Worded:
    """What holds of a model's answer, which satisfies the schema but may say anything within it."""
    told = data if isinstance(data, dict) else {}
    hold = _Holding(article)
    lines = hold.lines("headline", _texts(told.get("headlines")))
    headlines = _headlines(lines, made, article)
    summary = hold.text("summary", plain(str(told.get("summary") or "")))
    outline = _outline(told.get("outline"), hold)
    draft = _draft(str(told.get("draft") or ""), hold)
    if not (summary or outline or draft or any(one.kind == "worded" for one in headlines)):
        why = hold.removed[0].why if hold.removed else "the model wrote nothing"
        return Worded(made, Tier.NONE, f"nothing of the model's holds: {why}", hold.said, tuple(hold.removed))
    changed = replace(
        made,
        headlines=headlines,
        summary=summary or made.summary,
        summary_of=() if summary else made.summary_of,
        outline=outline or made.outline,
        draft=draft or made.draft,
    )
    return Worded(changed, tier, None, hold.said, tuple(hold.removed))


def source_of(article: Article) -> Source:
    """All that may be said: the text, its title, and what either puts in quotation marks, to be quoted so."""
    whole = f"{article.title}\n{article.text}"
    quoted = [next(part for part in found if part) for found in _QUOTED.findall(whole)]
    names = [Fact("title", one) for one in dict.fromkeys(quoted)]
    return Source([Fact("title", article.title), Fact("text", article.text), *names])


class _Holding:
    """Holds texts against the source and counts what goes."""

    def __init__(self, article: Article) -> None:
        self._source, self._language = source_of(article), article.language
        self.said = 0
        self.removed: list[Removed] = []

    def text(self, part: str, text: str) -> str:
        """The sentences of ``text`` that hold."""
        told = check(text, self._source, self._language, allowed=ALLOWED)
        self.said += len(told.kept) + len(told.removed)
        self.removed += [Removed(part, one.sentence, one.what, one.why) for one in told.removed]
        return joined([one.sentence for one in told.kept])

    def lines(self, part: str, texts: Sequence[str]) -> list[str]:
        """Those of ``texts`` that hold as a whole."""
        found = []
        for text in texts:
            before = len(self.removed)
            if self.text(part, text) and len(self.removed) == before:
                found.append(text)
        return found


def _headlines(lines: Sequence[str], made: Made, article: Article) -> tuple[Headline, ...]:
    """The author's own title, the model's that hold, then the templates' until there are as many."""
    known = {one.text.casefold() for one in made.headlines}
    own = [one for one in made.headlines if one.kind == "title"]
    new = [line for line in dict.fromkeys(lines) if line.casefold() not in known and fits(line, article.language)]
    worded = [Headline(line, "worded", (), 1.0) for line in new]
    rest = [one for one in made.headlines if one.kind != "title"]
    return tuple([*own, *worded, *rest][: max(len(made.headlines), 1)])


def _outline(told: Any, hold: _Holding) -> tuple[Section, ...]:
    """The model's parts whose heading and points hold."""
    found = []
    for one in told if isinstance(told, list) else []:
        if not isinstance(one, dict):
            continue
        heading = hold.lines("outline", _texts([one.get("heading")]))
        points = hold.lines("outline", _texts(one.get("points")))
        if heading and points:
            found.append(Section(heading[0], tuple(points), ()))
    return tuple(found)


def _draft(text: str, hold: _Holding) -> str:
    """Paragraph by paragraph; "" where too little of it holds."""
    blocks, kept, before = [], 0, (hold.said, len(hold.removed))
    for block in (part.strip() for part in text.split("\n")):
        if not block:
            continue
        marks = block[: len(block) - len(block.lstrip("#- "))]
        held = hold.text("draft", block[len(marks) :])
        if held:
            blocks.append(marks + held)
            kept += 1
    said, removed = hold.said - before[0], len(hold.removed) - before[1]
    return "\n\n".join(blocks) if kept and said and removed <= (1 - ENOUGH) * said else ""


def _texts(told: Any) -> list[str]:
    if not isinstance(told, list):
        return []
    return [text for one in told if isinstance(one, str) and (text := plain(one))]


def schema(headlines: int) -> dict[str, Any]:
    line = {"type": "string", "maxLength": 120}
    point = {"type": "string", "maxLength": 300}
    part = {
        "type": "object",
        "properties": {
            "heading": line,
            "points": {"type": "array", "maxItems": 4, "items": point},
        },
        "required": ["heading", "points"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {
            "headlines": {"type": "array", "minItems": 1, "maxItems": max(1, headlines), "items": line},
            "summary": {"type": "string", "maxLength": 600},
            "outline": {"type": "array", "maxItems": 8, "items": part},
            "draft": {"type": "string", "maxLength": 6000},
        },
        "required": ["headlines", "summary", "outline", "draft"],
        "additionalProperties": False,
    }
