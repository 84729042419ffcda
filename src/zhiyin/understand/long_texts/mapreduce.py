"""A summary by a language model: one question for each piece, one for all answers together.

What the model says is used as text to encode and to show, nothing else. Where it fails, the extract of the same piece
(or of the answers) stands in for it, so there always is a summary, and it says who wrote it.
"""

from __future__ import annotations

from dataclasses import dataclass

from zhiyin.errors import LlmError
from zhiyin.ports import LanguageModels, Render
from zhiyin.types import Job, Tier
from zhiyin.understand.long_texts.cutting import pieces, width
from zhiyin.understand.long_texts.summary import extract

MAP = "long_text_map"
REDUCE = "long_text_reduce"
PIECE = 800.0
"""Tokens of the text in one question."""
PIECES = 64
"""Questions about one text at most: pieces of a longer one are extracted to fit first."""


@dataclass(frozen=True)
class Summary:
    """``tier`` is none where no answer of a model is in it. ``calls`` were asked, ``failed`` of them in vain;
    ``tokens`` went in and out."""

    text: str
    tier: Tier
    calls: int = 0
    failed: int = 0
    tokens: int = 0


def summarise(
    text: str, room: float, models: LanguageModels, render: Render, language: str = "en", job: Job = Job.ITEMS
) -> Summary:
    """At most ``room`` tokens that say what ``text`` says. A text that fits is returned as it is, without a call.

    Answers are cached by the client, so the same text asks nothing twice.
    """
    if width(text) <= room:
        return Summary(" ".join(text.split()), Tier.NONE)
    if models.tier(job) is Tier.NONE:
        return Summary(extract(text, room), Tier.NONE)
    whole = text if width(text) <= PIECE * PIECES else extract(text, PIECE * PIECES * 0.9)
    parts = list(pieces(whole, PIECE))
    answers = models.complete(job, [render(MAP, language=language, text=part) for part in parts])
    said, failed, tokens = [], 0, 0
    for part, answer in zip(parts, answers, strict=True):
        good = not isinstance(answer, LlmError) and answer.text.strip()
        failed += not good
        said.append(extract(answer.text, room) if good and not isinstance(answer, LlmError) else extract(part, room))
        tokens += 0 if isinstance(answer, LlmError) else answer.tokens_in + answer.tokens_out
    joined = "\n".join(said)
    if len(parts) == 1 or failed == len(parts):
        tier = Tier.NONE if failed == len(parts) else models.tier(job)
        return Summary(extract(joined, room), tier, len(parts), failed, tokens)
    (last,) = models.complete(job, [render(REDUCE, language=language, text=extract(joined, 2 * PIECE))])
    if isinstance(last, LlmError) or not last.text.strip():
        return Summary(extract(joined, room), models.tier(job), len(parts) + 1, failed + 1, tokens)
    tokens += last.tokens_in + last.tokens_out
    return Summary(extract(last.text, room), models.tier(job), len(parts) + 1, failed, tokens)
