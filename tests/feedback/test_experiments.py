"""Experiments: definitions, who gets what, what is said, and the commands."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

import zhiyin.experimenting
from zhiyin.errors import ConfigError, UsageError
from zhiyin.experiment_page import lines_of, sheet_of
from zhiyin.experimenting import Assigner, analysed, start, startable, stop
from zhiyin.feedback.experiments import Experiment, analyse, make_experiment
from zhiyin.feedback.measures import measured, people_of
from zhiyin.feedback.outcomes import DAY, outcomes
from zhiyin.report.sheet import render_sheet
from zhiyin.store import open_store
from zhiyin.store.impressions import Impression
from zhiyin.store.sql import SqlStore
from zhiyin.testing.project import run

TOLD: dict[str, Any] = {
    "variants": [{"name": "now", "pipeline": "default"}, {"name": "新", "pipeline": "home", "weight": 3}],
    "guardrails": [{"metric": "lists", "tolerance": 0.2}],
}
HOUR = DAY // 24


def frame(*rows: tuple[str, str, int, float, int | None]) -> pl.DataFrame:
    """User, variant, time, reward and delay of one shown item each."""
    return pl.DataFrame(
        [
            (f"i{place}", user, "home", variant, "e", "b", time, "茶", 1, 1.0, reward, delay)
            for place, (user, variant, time, reward, delay) in enumerate(rows)
        ],
        orient="row",
        schema={
            "impression_id": pl.String,
            "user_id": pl.String,
            "surface": pl.String,
            "variant": pl.String,
            "experiment": pl.String,
            "bundle": pl.String,
            "time": pl.Int64,
            "item_id": pl.String,
            "position": pl.Int64,
            "propensity": pl.Float64,
            "reward": pl.Float64,
            "delay": pl.Int64,
        },
    )


SHOWN = frame(
    ("张伟", "now", 0, 1.0, HOUR),
    ("张伟", "now", 2 * HOUR, 1.0, 23 * HOUR),  # what came of it came too late
    ("张伟", "now", 3 * HOUR, 0.0, None),
    ("b/2", "新", HOUR, 2.0, HOUR),
    ("c", "now", 0, 1.0, 1),  # sees both
    ("c", "新", 1, 1.0, 1),
    ("d", "新", 20 * HOUR, 0.0, None),  # not over yet
    ("", "now", 0, 1.0, 1),  # nobody in particular
)


def test_people_by_hand() -> None:
    people = people_of(SHOWN, ["now", "新"], 1.0, 26 * HOUR)
    assert (people.ids, people.variant.tolist(), people.mixed) == (["张伟", "b/2"], [0, 1], 1)
    assert sorted(people.everybody.tolist()) == [0, 1, 1]
    events = pl.DataFrame(
        {"user_id": ["张伟", "张伟", "b/2"], "event_type": ["buy", "buy", "view"], "time": [HOUR, 30 * HOUR, 2 * HOUR]}
    )
    expected = {"reward": [1, 2], "taken": [1, 1], "lists": [3, 1], "per_list": [1 / 3, 2], "events:buy": [1, 0]}
    for metric, values in expected.items():
        assert measured(metric, people, SHOWN, events).tolist() == pytest.approx(values), metric


def made_up(people: int, effect: float, seed: int, lists: tuple[int, int] = (3, 3)) -> pl.DataFrame:
    experiment, random = make_experiment(TOLD, "e"), np.random.default_rng(seed)
    rows: list[tuple[str, str, int, float, int | None]] = []
    for one in range(people):
        variant = experiment.variant_of("e", f"人 {one}")
        assert variant is not None
        new = variant.name == "新"
        for step in range(lists[int(new)]):
            taken = random.random() < 0.1 + effect * new
            rows.append((f"人 {one}", variant.name, one * 1000 + step, float(taken), 1 if taken else None))
    return frame(*rows)


def test_what_is_said() -> None:
    experiment, nothing = (
        make_experiment(TOLD, "e"),
        pl.DataFrame(schema={"user_id": str, "event_type": str, "time": int}),
    )
    better = analyse("e", experiment, made_up(3000, 0.1, 1), nothing, 2 * DAY)
    assert better.compared[0].said == "better"
    assert better.compared[0].low < 0.3 < better.compared[0].high
    assert better.guardrails[0].said == "safe"
    assert better.verdict.startswith("'新' is better")
    same = analyse("e", experiment, made_up(3000, 0.0, 2), nothing, 2 * DAY)
    assert (same.compared[0].said, same.verdict) == ("open", "open: no difference is sure yet")
    broken = analyse("e", experiment, made_up(3000, 0.1, 3, (3, 2)), nothing, 2 * DAY)
    assert broken.guardrails[0].said == "broken"
    assert broken.verdict.startswith("stop: '新' breaks the guardrail on lists")
    early = analyse("e", experiment, made_up(100, 0.1, 1), nothing, 2 * DAY)
    assert early.verdict.startswith("too early")
    none = analyse("e", experiment, made_up(3000, 0.1, 1), nothing, 0)
    assert set(none.counted.values()) == {0}
    assert json.loads(json.dumps(none.to_dict(), allow_nan=False))["compared"][0]["low"] is None
    lost = made_up(3000, 0.1, 1)
    lost = lost.filter((pl.col("variant") == "now") | (pl.col("user_id").str.contains("[37]$").not_()))
    assert analyse("e", experiment, lost, nothing, 2 * DAY).verdict.startswith("do not believe it")


def test_variants_go_by_weight_and_stay() -> None:
    experiment = make_experiment({**TOLD, "traffic": 0.5}, "e")
    people = [f"u{one}" for one in range(4000)]
    found = [experiment.variant_of("e", one) for one in people]
    part = [one.name for one in found if one is not None]
    assert len(part) / len(people) == pytest.approx(0.5, abs=0.04)
    assert part.count("新") / len(part) == pytest.approx(0.75, abs=0.04)
    whole = make_experiment({**TOLD, "traffic": 1.0}, "e")
    assert all(one is None or one == whole.variant_of("e", user) for user, one in zip(people, found, strict=True))
    code = (
        "from zhiyin.feedback.experiments import make_experiment as m;import json,sys;t=json.loads(sys.argv[1]);"
        "e=m(t,'e');print([e.variant_of('e',f'u{i}').name for i in range(50)])"
    )
    again = subprocess.run([sys.executable, "-c", code, json.dumps(TOLD)], capture_output=True, text=True, check=True)
    assert again.stdout.strip() == str([whole.variant_of("e", f"u{one}").name for one in range(50)])  # type: ignore[union-attr]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"variants": TOLD["variants"][:1]}, "at least 2"),
        ({"variants": [TOLD["variants"][0]] * 2}, "same name"),
        ({"metric": "clicks"}, "unknown metric 'clicks'"),
        ({"metric": "events:"}, "unknown metric"),
        ({"traffic": 0}, "traffic"),
        ({"colour": 1}, "colour"),
    ],
)
def test_definitions_that_are_wrong(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ConfigError, match=said) as caught:
        make_experiment({**TOLD, **change}, "e")
    assert "\n" not in caught.value.line


@pytest.fixture
def project(trained: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(trained, tmp_path / "a project"))


def filled(store: SqlStore, people: int) -> None:
    """Everybody is shown two teas by their variant, and takes one more often where it is new."""
    assigner, random = Assigner.read(store), np.random.default_rng(0)
    shown, happened = [], []
    for one in range(people):
        mine = assigner(f"人 {one}", "default")
        assert mine is not None
        items = [("茶/0 号", 1, 1.0), ("茶/1 号", 2, 1.0)]
        shown.append(
            Impression(f"i{one}", f"人 {one}", "default", one + 1, items, mine.variant, mine.experiment, "b", True)
        )
        if random.random() < (0.5 if mine.variant == "新" else 0.2):
            happened.append((f"人 {one}", "茶/1 号", "view", None, one + 2, f"i{one}"))
    kinds = {"user_id": str, "item_id": str, "event_type": str, "value": float, "time": int, "impression_id": str}
    told = pl.DataFrame(happened, schema=kinds, orient="row").with_columns(pl.lit(None, pl.String).alias("event_id"))
    with store.writing() as writer:
        writer.put_events(told)
        writer.put_impressions(shown)


def test_from_start_to_page(project: Path, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    words = [
        "experiments",
        "start",
        "首页 1",
        "--variant",
        "now=default",
        "--variant",
        "新=home:3",
        "--guard",
        "lists:0.1",
    ]
    assert run(*words, "--project", project) == 0
    assert "now 25% (default), 新 75% (home)" in capsys.readouterr().out
    assert run(*words, "--project", project) == 0, "again says the same"
    assert run(*words[:2], "another", *words[3:], "--project", project) == 2, "one at a time on a surface"
    assert run(*words[:3], "--variant", "a=default", "--variant", "b=email", "--project", project) == 2
    assert run(*words[:2], "x", "--variant", "a=nowhere", "--variant", "b=email", "--project", project) == 2
    assert run(*words[:2], "x", "--variant", "a", "--project", project) == 2
    capsys.readouterr()
    store = open_store("sqlite:///zhiyin.db", project)
    filled(store, 1200)
    # A running experiment counts lists from when it was made; these are older than any clock here.
    with store._writer.begin() as connection:
        connection.exec_driver_sql("UPDATE experiments SET created = 0")
    experiment, told = analysed(store, "首页 1")
    assert told.compared[0].said == "better"
    assert sum(told.counted.values()) == 1200
    assert told.guardrails[0].base == 1.0
    page = render_sheet(sheet_of(experiment, told))
    assert page == render_sheet(sheet_of(experiment, told))
    assert "&#39;新&#39; is better" in page
    assert page.count("<svg") == 1
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")
    assert any("lists: guardrail" in line for line in lines_of(experiment, told))
    out = tmp_path / "page 1.html"
    assert run("experiments", "report", "首页 1", "--out", out, "--project", project) == 0
    assert "is better" in capsys.readouterr().out
    assert out.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert run("experiments", "report", "首页 1", "--format", "json", "--project", project) == 0
    assert json.loads(capsys.readouterr().out)["compared"][0]["variant"] == "新"
    assert run("experiments", "stop", "首页 1", "--project", project) == 0
    assert Assigner.read(store)("u", "default") is None
    assert run("experiments", "start", "首页 1", "--project", project) == 0
    assert Assigner.read(store)("u", "default") is not None
    assert Assigner.read(store)(None, "default") is None
    assert Assigner.read(store)("u", "elsewhere") is None
    assert run("experiments", "list", "--project", project) == 0
    assert "首页 1  running  on default: now=default, 新=home" in capsys.readouterr().out
    for words in (["report", "no"], ["stop", "no"], ["start", "no"]):
        assert run("experiments", *words, "--project", project) == 2
    store.close()


def test_one_that_cannot_be_read_does_not_stop_lists(project: Path) -> None:
    store = open_store("sqlite:///zhiyin.db", project)
    with store.writing() as writer:
        writer.put_experiment("odd", {"of": "another version"}, "running", 1)
    assert Assigner.read(store)("u", "default") is None
    start(store, project, "e", TOLD)
    with pytest.raises(UsageError, match="no experiment"):
        stop(store, "no")
    assert not len(outcomes(store.impressions.frame(), store.events()).frame)
    store.close()


def test_of_two_that_begin_at_once_one_is_refused(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = Path(shutil.copytree(trained, tmp_path / "two"))
    store = open_store("sqlite:///zhiyin.db", project)
    looked = threading.Barrier(2)

    def both_looked(*given: Any) -> Experiment:
        found = startable(*given)
        with suppress(threading.BrokenBarrierError):  # the other has to wait until this one is there
            looked.wait(0.5)
        return found

    monkeypatch.setattr(zhiyin.experimenting, "startable", both_looked)
    with ThreadPoolExecutor(2) as starters:
        asked = [starters.submit(start, store, project, name, TOLD) for name in ("a", "b")]
    refused = [one.exception() for one in asked if one.exception() is not None]
    assert [type(one) for one in refused] == [UsageError]
    assert [one.state for one in store.experiments.all()] == ["running"]
    store.close()
