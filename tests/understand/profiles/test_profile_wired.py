"""From a store and a bundle to a profile, edits and back, on the project of two tastes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from zhiyin.bundle.reading import load
from zhiyin.bundle.writing import BundleContent, write
from zhiyin.config import load_settings
from zhiyin.errors import BundleError, UsageError
from zhiyin.newcomers import Shelf
from zhiyin.ports import Silent
from zhiyin.prepare import Prepared, prepare
from zhiyin.profiling import Profiler
from zhiyin.rank.interests import NAME, InterestModel, InterestParams, name_interests
from zhiyin.store import open_store
from zhiyin.store.profiles import Profiles
from zhiyin.store.sql import SqlStore
from zhiyin.testing.project import BOOKS, TEAS, run, write_files
from zhiyin.types import Floats, TrainingData, Wish

PARAMS = InterestParams(interests=2, together=4, passes=4)
USER = "tea-3"


def parsed(text: str) -> Sequence[Wish]:
    return [Wish("饮料", -1.0, hard=True)] if "饮料" in text else []


@pytest.fixture
def project(tmp_path: Path) -> Iterator[tuple[Path, SqlStore]]:
    folder = tmp_path / "项目 a"
    events, items = write_files(tmp_path)
    assert run("init", folder) == 0
    settings = folder / "zhiyin.toml"
    settings.write_text(settings.read_text(encoding="utf-8") + '[encoder]\nmodel = "none"\n', encoding="utf-8")
    assert run("import", "--events", events, "--items", items, "--project", folder, "--quiet") == 0
    store = open_store(load_settings(folder).store.url, folder)
    yield folder, store
    store.close()


def bundled(folder: Path, store: SqlStore, with_interests: bool = True, created: int = 1) -> tuple[Profiler, Prepared]:
    settings = load_settings(folder)
    prepared = prepare(store, settings, Silent())
    model = InterestModel(PARAMS).fit(TrainingData(prepared.interactions, prepared.catalogue, 0))
    ids = prepared.interactions.items.ids
    counts = np.bincount(prepared.interactions.histories.items, minlength=len(ids))
    named = name_interests(model.items, ids, prepared.catalogue, counts)
    content = BundleContent(
        served="popular",
        models={NAME: (PARAMS.model_dump(), model.arrays())} if with_interests else {},
        user_ids=prepared.interactions.users.ids,
        item_ids=ids,
        catalogue=prepared.catalogue,
        data_fingerprint=prepared.fingerprint,
        seed=0,
        config={},
        metrics={},
        search={},
        encoder=None,
        interests=[one.to_dict() for one in named],
    )
    manifest = write(folder / "bundles", content, created)
    bundle = load(folder / "bundles" / manifest.name)
    now = int(prepared.interactions.histories.times.max())
    shelf = Shelf(store, bundle, settings)

    def affinity(wish: Wish) -> Floats:
        return np.array([float(wish.text in kinds) for kinds in prepared.catalogue.categories], dtype=np.float32)

    unit = prepared.cleaning.unit
    profiler = Profiler(store, bundle, shelf, settings.preprocess, unit, now, parse=parsed, affinity=affinity)
    return profiler, prepared


def test_a_person_sees_corrects_and_takes_back(project: tuple[Path, SqlStore]) -> None:
    folder, store = project
    profiler, _ = bundled(folder, store)
    found = profiler.profile(USER)
    assert found.events == 4
    assert found.language == "zh"
    tea = found.interests[0]
    assert tea.name in ("茶", "饮料", "茶、饮料")
    assert {event.item_id for event in tea.evidence} <= set(TEAS)
    assert tea.long_term > 0.5
    number = profiler.edit(USER, "别再推饮料了")
    muted = next(one for one in profiler.profile(USER).interests if one.id == tea.id)
    assert (muted.edited, muted.long_term) == ("muted", 0.0)
    assert profiler.wishes(USER) == [Wish("饮料", -1.0, hard=True)]
    profiler.undo(USER, number)
    assert profiler.profile(USER).interests[0].edited is None
    assert profiler.wishes(USER) == []
    with pytest.raises(UsageError, match="no edit"):
        profiler.undo(USER, number)


def test_statements_are_rewritten_and_kept_across_bundles(project: tuple[Path, SqlStore]) -> None:
    folder, store = project
    profiler, _ = bundled(folder, store)
    first = profiler.profile(USER).statements[0]
    profiler.edit(USER, "我只在冬天喝茶", statement=first.id)
    again = bundled(folder, store, created=2_000_000)[0].profile(USER)
    assert [(one.text, one.source) for one in again.statements if one.id == first.id] == [("我只在冬天喝茶", "said")]
    profiler.edit(USER, statement=first.id, remove=True)
    assert all(one.id != first.id for one in profiler.profile(USER).statements)
    with pytest.raises(UsageError, match="no statement 'i99'"):
        profiler.edit(USER, "x", statement="i99")
    with pytest.raises(UsageError, match="nothing is named"):
        profiler.edit(USER, remove=True)


def test_new_events_are_all_that_is_read(project: tuple[Path, SqlStore], monkeypatch: pytest.MonkeyPatch) -> None:
    folder, store = project
    profiler, _ = bundled(folder, store)
    assert profiler.follow(USER).rows == 4
    with store.writing() as writer:
        writer.put_events(
            pl.DataFrame(
                {
                    "event_id": [None],
                    "user_id": [USER],
                    "item_id": [BOOKS[0]],
                    "event_type": ["purchase"],
                    "value": [None],
                    "time": [1_700_000_000_000_000],
                },
                schema_overrides={"event_id": pl.String, "value": pl.Float64},
            )
        )
    asked: list[int] = []
    plain = Profiles.events_since

    def watched(self: Profiles, user_id: str, seq: int) -> pl.DataFrame:
        asked.append(seq)
        return plain(self, user_id, seq)

    monkeypatch.setattr(Profiles, "events_since", watched)
    grown = profiler.follow(USER)
    assert grown.rows == 1
    assert len(asked) == 1
    assert asked[0] > 0
    store.profiles.forget(USER)
    whole = profiler.follow(USER)
    assert whole.rows == 5
    np.testing.assert_allclose(grown.state.sums, whole.state.sums, rtol=1e-5, atol=1e-6)
    found = profiler.profile(USER)
    assert max(found.interests, key=lambda one: one.now).evidence[0].item_id == BOOKS[0]


def test_somebody_unknown_may_speak_first(project: tuple[Path, SqlStore]) -> None:
    folder, store = project
    profiler, _ = bundled(folder, store)
    profiler.edit("谁也不认识/1", "I read in the evening")
    found = profiler.profile("谁也不认识/1")
    assert found.events == 0
    assert found.text == "I read in the evening"
    assert found.confidence == 0


def test_a_bundle_without_interests_says_so(project: tuple[Path, SqlStore]) -> None:
    folder, store = project
    profiler, _ = bundled(folder, store, with_interests=False)
    with pytest.raises(BundleError, match="no interests in it"):
        profiler.profile(USER)
