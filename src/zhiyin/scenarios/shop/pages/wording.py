"""Who words a page: templates, an embedded model that chooses among their ways of saying a thing, or a model that
writes and is read over sentence by sentence. Whatever a model does, the gate decides."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from zhiyin.errors import LlmError
from zhiyin.ports import LanguageModels, Options, Render
from zhiyin.scenarios.grounding.folding import sentences
from zhiyin.scenarios.shop.pages.asked import BULLETS, DESCRIPTION_WIDTH, QUESTIONS, SENTENCES, PageRequest
from zhiyin.scenarios.shop.pages.draft import Draft, width
from zhiyin.scenarios.shop.pages.facts import PageFacts
from zhiyin.types import Job, Tier

LONGEST = 400
"""Characters of one sentence."""
PREFIX = {
    "en": "A shop describes a product to its customers in clear sentences.\n",
    "zh": "商店用通顺的句子向顾客介绍商品。\n",
}


@dataclass(frozen=True)
class Written:
    """What a model wrote; empty where it wrote nothing. ``reason`` says why."""

    bullets: list[str] = field(default_factory=list)
    description: list[str] = field(default_factory=list)
    faq: list[tuple[str, str]] = field(default_factory=list)
    meta_description: str | None = None
    tier: Tier = Tier.NONE
    reason: str | None = None


def choose(
    ways: Sequence[Sequence[str]], models: LanguageModels, language: str, seconds: float | None
) -> tuple[list[str], Tier, str | None]:
    """Of each sentence the way that the model finds likeliest by token; the first where it gives no answer."""
    start = "" if language == "zh" else " "
    several = [place for place, options in enumerate(ways) if len(options) > 1]
    asked = [
        Options(f"page_phrasing_{language}:1", PREFIX[language], tuple(start + way for way in ways[place]))
        for place in several
    ]
    said, tier, reason = [options[0] for options in ways], Tier.NONE, None
    for place, answer in zip(several, models.likelihoods(Job.PAGES, asked, seconds=seconds), strict=True):
        if isinstance(answer, LlmError):
            reason = answer.line
            continue
        said[place] = ways[place][int(np.argmax(answer.logs / np.maximum(answer.tokens, 1)))]
        tier = answer.tier
    return said, tier, reason


def ask(
    facts: PageFacts,
    draft: Draft,
    request: PageRequest,
    models: LanguageModels,
    render: Render,
    seconds: float | None,
    wanted: Sequence[str] = (),
) -> Written:
    """What a model writes out of the facts and the template's draft."""
    known = [f"{fact.key}: {fact.text}" for fact in facts.source.facts]
    drafts = [*draft.bullets, *draft.description, *(f"{question} {answer}" for question, answer in draft.faq)]
    prompt = render(
        "product_page",
        language=request.language,
        schema=schema(request),
        facts=known,
        drafts=drafts,
        wanted=list(wanted) or ["-"],
        tone=request.tone,
        bullets=BULLETS[request.length],
        sentences=SENTENCES[request.length],
        questions=QUESTIONS[request.length],
    )
    (answer,) = models.complete(Job.PAGES, [prompt], seconds=seconds)
    if isinstance(answer, LlmError):
        return Written(reason=answer.line)
    return read(answer.data, answer.tier, request)


def read(data: Any, tier: Tier, request: PageRequest) -> Written:
    """An answer, whatever it looks like: what is no text in its place is left out."""
    if not isinstance(data, dict):
        return Written(reason="the model answered no object")
    told = _texts(data.get("description"))
    said = [text[start:end] for text in told for start, end in sentences(text)]
    pairs = [_texts([one.get("question"), one.get("answer")]) for one in _objects(data.get("faq"))]
    faq = [(pair[0], pair[1]) for pair in pairs if len(pair) == 2]
    meta = data.get("meta_description")
    meta = meta.strip() if isinstance(meta, str) and 0 < width(meta.strip()) <= DESCRIPTION_WIDTH else None
    made = Written(
        _texts(data.get("bullets"))[: BULLETS[request.length]],
        said[: SENTENCES[request.length]],
        faq[: QUESTIONS[request.length]],
        meta,
        tier,
    )
    return made if made.bullets or made.description or made.faq else Written(reason="the model wrote nothing")


def schema(request: PageRequest) -> dict[str, Any]:
    text = {"type": "string", "maxLength": LONGEST}
    question = {
        "type": "object",
        "properties": {"question": text, "answer": text},
        "required": ["question", "answer"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {
            "bullets": {"type": "array", "maxItems": BULLETS[request.length], "items": text},
            "description": {"type": "array", "maxItems": SENTENCES[request.length], "items": text},
            "faq": {"type": "array", "maxItems": QUESTIONS[request.length], "items": question},
            "meta_description": text,
        },
        "required": ["bullets", "description", "faq", "meta_description"],
        "additionalProperties": False,
    }


def _objects(told: Any) -> list[dict[str, Any]]:
    return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else []


def _texts(told: Any) -> list[str]:
    found = [one.strip() for one in told if isinstance(one, str)] if isinstance(told, list) else []
    return [one[:LONGEST] for one in found if one]
