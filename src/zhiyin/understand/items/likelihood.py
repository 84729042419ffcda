"""Reading items by the likelihood that a small model gives to fixed options.

A model of this size writes poor text but ranks words usefully. It is asked for two things alone: which of a few topics
an item has that rules could not place, and for whom an item is that names nobody. Everything else is as rules read it.
Each option's likelihood behind the item is set against its likelihood behind the same words without the item (Zhao et
al. 2021, "Calibrate before use", arXiv:2102.09690), so that common words do not win by being common.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from zhiyin.calibration import probabilities
from zhiyin.errors import LlmError
from zhiyin.ports import LanguageModels, Options, Render
from zhiyin.types import Floats, ItemFeatures, Job, Tier
from zhiyin.understand.items.asking import Asked
from zhiyin.understand.items.audience import GROUPS
from zhiyin.understand.items.context import Hints
from zhiyin.understand.items.source import ItemSource
from zhiyin.understand.items.taxonomy import Taxonomy
from zhiyin.understand.texts import shorten

TOPIC, AUDIENCE = "item_topic", "item_audience"
CHARACTERS = 160
"""Beginning of an item's text that the model is shown."""
NO_ITEM = "N/A"
"""Stands where the item would, in the question that calibrates."""
EVERYONE = {"zh": "所有人", "en": "everyone"}
CONFIDENT = 0.5
"""Share of the calibrated likelihood from which on an audience is believed; "everyone" is one of the options."""
TOPIC_WEIGHT = 0.8
"""Weight of a topic chosen by likelihood: above those that rules find without a category."""


class LikelihoodReader:
    """``models`` must answer ``likelihoods`` for items. Prompts' ``user`` part is what an option continues."""

    def __init__(self, models: LanguageModels, render: Render, taxonomy: Taxonomy) -> None:
        self._models = models
        self._render = render
        self._taxonomy = taxonomy
        self._neutral: dict[tuple[str, str], float] = {}
        self._bare: dict[str, str] = {}

    def versions(self) -> str:
        """The prompts' names and versions: part of what decides an answer."""
        return "+".join(self._prefix(kind, spoken, "")[0] for kind in (TOPIC, AUDIENCE) for spoken in EVERYONE)

    def read(
        self, sources: Sequence[ItemSource], hints: Sequence[Hints], ruled: Sequence[ItemFeatures], asked: Asked
    ) -> list[ItemFeatures | LlmError]:
        """``ruled``, what rules read, with what the model adds; an error for each item it was asked about in vain."""
        questions: list[tuple[int, str, list[str], Options]] = []
        for row, (source, hint, rule) in enumerate(zip(sources, hints, ruled, strict=True)):
            text = shorten(source.text, CHARACTERS)
            if not text:
                continue
            spoken = "zh" if rule.language == "zh" else "en"
            if not hint.certain and len(hint.choices) > 1:
                names = [self._taxonomy.name(key) for key in hint.choices]
                questions.append((row, TOPIC, list(hint.choices), self._ask(TOPIC, spoken, text, names)))
            if not rule.audience:
                keys, names = _groups(spoken)
                questions.append((row, AUDIENCE, keys, self._ask(AUDIENCE, spoken, text, names)))
        answers = self._shares([question for *_, question in questions], asked)
        found: list[ItemFeatures | LlmError] = [replace(rule, tier=Tier.EMBEDDED) for rule in ruled]
        for (row, kind, keys, _), shares in zip(questions, answers, strict=True):
            so_far = found[row]
            if isinstance(so_far, LlmError):
                continue
            if isinstance(shares, LlmError):
                found[row] = shares
            elif kind == TOPIC:
                best = keys[int(shares.argmax())]
                rest = {key: weight for key, weight in so_far.topics.items() if key != best}
                found[row] = replace(so_far, topics={best: TOPIC_WEIGHT, **rest})
            elif keys[best_place := int(shares.argmax())] and shares[best_place] >= CONFIDENT:
                found[row] = replace(so_far, audience=[keys[best_place]])
        return found

    def topic_shares(
        self, texts: Sequence[str], names: Sequence[str], spoken: str, asked: Asked
    ) -> list[Floats | LlmError]:
        """How the calibrated likelihood is shared among topics ``names``, float32 [names] that sum to 1, per text."""
        return self._shares([self._ask(TOPIC, spoken, shorten(text, CHARACTERS), names) for text in texts], asked)

    def choose_terms(self, titles: Sequence[Sequence[str]], terms: Sequence[Sequence[str]], asked: Asked) -> list[str]:
        """For each group of titles the term that the model finds likeliest; the first one where it fails."""
        questions = [
            self._ask(TOPIC, "en", shorten("; ".join(shown), 2 * CHARACTERS), list(words))
            for shown, words in zip(titles, terms, strict=True)
        ]
        shares = self._shares(questions, asked)
        return [
            words[0] if isinstance(share, LlmError) else words[int(share.argmax())]
            for words, share in zip(terms, shares, strict=True)
        ]

    def _shares(self, questions: Sequence[Options], asked: Asked) -> list[Floats | LlmError]:
        """The softmax of calibrated log-likelihoods, per question."""
        neutral = self._calibrate(questions, asked)
        if isinstance(neutral, LlmError):
            return [neutral] * len(questions)
        found: list[Floats | LlmError] = []
        for question, logs in zip(questions, self._logs(questions, asked), strict=True):
            if isinstance(logs, LlmError):
                found.append(logs)
                continue
            gained = logs - np.array([neutral[question.name, option] for option in question.options], dtype=np.float32)
            found.append(probabilities(gained))
        return found

    def _calibrate(self, questions: Sequence[Options], asked: Asked) -> dict[tuple[str, str], float] | LlmError:
        """Log-likelihood of every option behind its question without an item; each is asked for once."""
        wanted: dict[str, dict[str, None]] = {}
        for question in questions:
            for option in question.options:
                if (question.name, option) not in self._neutral:
                    wanted.setdefault(question.name, {})[option] = None
        bare = [Options(name, self._bare[name], tuple(options)) for name, options in wanted.items()]
        for question, logs in zip(bare, self._logs(bare, asked), strict=True):
            if isinstance(logs, LlmError):
                return logs
            self._neutral |= {
                (question.name, option): float(log) for option, log in zip(question.options, logs, strict=True)
            }
        return self._neutral

    def _logs(self, questions: Sequence[Options], asked: Asked) -> list[Floats | LlmError]:
        found: list[Floats | LlmError] = []
        for result in self._models.likelihoods(Job.ITEMS, questions) if questions else []:
            if isinstance(result, LlmError):
                asked.fail(result)
                found.append(result)
                continue
            asked.calls += not result.cached
            asked.tokens_in += result.computed
            found.append(result.logs)
        return found

    def _ask(self, kind: str, spoken: str, text: str, names: Sequence[str]) -> Options:
        name, prefix = self._prefix(kind, spoken, text)
        if name not in self._bare:
            self._bare[name] = self._prefix(kind, spoken, NO_ITEM)[1]
        # Chinese goes on without a space.
        gap = "" if spoken == "zh" else " "
        return Options(name, prefix, tuple(f"{gap}{word}" for word in names))

    def _prefix(self, kind: str, spoken: str, text: str) -> tuple[str, str]:
        prompt = self._render(kind, language=spoken, text=text)
        return prompt.name, prompt.user


def _groups(spoken: str) -> tuple[list[str], list[str]]:
    """Keys and words of the audiences; the first is everybody, whose key is ""."""
    chinese = spoken == "zh"
    words = [group.chinese if chinese else group.name for group in GROUPS]
    return ["", *(group.name for group in GROUPS)], [EVERYONE[spoken], *words]
