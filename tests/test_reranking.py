"""The gate of the re-ranker: opened by a gain on validation people alone, and closed by every failure."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from zhiyin.candidates.fill import Filled
from zhiyin.candidates.popular import WindowedPopularity
from zhiyin.errors import LlmError, LlmTimeout
from zhiyin.llm.prompts import render
from zhiyin.ports import Likelihoods, NoLanguageModels, Options, Progress
from zhiyin.preprocess.splits import Trial
from zhiyin.rank.llm_ranker import LlmRankerParams, Reranked
from zhiyin.reranking import GateParams, decide, draw, reordered
from zhiyin.testing.fixtures import training_data
from zhiyin.types import Histories, Job, Tier, TrainingData

PARAMS = LlmRankerParams(weight=2.0, candidates=12)
GATE = GateParams(people=60, tokens=10**6, seconds=60)


class Twins(NoLanguageModels):
    """Knows that an item and its twin have the same number in their titles; ``sign`` -1 says the opposite."""

    def __init__(self, sign: float = 1.0, fails: Callable[[int], bool] = lambda place: False, tokens: int = 10) -> None:
        self.sign = sign
        self.fails = fails
        self.tokens = tokens
        self.people = 0

    def tier(self, job: Job) -> Tier:
        return Tier.EMBEDDED

    def likelihoods(
        self, job: Job, asked: Sequence[Options], *, seconds: float | None = None, progress: Progress | None = None
    ) -> list[Likelihoods | LlmError]:
        found: list[Likelihoods | LlmError] = []
        for one in asked:
            personal = "same" in one.prefix
            self.people += personal
            if personal and self.fails(self.people):
                found.append(LlmTimeout("too slow"))
                continue
            last = one.prefix.split("\n")[-3] if personal else ""
            twin = [personal and option.split()[-1] == last.split()[-1] for option in one.options]
            logs = np.array([self.sign * 9.0 * known for known in twin], dtype=np.float32)
            ones = np.ones(len(one.options), dtype=np.int32)
            found.append(Likelihoods(logs, ones, Tier.EMBEDDED, "twins", False, self.tokens * personal))
        return found


def people(n: int = 120) -> tuple[TrainingData, Trial]:
    """Everybody has the a of one number and takes the b of the same; popularity knows nothing of it."""
    random = np.random.default_rng(8)
    items = [f"{side} {number}" for side in "ab" for number in range(6)]
    data = training_data({f"u/{row}": [items[row % 12]] for row in range(24)}, items=items)
    pick = random.integers(0, 6, n)
    histories = Histories.of([[int(one)] for one in pick])
    targets = Histories.of([[6 + int(one)] for one in pick])
    users = np.arange(n, dtype=np.int32)
    return data, Trial("validation", "strict", data.interactions, data.now, users, histories, targets)


def gate(models: Any, **changes: Any) -> Any:
    data, trial = people()
    ranker = Filled(popular := WindowedPopularity().fit(data), popular)
    told: dict[str, Any] = {"params": PARAMS.model_copy(update={"most_events": 1}), "gate": GATE, "seed": 2} | changes
    return decide(models, render, ranker, trial, data.catalogue, **told)


def test_a_gain_opens_it() -> None:
    found = gate(Twins())
    assert found.open
    assert found.gain.low > 0
    assert found.asked == 60
    assert found.tokens == 600
    assert found.reason.startswith("validation people gain: NDCG@10 +0.")
    assert gate(Twins()).to_dict() == found.to_dict()


def test_a_loss_or_nothing_keeps_it_shut() -> None:
    for models in (Twins(-1.0), Twins(0.0)):
        found = gate(models)
        assert not found.open
        assert "do not gain" in found.reason


def test_failures_keep_it_shut() -> None:
    none = gate(NoLanguageModels())
    assert not none.open
    assert none.reason == "60 of 60 answers failed: no language model is configured"
    assert gate(Twins(fails=lambda place: place % 20 == 0)).open, "one in twenty may fail"
    often = gate(Twins(fails=lambda place: place % 5 == 0))
    assert not often.open
    assert often.reason == "12 of 60 answers failed: too slow"


def test_a_spent_budget_keeps_it_shut() -> None:
    models = Twins(tokens=100)
    found = gate(models, gate=GATE.model_copy(update={"tokens": 2000}))
    assert not found.open
    assert "the tokens of the gate are spent" in found.reason
    assert found.tokens == 2400, "chunks of eight people"
    assert models.people == 24


def test_too_few_people() -> None:
    data, trial = people(1)
    ranker = Filled(popular := WindowedPopularity().fit(data), popular)
    params = PARAMS.model_copy(update={"most_events": 1})
    found = decide(Twins(), render, ranker, trial, data.catalogue, params=params, gate=GATE, seed=1)
    assert not found.open
    assert found.gain is None


def test_the_target_is_no_part_of_what_is_known() -> None:
    data, trial = people()
    ranker = Filled(popular := WindowedPopularity().fit(data), popular)
    sample = draw(ranker, trial, data.catalogue, PARAMS.model_copy(update={"most_events": 1}), 50, 2)
    assert sample.share == 1.0
    for asked, target in zip(sample.asked, sample.targets, strict=True):
        assert asked.titles[target] not in asked.recent
        assert asked.titles[target].split()[1] == asked.recent[0].split()[1]
        assert list(asked.titles).count(asked.titles[target]) == 1
        assert not set(asked.titles) & set(asked.recent)


def test_a_list_in_its_new_order() -> None:
    rows, scores = np.array([5, 9, 2, 7], dtype=np.int32), np.array([4, 3, 2, 1], dtype=np.float32)
    done = Reranked(np.array([2, 0, 1]), np.array([0.5, 0.1, 0.9]), Tier.EMBEDDED, None)
    found, values = reordered(rows, scores, done)
    assert found.tolist() == [2, 5, 9, 7]
    assert values.tolist() == [4, 3, 2, 1]
