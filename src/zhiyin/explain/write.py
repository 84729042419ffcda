"""Who words the claims: templates, a small model that chooses among templates, or a server's model that the checker
reads over. Whatever a model does, what comes out is grounded."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from zhiyin.errors import LlmError
from zhiyin.explain.checker import LONGEST, problem
from zhiyin.explain.evidence import Evidence, Kind
from zhiyin.explain.sentences import SENTENCES, Claim, Sentence, percent, phrasings, plan, sentences, verb
from zhiyin.explain.text import shortened
from zhiyin.ports import LanguageModels, Options, Render
from zhiyin.scripts import Language
from zhiyin.types import Job, Tier

CHOOSE_PHRASING = False
"""Whether an embedded model chooses among the phrasings of a claim. Off: see docs/explanations.md for what it did."""
PREFIX = {"en": "A shop explains to a customer, in one friendly sentence, why it shows an item:", "zh": "推荐理由："}


def write(
    evidence: Sequence[Evidence],
    language: Language,
    models: LanguageModels,
    render: Render,
    *,
    seconds: float | None = None,
    choose: bool = CHOOSE_PHRASING,
) -> list[Sentence]:
    """At most two sentences on ``evidence``; none where there is none. ``seconds`` is what a model may take.

    A sentence of a model that does not hold is replaced by the template in its place, with the reason; if the model
    gives nothing, all are templates, with the error as reason.
    """
    tier = models.tier(Job.EXPLANATIONS)
    claims = plan(evidence)
    if not claims or tier is Tier.NONE:
        return sentences(evidence, language)
    if tier is Tier.EMBEDDED:
        return chosen(claims, language, models, seconds) if choose else sentences(evidence, language)
    return asked(evidence, language, models, render, seconds)


def chosen(
    claims: Sequence[Claim], language: Language, models: LanguageModels, seconds: float | None = None
) -> list[Sentence]:
    """Each claim in the phrasing that the model finds likeliest by token; the default where it gives no answer."""
    ways = [phrasings(claim, language) for claim in claims]
    start = "" if language == "zh" else " "
    questions = [
        Options(f"explain_phrasing_{language}:1", PREFIX[language], tuple(start + way for way in options))
        for options in ways
    ]
    told = []
    answers = models.likelihoods(Job.EXPLANATIONS, questions, seconds=seconds)
    for claim, options, answer in zip(claims, ways, answers, strict=True):
        if isinstance(answer, LlmError):
            told.append(Sentence(options[0], claim.ids, Tier.NONE, answer.line))
        else:
            best = int(np.argmax(answer.logs / np.maximum(answer.tokens, 1)))
            told.append(Sentence(options[best], claim.ids, answer.tier))
    return told


def asked(
    evidence: Sequence[Evidence],
    language: Language,
    models: LanguageModels,
    render: Render,
    seconds: float | None = None,
) -> list[Sentence]:
    """What the model writes on the evidence of the plan, each sentence checked."""
    plain = sentences(evidence, language)
    used = {key for one in plain for key in one.evidence}
    names = {f"e{number}": one for number, one in enumerate((one for one in evidence if one.id in used), 1)}
    aliases = {one.id: alias for alias, one in names.items()}
    facts = [json.dumps(fact(alias, one, language), ensure_ascii=False) for alias, one in names.items()]
    drafts = [
        json.dumps({"text": one.text, "evidence": [aliases[key] for key in one.evidence]}, ensure_ascii=False)
        for one in plain
    ]
    prompt = render("explain", language=language, schema=schema(list(names)), facts=facts, drafts=drafts)
    (answer,) = models.complete(Job.EXPLANATIONS, [prompt], seconds=seconds)
    if isinstance(answer, LlmError):
        return [replace(one, reason=answer.line) for one in plain]
    return accepted(answer.data, answer.tier, plain, names, language)


def accepted(
    data: Any, tier: Tier, plain: Sequence[Sentence], names: Mapping[str, Evidence], language: Language
) -> list[Sentence]:
    """The model's sentences that hold, and a template in the place of each that does not.

    ``names`` are the evidence by the short names that the model was given: ids may hold words of an item.
    """
    written = data.get("sentences") if isinstance(data, dict) else None
    if not isinstance(written, list) or not written:
        return [replace(one, reason="the model wrote no sentence") for one in plain]
    told: list[Sentence] = []
    for place, one in enumerate(written[:SENTENCES]):
        text, cites, wrong = _sentence(one, names, language)
        if wrong is None:
            told.append(Sentence(text, tuple(names[key].id for key in cites), tier))
        elif place < len(plain):
            told.append(replace(plain[place], reason=f"the model's sentence was not taken: {wrong}"))
    # The same claim twice, once by the model and once by a template, is said once.
    return list({one.evidence: one for one in reversed(told)}.values())[::-1]


def _sentence(one: Any, names: Mapping[str, Evidence], language: Language) -> tuple[str, list[str], str | None]:
    if not isinstance(one, dict):
        return "", [], "it is not an object"
    text, cites = one.get("text"), one.get("evidence")
    if not isinstance(text, str) or not isinstance(cites, list) or not all(isinstance(key, str) for key in cites):
        return "", [], "it lacks text or evidence"
    cites = list(dict.fromkeys(cites))
    return text.strip(), cites, problem(text.strip(), cites, names, language)


def schema(names: Sequence[str]) -> dict[str, Any]:
    """JSON schema of an answer: one or two sentences, each with at least one of the evidence ``names``."""
    ids = {"type": "array", "minItems": 1, "items": {"type": "string", "enum": list(names)}}
    sentence = {
        "type": "object",
        "properties": {"text": {"type": "string", "maxLength": LONGEST}, "evidence": ids},
        "required": ["text", "evidence"],
        "additionalProperties": False,
    }
    return {
        "type": "object",
        "properties": {"sentences": {"type": "array", "minItems": 1, "maxItems": SENTENCES, "items": sentence}},
        "required": ["sentences"],
        "additionalProperties": False,
    }


_MEANING = {
    Kind.EVENT: "the person chose this item",
    Kind.ATTRIBUTE: "both items have this",
    Kind.TOGETHER: "of `total` other people who chose this item, `count` also chose the one shown",
    Kind.TREND: "`count` people chose the item shown in the last `days` days (no days: ever), number `rank` of all",
    Kind.WISH: "the person asked for this, and the item meets it",
    Kind.INTEREST: "the item fits this interest of the person",
}


def fact(alias: str, one: Evidence, language: Language) -> dict[str, Any]:
    """One piece of evidence as the model is told it."""
    kept = ("where", "said", "count", "total", "rank", "days")
    told: dict[str, Any] = {key: value for key, value in one.to_dict().items() if key in kept}
    if one.title:
        told["title"] = shortened(one.title)
    if one.names:
        told["names"] = [shortened(name) for name in one.names]
    if one.kind is Kind.EVENT:
        told["verb"] = verb(one, language)
    if one.share is not None:
        told["percent"] = percent(one.share)
    return {"id": alias, "means": _MEANING[one.kind], **told}
