"""From plain words to wishes: rules first, a language model where it may add something."""

from __future__ import annotations

from dataclasses import replace

from zhiyin.ports import LanguageModels, NoLanguageModels, Render
from zhiyin.types import Job, Tier
from zhiyin.understand.wishes.asked import Asked
from zhiyin.understand.wishes.asking import with_model
from zhiyin.understand.wishes.reading import read
from zhiyin.understand.wishes.vocabulary import Vocabulary
from zhiyin.understand.wishes.words import clean, han_share

CHINESE = 0.3
"""A request with at least this share of Chinese characters is answered in Chinese."""


def parse(
    text: str,
    vocabulary: Vocabulary,
    models: LanguageModels | None = None,
    *,
    render: Render | None = None,
    seconds: float | None = None,
) -> Asked:
    """What ``text`` asks for. Never raises for any text; a text that asks for nothing gives no wishes.

    ``render`` is ``zhiyin.llm.prompts.render``: without it no server's model is asked. The rules' reading stands
    wherever a model is absent, fails, or answers something the request does not say.
    """
    models = models or NoLanguageModels()
    found = read(text, vocabulary)
    language = "zh" if han_share(clean(text)) >= CHINESE else "en"
    note = f"not in this catalogue: {', '.join(dict.fromkeys(found.unknown))}" if found.unknown else None
    plain = Asked(
        found.wishes,
        language,
        Tier.NONE,
        note,
        found.k,
        list(dict.fromkeys(found.unknown)),
        found.left,
        found.corrected,
    )
    if models.tier(Job.QUERIES) is Tier.NONE:
        why = models.unavailable(Job.QUERIES)
        return plain if why is None else replace(plain, failed=why.line)
    return with_model(text, plain, vocabulary, models, render, seconds)
