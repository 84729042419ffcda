"""Whether a language model may re-rank: measured on a few validation people, kept only where they are served better.

Somebody whose next item is not among the candidates can neither gain nor lose by their order, so only the others are
asked; all people count in the figures.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from zhiyin.evaluate.intervals import Difference, bootstrap_difference
from zhiyin.evaluate.measure import Ranker
from zhiyin.evaluate.metrics import Values
from zhiyin.ports import LanguageModels, Progress, Render
from zhiyin.preprocess.splits import Trial
from zhiyin.rank.bounded import order_of
from zhiyin.rank.llm_ranker import Asked, LlmRanker, LlmRankerParams, Reranked
from zhiyin.scripts import language_of
from zhiyin.search import K
from zhiyin.short import part, with_last
from zhiyin.types import Catalogue, Floats, Histories, Ints, Tier

CHUNK = 8
"""People asked about at once; budgets are looked at in between."""
MOST_FAILED = 0.1
"""With a larger share of failures the model is not let in, whatever the others gained."""


class GateParams(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    people: int = Field(200, ge=10, le=100_000)
    """Validation people whose candidates are re-ranked, at most."""
    tokens: int = Field(500_000, ge=0)
    """Prompt tokens spent on them, at most; those out of the cache are free."""
    seconds: float = Field(600.0, gt=0)
    """Deadline of it all. What was not reached counts as failed."""


@dataclass(frozen=True)
class Gate:
    """``open`` says whether the model may re-rank; ``reason`` why, on one line. ``gain`` is the paired difference in
    NDCG@10 over all people whose candidates were looked at, None where nothing was measured."""

    open: bool
    reason: str
    gain: Difference | None
    asked: int
    tokens: int

    def to_dict(self) -> dict[str, Any]:
        gain = None if self.gain is None else [self.gain.mean, self.gain.low, self.gain.high]
        return {"open": self.open, "reason": self.reason, "gain": gain, "asked": self.asked, "tokens": self.tokens}


@dataclass(frozen=True)
class Sample:
    """People to ask about. ``targets`` is the place of the target among the candidates of each. ``share`` of all people
    have their target among the candidates."""

    asked: list[Asked]
    targets: list[int]
    share: float


def decide(
    models: LanguageModels,
    render: Render,
    ranker: Ranker,
    trial: Trial,
    catalogue: Catalogue,
    *,
    params: LlmRankerParams,
    gate: GateParams,
    seed: int,
    progress: Progress | None = None,
) -> Gate:
    """Measure ``params`` on people of ``trial`` (part "validation") whose histories are cut to 1 ..
    ``params.most_events`` events, their candidates out of ``ranker``. Never raises LlmError."""
    sample = draw(ranker, trial, catalogue, params, gate.people, seed)
    if len(sample.asked) < 2:
        return Gate(False, "too few validation people to measure it on", None, 0, 0)
    done, tokens = ask(LlmRanker(models, render, params), sample.asked, gate, progress)
    failed = [one.reason for one in done if one.reason is not None]
    if len(failed) > MOST_FAILED * len(done):
        return Gate(False, f"{len(failed)} of {len(done)} answers failed: {failed[0]}", None, len(done), tokens)
    after = np.array([gain_at(one, target) for one, target in zip(done, sample.targets, strict=True)])
    gain = difference(after, before(sample), sample.share, seed)
    word = "gain" if gain.low > 0 else "do not gain for sure"
    reason = f"validation people {word}: NDCG@{K} {gain.mean:+.4f}, 95 % {gain.low:+.4f} to {gain.high:+.4f}"
    return Gate(gain.low > 0, reason, gain, len(done), tokens)


def draw(ranker: Ranker, trial: Trial, catalogue: Catalogue, params: LlmRankerParams, people: int, seed: int) -> Sample:
    """At most ``people`` people whose target is among their candidates, each with one length of history, all lengths
    alike often."""
    order = np.random.default_rng([seed, 3]).permutation(len(trial.users))
    length = np.empty(len(order), dtype=np.int64)
    length[order] = 1 + np.arange(len(order)) % params.most_events
    allowed = ~catalogue.hidden if catalogue.hidden.any() else None
    asked, targets, everybody = [], [], 0
    for events in range(1, params.most_events + 1):
        cut = with_last(part(trial, np.flatnonzero(length == events)), events)
        everybody += len(cut.users)
        rows, scores = ranker.top_k(cut.histories, params.candidates, allowed=allowed)
        for place in np.flatnonzero((rows == cut.targets.items[:, None]).any(axis=1)).tolist():
            asked.append(
                asked_about(
                    str(cut.users[place]), cut.histories.slice(place, place + 1), rows[place], scores[place], catalogue
                )
            )
            targets.append(int(np.flatnonzero(rows[place] == cut.targets.items[place])[0]))
    share = len(asked) / max(1, everybody)
    picked = np.sort(np.random.default_rng([seed, 4]).permutation(len(asked))[:people])
    return Sample([asked[place] for place in picked], [targets[place] for place in picked], share)


def asked_about(key: str, history: Histories, rows: Ints, scores: Floats, catalogue: Catalogue) -> Asked:
    """One person's candidates as the re-ranker takes them; places beyond the end of a short list are left out."""
    kept = rows >= 0
    recent = [catalogue.titles[row] or catalogue.texts[row] for row in history.items]
    titles = [catalogue.titles[row] or catalogue.texts[row] for row in rows[kept]]
    return Asked(key, recent, len(history.items), titles, scores[kept], language=language_of([*recent, *titles]))


def reordered(rows: Ints, scores: Floats, done: Reranked) -> tuple[Ints, Floats]:
    """One person's list with its first places in the new order. Scores stay with the places, so that they fall along
    the list and what was not shown to the model stays below what was."""
    first = len(done.order)
    return np.concatenate((rows[:first][done.order], rows[first:])), scores


def ask(
    ranker: LlmRanker, asked: Sequence[Asked], gate: GateParams, progress: Progress | None = None
) -> tuple[list[Reranked], int]:
    """What came out for each, and the tokens computed; stops asking where a budget is spent, which drops the rest."""
    done: list[Reranked] = []
    tokens, end = 0, time.monotonic() + gate.seconds
    for start in range(0, len(asked), CHUNK):
        left = end - time.monotonic()
        if left <= 0 or tokens > gate.tokens:
            reason = "the seconds of the gate are spent" if left <= 0 else "the tokens of the gate are spent"
            bases = [one.base.astype(np.float64) for one in asked[start:]]
            done += [Reranked(order_of(base), base, Tier.NONE, reason) for base in bases]
            break
        done += ranker.rerank_all(asked[start : start + CHUNK], seconds=left, progress=progress)
        tokens += sum(one.computed for one in done[start:])
    return done, tokens


def gain_at(one: Reranked, target: int) -> float:
    """NDCG@10 where ``target`` is the place of the only relevant candidate."""
    rank = int(np.flatnonzero(one.order == target)[0])
    return float(1 / np.log2(rank + 2)) if rank < K else 0.0


def before(sample: Sample) -> Values:
    """NDCG@10 of the order given: float64 [people]."""
    return np.array([1 / np.log2(target + 2) if target < K else 0.0 for target in sample.targets])


def difference(after: Values, before: Values, share: float, seed: int) -> Difference:
    """Over all people: the others' difference is 0."""
    gap = bootstrap_difference(after, before, seed=seed)
    return Difference(gap.mean * share, gap.low * share, gap.high * share, gap.users)
