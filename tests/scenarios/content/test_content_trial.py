"""Headlines tried on readers: who sees what, what is said of it, and how it ends."""

from __future__ import annotations

import numpy as np
import pytest

from zhiyin.cli.common import Project
from zhiyin.errors import StoreError, UnknownItem, UsageError
from zhiyin.experimenting import analysed
from zhiyin.feedback.experiments import make_experiment
from zhiyin.feedback.outcomes import DAY
from zhiyin.scenarios.content.writing import (
    Shown,
    headlines_for,
    read_trial,
    settle,
    show,
    start_trial,
    stop_trial,
    trial_report,
    trials,
)
from zhiyin.scenarios.content.writing.trial import impressions_of
from zhiyin.store.writer import Writer

ITEM = "tea/0 号"
TEXTS = ["茶叶：龙井与采摘", "今年的龙井为什么早了？", "龙井早采五天"]


def simulated(site: Project, chances: dict[str, float], people: int = 900) -> int:
    """Everybody looks once, and takes it with the chance of their headline; the time at which all of it is over."""
    random = np.random.default_rng(1)
    created = site.store.experiments.get(read_trial(site.store, ITEM).experiment)
    assert created is not None
    start, experiment = created.created, make_experiment(created.described, created.name)
    noted, events = [], []
    for number in range(people):
        user, now = f"新读者/{number}", start + number
        variant = experiment.variant_of(created.name, user)
        assert variant is not None
        shown = Shown(ITEM, variant.name, variant.name, created.name, f"show-{number}")
        noted += impressions_of([shown], user, now)
        if random.random() < chances[variant.name]:
            events.append((None, user, ITEM, "read", None, now + 60_000_000))
    with site.store.writing() as writer:
        writer.put_impressions(noted)
        writer.add_events(events)
    return start + 2 * DAY


def test_everybody_keeps_their_headline(site: Project) -> None:
    trial = start_trial(site.store, site.folder, ITEM, TEXTS)
    seen = {f"人/{n}": headlines_for(site.store, [ITEM], f"人/{n}")[0].headline for n in range(60)}
    assert set(seen.values()) == set(TEXTS)
    assert all(headlines_for(site.store, [ITEM], user)[0].headline == text for user, text in seen.items())
    other = headlines_for(site.store, ["tea/1 号", "没有"], "人/1")
    assert [(one.variant, one.impression_id) for one in other] == [(None, None)] * 2
    assert [one.headline is None for one in other] == [False, True]
    (shown,) = show(site.store, [ITEM], "人/1")
    (kept,) = site.store.impressions.of_user("人/1")
    assert (kept.impression_id, kept.variant, kept.experiment) == (shown.impression_id, shown.variant, trial.experiment)
    assert [one.item_id for one in trials(site.store)] == [ITEM]


def test_the_better_headline_is_found_and_becomes_the_title(site: Project) -> None:
    start_trial(site.store, site.folder, ITEM, TEXTS)
    with pytest.raises(UsageError, match="no headline is surely better yet"):
        settle(site.store, site.settings, ITEM)
    now = simulated(site, {"A": 0.1, "B": 0.35, "C": 0.1})
    trial, _, told = trial_report(site.store, site.settings, ITEM, now)
    assert told.counted == {name: told.assigned[name] for name in "ABC"}
    assert sum(told.counted.values()) == 900
    said = {one.variant: one.said for one in told.compared}
    assert said == {"B": "better", "C": "open"}
    assert 0.05 < told.compared[0].base < 0.16
    ended = settle(site.store, site.settings, ITEM, now=now)
    assert (ended.state, ended.chosen) == ("settled", "B")
    row = site.store.rows.item(ITEM)
    assert row is not None
    assert row.title == TEXTS[1]
    assert headlines_for(site.store, [ITEM], "人/1")[0].variant is None
    assert analysed(site.store, trial.experiment, now)[1].assigned == told.assigned
    again = start_trial(site.store, site.folder, ITEM, TEXTS[:2])
    assert again.experiment != trial.experiment


def test_a_click_that_came_of_another_list_counts_too(site: Project) -> None:
    """The headline is what was seen wherever the item stood."""
    start_trial(site.store, site.folder, ITEM, TEXTS[:2])
    now = simulated(site, {"A": 0.0, "B": 1.0}, people=20)
    told = trial_report(site.store, site.settings, ITEM, now)[2]
    assert told.verdict.startswith("too early")
    assert told.compared[0].base == 0.0
    assert told.compared[0].mean == 1.0


def test_some_take_no_part(site: Project) -> None:
    start_trial(site.store, site.folder, ITEM, TEXTS, traffic=0.2)
    shown = [headlines_for(site.store, [ITEM], f"人/{n}")[0] for n in range(200)]
    part = [one for one in shown if one.variant is not None]
    assert 15 < len(part) < 75
    titles = {one.headline for one in shown if one.variant is None}
    row = site.store.rows.item(ITEM)
    assert row is not None
    assert titles == {row.title}
    stopped = stop_trial(site.store, ITEM)
    assert stopped.state == "stopped"
    assert all(headlines_for(site.store, [ITEM], f"人/{n}")[0].variant is None for n in range(20))


def test_what_is_no_trial_is_refused(site: Project) -> None:
    def begin(item: str = ITEM, texts: list[str] | None = None) -> None:
        start_trial(site.store, site.folder, item, TEXTS if texts is None else texts)

    with pytest.raises(UnknownItem):
        begin("没有")
    for texts in (["一个"], ["同样", "同样"], [f"第{n}个" for n in range(11)]):
        with pytest.raises(UsageError, match="headlines"):
            begin(texts=texts)
    with pytest.raises(UsageError, match="empty headline"):
        begin(texts=["x", " "])
    begin()
    with pytest.raises(UsageError, match="are being tried"):
        begin()
    with pytest.raises(UsageError, match="no variant 'Z'"):
        settle(site.store, site.settings, ITEM, "Z")
    settle(site.store, site.settings, ITEM, "A")
    with pytest.raises(UsageError, match="no headlines"):
        settle(site.store, site.settings, ITEM, "A")
    with pytest.raises(UsageError, match="no headlines"):
        stop_trial(site.store, ITEM)


def test_a_trial_and_its_experiment_begin_and_end_together(site: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    def running() -> list[str]:
        return [one.name for one in site.store.experiments.all() if one.state == "running"]

    def failing(name: str) -> None:
        def fail(*_: object, **__: object) -> None:
            raise StoreError("the disk is full", fix="make room")

        monkeypatch.setattr(Writer, name, fail)

    failing("put_record")
    with pytest.raises(StoreError):
        start_trial(site.store, site.folder, ITEM, TEXTS)
    assert not running()
    assert not trials(site.store)
    monkeypatch.undo()
    trial = start_trial(site.store, site.folder, ITEM, TEXTS)
    assert running() == [trial.experiment]
    for chosen in ("B", None):
        failing("set_experiment_state")
        with pytest.raises(StoreError):
            settle(site.store, site.settings, ITEM, chosen) if chosen else stop_trial(site.store, ITEM)
        monkeypatch.undo()
        assert running() == [trial.experiment]
        assert read_trial(site.store, ITEM) == trial
        row = site.store.rows.item(ITEM)
        assert row is not None
        assert row.title not in TEXTS[1:]
    stop_trial(site.store, ITEM)
    assert not running()
