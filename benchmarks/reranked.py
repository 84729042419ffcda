"""Candidates re-ranked by the language model in this process, on people drawn by seed; the weight is chosen on
validation people and tested on others."""

from __future__ import annotations

import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.tables import figure, markdown
from zhiyin.cli.common import open_project
from zhiyin.config import FILE_NAME
from zhiyin.evaluate.intervals import Difference
from zhiyin.evaluate.measure import Ranker
from zhiyin.evaluate.metrics import Values
from zhiyin.llm.opening import open_models
from zhiyin.llm.prompts import render
from zhiyin.ports import LanguageModels, Progress
from zhiyin.preprocess.splits import Trial
from zhiyin.rank.bounded import bounded
from zhiyin.rank.llm_ranker import LlmRanker, LlmRankerParams, Method, Reranked
from zhiyin.reranking import GateParams, Sample, ask, before, difference, draw, gain_at
from zhiyin.types import Catalogue, Job, Tier

WEIGHTS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0)
METHODS: tuple[Method, ...] = ("likelihood", "yes_no")
TOML = (
    'name = "reranked"\n[llm]\nprovider = "embedded"\njobs = ["rerank"]\nbatch_seconds = 3600\nanswer_seconds = 3600\n'
)


@dataclass(frozen=True)
class Opinions:
    """What a model said of a sample's candidates, the people it failed on left out."""

    sample: Sample
    said: list[Reranked]
    failed: list[str]
    seconds: float
    tokens: int

    def with_weight(self, weight: float) -> Values:
        """NDCG@10 of each person asked, at that weight."""
        values = []
        for asked, one, target in zip(self.sample.asked, self.said, self.sample.targets, strict=True):
            scores = bounded(asked.base, one.said, weight) if len(one.said) else np.asarray(asked.base, np.float64)
            order = np.lexsort((-asked.base, -scores))
            values.append(gain_at(Reranked(order, scores, Tier.EMBEDDED, None), target))
        return np.array(values)


def reranked(
    ranker: Ranker,
    tuning: Trial,
    testing: Trial,
    catalogue: Catalogue,
    people: int,
    folder: Path,
    progress: Progress,
    seed: int,
    tested_ranker: Ranker | None = None,
) -> str:
    """A table: each way of asking, the weight chosen, and what it changes for all people. ``tested_ranker`` makes the
    lists of ``testing`` where they are not those of ``ranker``."""
    folder.mkdir()
    (folder / FILE_NAME).write_text(TOML, encoding="utf-8")
    lines, notes = [], []
    with open_project(folder) as project:
        models = open_models(project.settings.llm, project.store, progress)
        for method in METHODS:
            params = LlmRankerParams(method=method)
            chosen, tested = (
                opinions(models, params, ranker, trial, catalogue, people, progress, seed)
                for trial in (tuning, testing)
            )
            if len(tested.failed) == len(tested.said):
                return f"skipped: {tested.failed[0] if tested.failed else 'nobody to ask'}"
            gains = {weight: float((chosen.with_weight(weight) - before(chosen.sample)).mean()) for weight in WEIGHTS}
            best = max(gains, key=lambda one: gains[one])
            weight = best if gains[best] > 0 else 0.0
            shown = dict.fromkeys((weight or best, params.weight))
            lines += [row(method, one, chosen, tested, seed) for one in shown]
            notes.append(
                f"{method}: weight chosen {weight:g}; {tested.seconds / max(1, len(tested.said)):.1f} s and "
                f"{tested.tokens / max(1, len(tested.said)):,.0f} computed tokens a person; "
                f"{len(tested.failed)} of {len(tested.said)} failed."
            )
    header = (
        "asked by",
        "weight",
        "gain on validation",
        "test, asked people: before",
        "after",
        "gain over all test people",
    )
    first = (
        f"\n\nAsked about: {len(chosen.sample.asked)} validation and {len(tested.sample.asked)} test people drawn by "
        f"seed among those whose target is one of the 20 candidates ({chosen.sample.share:.1%} and "
        f"{tested.sample.share:.1%} of all): nobody else's NDCG@10 can change. Model: {models.model(Job.RERANK)}. "
    )
    return markdown(header, lines) + first + " ".join(notes)


def opinions(
    models: LanguageModels,
    params: LlmRankerParams,
    ranker: Ranker,
    trial: Trial,
    catalogue: Catalogue,
    people: int,
    progress: Progress,
    seed: int,
) -> Opinions:
    sample = draw(ranker, trial, catalogue, params, people, seed)
    start = time.perf_counter()
    done, tokens = ask(
        LlmRanker(models, render, params), sample.asked, GateParams(tokens=10**9, seconds=3600), progress
    )
    failed = [one.reason for one in done if one.reason is not None]
    return Opinions(sample, done, failed, time.perf_counter() - start, tokens)


def row(method: str, weight: float, chosen: Opinions, tested: Opinions, seed: int) -> list[str]:
    tuned, found = (
        difference(one.with_weight(weight), before(one.sample), one.sample.share, seed) for one in (chosen, tested)
    )
    plain, after = float(before(tested.sample).mean()), float(tested.with_weight(weight).mean())
    return [method, f"{weight:g}", told(tuned), figure(plain), figure(after), told(found)]


def told(gap: Difference) -> str:
    return f"{gap.mean:+.4f}, 95 % {gap.low:+.4f} to {gap.high:+.4f}"
