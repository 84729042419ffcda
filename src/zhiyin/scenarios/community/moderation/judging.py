"""What a language model says of texts in doubt: by the likelihood of two fixed words where it can be asked for that,
else by a choice between them. Its say is bounded; the classifier's is the beginning.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from zhiyin.calibration import calibrate, probabilities
from zhiyin.errors import LlmError, LlmOff
from zhiyin.ports import LanguageModels, Options, Render
from zhiyin.scenarios.community.moderation.policy import Policy
from zhiyin.types import Job, Tier

PROMPT, CHOICE = "moderation_likely", "moderation_choice"
CHARACTERS = 300
"""Beginning of a text that the model is shown."""
NO_TEXT = "N/A"
YES = {"zh": ("违规", "正常"), "en": (" offends", " fine")}
SWAY = {Tier.EMBEDDED: 0.5, Tier.REMOTE: 3.0}
"""Log-odds by which a model that is quite sure moves what rules and classifier said."""
SCHEMA = {
    "type": "object",
    "properties": {"answer": {"type": "string", "enum": ["offends", "fine", "unsure"]}},
    "required": ["answer"],
    "additionalProperties": False,
}
ANSWERS = {"offends": 1.0, "fine": -1.0, "unsure": 0.0}


@dataclass(frozen=True)
class Asked:
    """A text in doubt, and the policy it may offend."""

    text: str
    language: str
    policy: Policy


@dataclass(frozen=True)
class Opinion:
    """``sway``: log-odds to add, above 0 where the model finds that the text offends."""

    sway: float
    tier: Tier


def judge(
    models: LanguageModels, render: Render, asked: Sequence[Asked], seconds: float | None = None
) -> list[Opinion | LlmError]:
    """One opinion, or why there is none, for each. All fail together where nobody answers the job."""
    tier = models.tier(Job.MODERATION)
    if tier is Tier.NONE:
        why = models.unavailable(Job.MODERATION) or LlmOff("no language model is configured for moderation")
        return [why for _ in asked]
    if models.can_score(Job.MODERATION):
        return _likely(models, render, asked, seconds)
    prompts = [
        render(
            CHOICE,
            language=one.language,
            schema=SCHEMA,
            text=one.text[:CHARACTERS],
            category=getattr(one.policy.name, one.language),
            about=getattr(one.policy.about, one.language),
        )
        for one in asked
    ]
    return [
        answer if isinstance(answer, LlmError) else Opinion(SWAY[answer.tier] * ANSWERS[answer.data["answer"]], tier)
        for answer in models.complete(Job.MODERATION, prompts, seconds=seconds)
    ]


def _likely(
    models: LanguageModels, render: Render, asked: Sequence[Asked], seconds: float | None
) -> list[Opinion | LlmError]:
    def question(text: str, language: str) -> Options:
        prompt = render(PROMPT, language=language, text=text)
        return Options(prompt.name, prompt.user, YES[language])

    # The same words without a text, so that a word does not win by being common (Zhao et al. 2021, arXiv:2102.09690).
    languages = sorted({one.language for one in asked})
    questions = [question(NO_TEXT, language) for language in languages]
    questions += [question(" ".join(one.text[:CHARACTERS].split()), one.language) for one in asked]
    found = models.likelihoods(Job.MODERATION, questions, seconds=seconds)
    bare = dict(zip(languages, found, strict=False))
    opinions: list[Opinion | LlmError] = []
    for one, said in zip(asked, found[len(languages) :], strict=True):
        without = bare[one.language]
        if isinstance(without, LlmError):
            opinions.append(without)
        elif isinstance(said, LlmError):
            opinions.append(said)
        else:
            share = float(probabilities(calibrate(said, without))[0])
            opinions.append(Opinion(SWAY[said.tier] * (2 * share - 1), said.tier))
    return opinions
