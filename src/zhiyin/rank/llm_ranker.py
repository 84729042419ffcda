"""A language model's second opinion on one person's best candidates, in four ways, its share bounded.

``likelihood``   how much likelier is a candidate's text after what the person took than after nothing in particular:
                 (log p(text | person) - log p(text | nobody)) / tokens. The person's part is computed once for all
                 candidates; the other part is the same for everybody and comes out of the client's cache. What a small
                 model can do that follows no instruction.
``yes_no``       log p("text? yes" | person) - log p("text? no" | person): the text's own likelihood cancels out, and
                 the person's part is shared here too.
``listwise``     the model puts the candidates in order; asked several times with the candidates shuffled, for models
                 favour places (arXiv:2305.08845), and averaged by Borda count. An answer that is no permutation is
                 dropped.
``endpoint``     relevance from a rerank address.

What comes out is the base scores with a bounded change (``bounded``), or, whenever the model gave nothing that can be
used, the base order with the reason.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from zhiyin.errors import LlmError, LlmNonsense, LlmOff
from zhiyin.ports import NO_MODEL, Answer, LanguageModels, Likelihoods, Options, Progress, Render
from zhiyin.rank.bounded import borda, bounded, order_of
from zhiyin.rank.listwise import order_in, shuffles
from zhiyin.rank.wording import Wording, cut
from zhiyin.types import Floats, Job, Tier

Method = Literal["likelihood", "yes_no", "listwise", "endpoint"]


class LlmRankerParams(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    method: Method = "likelihood"
    """How the model is asked."""
    candidates: int = Field(20, ge=2, le=100)
    """The best so many of the base order are shown to the model; the others stay below them as they are."""
    weight: float = Field(0.25, ge=0, le=2)
    """Share of the model. No candidate passes another whose base score is more than twice this weight, in standard
    deviations of the candidates' base scores, higher."""
    most_events: int = Field(3, ge=1, le=10_000)
    """People with more events are left as they are: with a long history the model knows less than the counts."""
    recent: int = Field(10, ge=1, le=1000)
    """So many of the person's latest items are shown to the model."""
    characters: int = Field(80, ge=8, le=10_000)
    """Longer titles are cut here."""
    shuffles: int = Field(3, ge=1, le=20)
    """listwise: how often one list is asked for, each time in another order."""


@dataclass(frozen=True)
class Asked:
    """One person's candidates. ``titles`` [n] and ``base`` float32 [n] (finite) are aligned, in any order; ``recent``
    are titles of what the person took, oldest first; ``profile`` is a text about them or "". ``key`` seeds the
    shuffles: the same key gives the same ones. ``events`` is the length of the whole history. ``language`` chooses the
    words round the data."""

    key: str
    recent: Sequence[str]
    events: int
    titles: Sequence[str]
    base: Floats
    profile: str = ""
    language: Literal["en", "zh"] = "en"


@dataclass(frozen=True)
class Reranked:
    """``order`` int64 [n]: places of the candidates given, best first. ``scores`` float64 [n], aligned with the
    candidates, falling along ``order``. ``tier`` is ``none`` and ``reason`` says why where the model changed nothing;
    ``reason`` is None where it took part. ``computed`` counts prompt tokens that went through the model. ``said``
    float32 [n] is what the model said (NaN where nothing)."""

    order: NDArray[np.int64]
    scores: NDArray[np.float64]
    tier: Tier
    reason: str | None
    computed: int = 0
    said: Floats = field(default_factory=lambda: np.zeros(0, dtype=np.float32))


Said = tuple[Floats, int]
"""What the model said of each candidate, float32 [n], and the tokens computed for it."""


class LlmRanker:
    """Asks ``models`` for the job ``rerank``; ``render`` is ``zhiyin.llm.prompts.render``."""

    def __init__(self, models: LanguageModels, render: Render, params: LlmRankerParams | None = None) -> None:
        self.models = models
        self.wording = Wording(render)
        self.params = params or LlmRankerParams()
        self._ways: dict[str, Callable[[Sequence[Asked], float | None, Progress | None], list[Said | LlmError]]] = {
            "likelihood": self._likelihood,
            "yes_no": self._yes_no,
            "listwise": self._listwise,
            "endpoint": self._endpoint,
        }

    def rerank(self, asked: Asked, *, seconds: float | None = None) -> Reranked:
        """One person's candidates in their new order, within ``seconds`` (None: as configured)."""
        return self.rerank_all([asked], seconds=seconds)[0]

    def rerank_all(
        self, asked: Sequence[Asked], *, seconds: float | None = None, progress: Progress | None = None
    ) -> list[Reranked]:
        """The same for many people, in one batch with one deadline. Never raises LlmError: every failure is a mark."""
        reasons = [self.barred(one) for one in asked]
        places = [place for place, reason in enumerate(reasons) if reason is None]
        said: dict[int, Said | LlmError] = {}
        if places:
            given = self._ways[self.params.method]([asked[place] for place in places], seconds, progress)
            said = dict(zip(places, given, strict=True))
        return [self._joined(one, reasons[place], said.get(place)) for place, one in enumerate(asked)]

    def barred(self, asked: Asked) -> str | None:
        """Why the model is not asked about this person at all; None where it is."""
        if not asked.recent and not asked.profile:
            return "nothing is known of this person yet"
        if asked.events > self.params.most_events:
            most = self.params.most_events
            return f"the history has {asked.events} events, and models re-rank up to {most}"
        if len(asked.titles) < 2:
            return "there is nothing to choose between"
        return None

    def _joined(self, asked: Asked, reason: str | None, said: Said | LlmError | None) -> Reranked:
        base = np.asarray(asked.base, dtype=np.float64)
        if not np.isfinite(base).all() or len(base) != len(asked.titles):
            raise ValueError("every candidate needs one finite base score")
        if isinstance(said, LlmError):
            reason = said.line
        elif said is not None and not np.isfinite(said[0]).any():
            reason = LlmNonsense("the model gave no number for any candidate").line
        if said is None or isinstance(said, LlmError) or reason is not None:
            return Reranked(order_of(base), base, Tier.NONE, reason)
        values, computed = said
        scores = bounded(base, values, self.params.weight)
        # Equal scores keep the base order.
        order = np.lexsort((-base, -scores))
        return Reranked(order, scores, self._tier(), None, computed, values)

    def _tier(self) -> Tier:
        return Tier.REMOTE if self.params.method == "endpoint" else self.models.tier(Job.RERANK)

    def _recent(self, asked: Asked) -> list[str]:
        return [cut(title, self.params.characters) for title in asked.recent[-self.params.recent :]]

    def _person(self, asked: Asked) -> str:
        return self.wording.person(self._recent(asked), asked.profile, asked.language)

    def _titles(self, asked: Asked) -> list[str]:
        return [cut(title, self.params.characters) for title in asked.titles]

    def _likelihood(
        self, asked: Sequence[Asked], seconds: float | None, progress: Progress | None
    ) -> list[Said | LlmError]:
        wording = self.wording
        questions: list[Options] = []
        places: list[list[int]] = []
        neutral: dict[tuple[str, str], int] = {}
        for one in asked:
            options = tuple(wording.option(title, one.language) for title in self._titles(one))
            questions.append(Options(wording.likelihood, self._person(one) + wording.words(one.language).next, options))
            before = wording.words(one.language).nobody
            # One question for each text, so that the next person who is shown it finds it in the cache.
            places.append([neutral.setdefault((before, option), len(neutral)) for option in options])
        questions += [Options(wording.likelihood, before, (option,)) for before, option in neutral]
        given = self.models.likelihoods(Job.RERANK, questions, seconds=seconds, progress=progress)
        alone = given[len(asked) :]
        return [lift(mine, [alone[place] for place in row]) for mine, row in zip(given, places, strict=False)]

    def _yes_no(
        self, asked: Sequence[Asked], seconds: float | None, progress: Progress | None
    ) -> list[Said | LlmError]:
        wording = self.wording
        questions = []
        for one in asked:
            options = [
                wording.answered(title, yes, one.language) for title in self._titles(one) for yes in (True, False)
            ]
            prefix = self._person(one) + wording.words(one.language).question
            questions.append(Options(wording.yes_no, prefix, tuple(options)))
        given = self.models.likelihoods(Job.RERANK, questions, seconds=seconds, progress=progress)
        return [one if isinstance(one, LlmError) else (one.logs[0::2] - one.logs[1::2], one.computed) for one in given]

    def _listwise(
        self, asked: Sequence[Asked], seconds: float | None, progress: Progress | None
    ) -> list[Said | LlmError]:
        prompts, orders = [], []
        for one in asked:
            titles = self._titles(one)
            orders.append(shuffles(len(titles), self.params.shuffles, one.key))
            for order in orders[-1]:
                shown = [titles[place] for place in order]
                prompts.append(self.wording.listwise(self._recent(one), one.profile, shown, one.language))
        answers = iter(self.models.complete(Job.RERANK, prompts, seconds=seconds, progress=progress))
        return [_averaged(shown, [next(answers) for _ in shown]) for shown in orders]

    def _endpoint(
        self, asked: Sequence[Asked], seconds: float | None, progress: Progress | None
    ) -> list[Said | LlmError]:
        found: list[Said | LlmError] = []
        end = None if seconds is None else time.monotonic() + seconds
        for one in asked:
            left = None if end is None else max(0.0, end - time.monotonic())
            given = self.models.rerank(Job.RERANK, self._person(one), self._titles(one), seconds=left)
            found.append(given if isinstance(given, LlmError) else (np.asarray(given, dtype=np.float32), 0))
        return found


def lift(mine: Likelihoods | LlmError, alone: Sequence[Likelihoods | LlmError]) -> Said | LlmError:
    """(log p(text | person) - log p(text | nobody)) / tokens of each candidate; NaN where the second part failed.

    An error where the person's part failed, or the second part of every candidate."""
    if isinstance(mine, LlmError):
        return mine
    failed = [one for one in alone if isinstance(one, LlmError)]
    if alone and len(failed) == len(alone):
        return failed[0]
    without = np.array([np.nan if isinstance(one, LlmError) else one.logs[0] for one in alone], dtype=np.float32)
    computed = mine.computed + sum(one.computed for one in alone if not isinstance(one, LlmError))
    return ((mine.logs - without) / np.maximum(mine.tokens, 1)).astype(np.float32), computed


def _averaged(shown: Sequence[Sequence[int]], answers: Sequence[Answer | LlmError]) -> Said | LlmError:
    """The mean of the usable orders, in the candidates' own places; the first error where none can be used."""
    orders, errors, computed = [], [], 0
    for order, answer in zip(shown, answers, strict=True):
        try:
            if isinstance(answer, LlmError):
                raise answer
            orders.append([order[place] for place in order_in(answer, len(order))])
            computed += answer.tokens_in
        except LlmError as unusable:
            errors.append(unusable)
    if not orders:
        return errors[0] if errors else LlmOff(NO_MODEL)
    return borda(orders, len(shown[0])), computed
