"""The simulated week holds its invariants, and its checks would see if it did not."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks import ads
from benchmarks.ads_logged import FOLDER, ITEMS, Learned, Log
from benchmarks.ads_world import World, simulate


def test_a_small_week() -> None:
    ran = simulate(World.make(12_000, 6, 800, 0.5, 1), 1)
    assert len(ran.campaign) > 4000
    assert ads.over_budget(ran) == (0, 0, 0)
    assert ads.broken_caps(ran) == 0
    assert ran.again == 0
    share = ads.delivered(ran)
    assert (share <= 1).all()
    assert np.median(share) > 0.9
    assert ads.over_budget(replace(ran, price=ran.price + 10**9))[2] == len(ran.price), "prices are looked at"
    assert ads.broken_caps(replace(ran, time=np.zeros_like(ran.time))) > 0, "all at one moment is too often"


def test_one_too_many() -> None:
    user, time = np.array([1, 2, 1, 1]), np.array([0, 0, 5, 9])
    assert ads._too_many(user, time, 2, 10) == 1
    assert ads._too_many(user, time, 2, 9) == 0
    assert ads._too_many(user, time, 3, 10) == 0


@pytest.mark.skipif(not FOLDER.is_dir(), reason=f"the data folder {FOLDER} is not here")
def test_a_policy_of_the_logged_shows() -> None:
    log = Log.read("bts")
    learned = Learned.of([(log, np.arange(len(log.log)))], (1000.0, 1.0))
    assert learned.slopes.weights[0] > 0.5, "whoever clicked an item before is likelier to click it again"
    target = learned.target(log.told[:300])
    assert target.shape == (300, ITEMS)
    assert target.sum(axis=1) == pytest.approx(1.0)
    clicked_before = np.flatnonzero((log.told[:, :, 0] > 0).sum(axis=1) == 1)[0]
    own = int(log.told[clicked_before, :, 0].argmax())
    assert learned.target(log.told[clicked_before][None])[0, own] > 3 / ITEMS
