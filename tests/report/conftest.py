"""Content of a report, measured on forty people who take tea or audio gear, with titles that would break a page."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from zhiyin.candidates.item_knn import ItemKNN
from zhiyin.candidates.popular import WindowedPopularity
from zhiyin.evaluate.measure import measure
from zhiyin.evaluate.protocol import Protocol
from zhiyin.evaluate.report import report
from zhiyin.preprocess.splits import leave_one_out
from zhiyin.report import ReportContent
from zhiyin.testing.fixtures import DAY, START, training_data
from zhiyin.types import TrainingData

TITLES = [
    "<script>alert('茶')</script>",
    "Tom & Jerry",
    "绿茶 🍵 「特级」",
    '"><img src=x onerror=alert(1)>',
    "{{ 7 * 7 }}",
]


def people() -> TrainingData:
    """Forty people took 3 to 8 of ten teas or of ten pieces of gear, a day apart."""
    random = np.random.default_rng(7)
    histories = {
        f"人 {user}": [f"{'tea' if user % 2 else 'gear'}/{item}" for item in random.permutation(10)[: 3 + user % 6]]
        for user in range(40)
    }
    times = {user: [START + place * DAY for place in range(len(items))] for user, items in histories.items()}
    return training_data(histories, items=["never/taken"], times=times, now=START + 9 * DAY)


def content_of(data: TrainingData, **changed: Any) -> ReportContent:
    split = leave_one_out(data.interactions)
    trial = split.strict()
    fitted = {
        name: kind().fit(TrainingData(trial.train, data.catalogue, 0, trial.now))
        for name, kind in (("popular", WindowedPopularity), ("item_knn", ItemKNN))
    }
    models = {name: measure(model, trial, data.catalogue, resamples=200) for name, model in fitted.items()}
    protocol = Protocol.of(split, trial)
    histories = data.interactions.histories
    values: dict[str, Any] = {
        "project": "商店 <b>Tea & Audio</b>",
        "bundle": "20260101T000000-abc",
        "created": START,
        "encoder": None,
        "stored": {"users": 41, "items": 21, "events": 1234567},
        "cleaning": {
            "rows_in": 250,
            "dropped": {"events of bots": 17, "repeats of the same user and item": 0},
            "rows_out": len(histories.items),
            "users": 40,
            "items": 20,
            "bots": ["bot <1>"],
            "unit": 1.0,
        },
        "item_counts": np.bincount(histories.items, minlength=data.interactions.n_items),
        "event_times": histories.times,
        "evaluation": report(models, protocol, "item_knn"),
        "protocol": protocol.describe(),
        "baseline": "popular",
        "search": {
            "popular": {"params": {"days": 90.0}, "NDCG@10": 0.25, "trials": 5, "nominal_seconds": 5.9},
            "item_knn": {"params": {"weighting": "a<b"}, "NDCG@10": 0.5, "trials": 16, "nominal_seconds": 19.4},
        },
        "search_seconds": 240.0,
        "samples": [
            {
                "user_id": "人 <7>",
                "role": "typical",
                "temperature": "hot",
                "fallback": None,
                "history": TITLES,
                "items": [
                    {
                        "item_id": f"id/{place}",
                        "title": title,
                        "rank": place + 1,
                        "reasons": [
                            {
                                "kind": "history",
                                "item_id": "id",
                                "title": "<i>源</i>",
                                "share": 0.31,
                                "shared": ["<u>", "茶"],
                            }
                        ],
                    }
                    for place, title in enumerate([*TITLES, None])
                ],
            },
            {
                "user_id": "nobody",
                "role": "cold",
                "temperature": "cold",
                "fallback": {"reason": "nothing is known of this person yet: popular items"},
                "history": [],
                "items": [],
            },
        ],
    }
    return ReportContent(**{**values, **changed})


@pytest.fixture(scope="session")
def data() -> TrainingData:
    return people()


@pytest.fixture(scope="session")
def content(data: TrainingData) -> ReportContent:
    return content_of(data)
