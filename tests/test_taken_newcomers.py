"""Somebody who took items that came after training gets a list on every surface, also where nothing tells the interests
of those items."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from zhiyin.answers import Recommendation
from zhiyin.listing import ListRequest
from zhiyin.pipeline import surfaces
from zhiyin.recommend import Engine
from zhiyin.store.appending import EventRow
from zhiyin.testing.project import TEAS


@pytest.mark.parametrize("known", [True, False])
def test_every_surface(trained: Path, tmp_path: Path, known: bool) -> None:
    project = Path(shutil.copytree(trained, tmp_path / "店 one"))
    with Engine.open(project) as engine:
        events = [EventRow("1", "新人", "new/茶", "view", None, 1)]
        events += [EventRow("2", "新人", TEAS[0], "view", None, 2)] if known else []
        with engine.store.writing() as writer:
            writer.add_events(events)
        engine.refresh()
        for name in surfaces(project):
            told = engine.recommend_many([ListRequest("新人", 5, surface=name)])[0]
            assert isinstance(told, Recommendation), (name, told)
            assert told.items
            assert "new/茶" not in [one.item_id for one in told.items]
