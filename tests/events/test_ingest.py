"""Importing: all files or none, twice is once, and every row is accounted for."""

from __future__ import annotations

import json
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from zhiyin.config import Settings, make_settings
from zhiyin.errors import DataError, FileUnreadable, UsageError
from zhiyin.ingest import ImportReport, ingest
from zhiyin.ports import Store
from zhiyin.store import open_store

EVENTS = (
    "user_id,item_id,event_type,timestamp\n甲,i/1,view,1700000000\n甲,i 2,purchase,1700000060\n乙,i/1,view,1700000000\n"
)
ITEMS = '{"item_id": "i/1", "title": "A \\"quoted\\" title"}\n{"item_id": "i3", "title": "第三", "categories": ["x"]}\n'
USERS = "user_id,age\n甲,30\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "events.csv").write_text(EVENTS, encoding="utf-8")
    (tmp_path / "items.jsonl").write_text(ITEMS, encoding="utf-8")
    (tmp_path / "users.csv").write_text(USERS, encoding="utf-8")
    return tmp_path


@pytest.fixture
def store(project: Path) -> Iterator[Store]:
    opened = open_store("sqlite:///zhiyin.db", project)
    yield opened
    opened.close()


def settings(**values: Any) -> Settings:
    return make_settings({"import": values} if values else None)


def run(store: Store, project: Path, *, events: tuple[str, ...] = ("events.csv",), **how: Any) -> ImportReport:
    return ingest(store, how.pop("settings", settings()), project, events=[project / name for name in events], **how)


def test_all_three_kinds_land_and_are_counted(store: Store, project: Path) -> None:
    report = run(store, project, items=[project / "items.jsonl"], users=[project / "users.csv"])
    assert store.counts() == {"users": 2, "items": 3, "events": 3}
    assert report.stored == store.counts()
    assert [(file.kind, file.rows, file.new) for file in report.files] == [
        ("users", 1, 1),
        ("items", 2, 2),
        ("events", 3, 3),
    ]
    assert store.events("甲").select("item_id", "event_type", "time").rows() == [
        ("i/1", "view", 1_700_000_000_000_000),
        ("i 2", "purchase", 1_700_000_060_000_000),
    ]
    assert store.users().rows() == [("乙", "{}"), ("甲", '{"age": "30"}')]
    titles = dict(store.items().select("item_id", "title").iter_rows())
    assert titles == {"i 2": None, "i/1": 'A "quoted" title', "i3": "第三"}


def test_importing_twice_changes_nothing(store: Store, project: Path) -> None:
    files: dict[str, Any] = {"items": [project / "items.jsonl"], "users": [project / "users.csv"]}
    run(store, project, **files)
    before = store.events().rows(), store.items().rows(), store.users().rows()
    again = run(store, project, **files)
    assert (store.events().rows(), store.items().rows(), store.users().rows()) == before
    assert [(file.new, file.changed, file.already_there) for file in again.files] == [(0, 0, 1), (0, 0, 2), (0, 0, 3)]


def test_a_changed_item_is_counted_as_changed(store: Store, project: Path) -> None:
    run(store, project, items=[project / "items.jsonl"])
    (project / "items.jsonl").write_text(ITEMS.replace("第三", "新"), encoding="utf-8")
    report = ingest(store, settings(), project, items=[project / "items.jsonl"])
    assert (report.files[0].new, report.files[0].changed, report.files[0].already_there) == (0, 1, 1)


def test_a_bad_file_among_good_ones_imports_nothing(store: Store, project: Path) -> None:
    (project / "broken.csv.gz").write_bytes(b"\x1f\x8b\x08 cut short")
    with pytest.raises(FileUnreadable):
        run(store, project, events=("events.csv", "broken.csv.gz"))
    assert store.counts() == {"users": 0, "items": 0, "events": 0}


def test_a_failure_while_writing_leaves_nothing(store: Store, project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from zhiyin.store.writer import Writer

    def fail(self: Writer, frame: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Writer, "put_events", fail)
    with pytest.raises(OSError, match="disk full"):
        run(store, project, items=[project / "items.jsonl"])
    assert store.counts() == {"users": 0, "items": 0, "events": 0}


KILLED = """
import os, signal, sys
from pathlib import Path
from zhiyin.config import make_settings
from zhiyin.ingest import ingest
from zhiyin.store import open_store
from zhiyin.store.writer import Writer

put = Writer.put_events

def put_and_die(self, frame):
    print(put(self, frame).new, flush=True)
    os.kill(os.getpid(), signal.SIGKILL)

Writer.put_events = put_and_die
project = Path(sys.argv[1])
ingest(open_store("sqlite:///zhiyin.db", project), make_settings(), project,
       events=[project / "more.csv"], items=[project / "items.jsonl"])
"""


def test_a_killed_import_leaves_the_store_as_it_was(store: Store, project: Path) -> None:
    run(store, project)
    before = store.counts()
    rows = "".join(f"u{n},i{n % 50},view,{1_700_000_000 + n}\n" for n in range(20_000))
    (project / "more.csv").write_text("user_id,item_id,event_type,timestamp\n" + rows)
    killed = subprocess.run([sys.executable, "-c", KILLED, str(project)], capture_output=True, text=True)
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert killed.stdout == "20000\n"  # they had been written, and not yet committed
    assert store.counts() == before
    with sqlite3.connect(project / "zhiyin.db") as raw:
        assert raw.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    raw.close()
    assert run(store, project, events=("more.csv",)).files[0].new == 20_000


BAD = EVENTS + "乙,,view,1700000000\n乙,i/1,view,soon\n甲,i/1,view,1700000000\n"


def test_bad_rows_are_counted_and_kept(store: Store, project: Path) -> None:
    (project / "events.csv").write_text(BAD, encoding="utf-8")
    report = run(store, project)
    file = report.files[0]
    assert (file.rows, file.accepted, file.new) == (6, 3, 3)
    assert file.rejected == {"missing item id": 1, "bad timestamp": 1, "duplicate event": 1}
    assert file.first_lines == {"missing item id": 5, "bad timestamp": 6, "duplicate event": 7}
    assert file.reject_file == "rejects/events.csv.jsonl"
    kept = [json.loads(line) for line in (project / "rejects/events.csv.jsonl").read_text("utf-8").splitlines()]
    assert [row["raw"] for row in kept] == BAD.splitlines()[4:]
    text = "\n".join(report.lines())
    assert "6 rows: 3 new, 3 rejected" in text
    assert "1 bad timestamp, first on line 6" in text
    assert "Next: zhiyin train" in text
    assert json.loads(json.dumps(report.to_dict()))["files"][0]["rejected"] == file.rejected


def test_a_clean_import_removes_the_old_reject_file(store: Store, project: Path) -> None:
    (project / "events.csv").write_text(BAD, encoding="utf-8")
    run(store, project)
    (project / "events.csv").write_text(EVENTS, encoding="utf-8")
    assert run(store, project).files[0].reject_file is None
    assert not (project / "rejects/events.csv.jsonl").exists()


def test_files_of_one_name_keep_their_rejects_apart(store: Store, project: Path) -> None:
    (project / "more").mkdir()
    for path in (project / "events.csv", project / "more" / "events.csv"):
        path.write_text(BAD, encoding="utf-8")
    report = run(store, project, events=("events.csv", "more/events.csv"))
    assert [file.reject_file for file in report.files] == ["rejects/events.csv.jsonl", "rejects/events.csv-2.jsonl"]
    assert [(file.new, file.already_there) for file in report.files] == [(3, 0), (0, 3)]


def test_strict_refuses_and_still_says_where(store: Store, project: Path) -> None:
    (project / "events.csv").write_text(BAD, encoding="utf-8")
    with pytest.raises(DataError) as refused:
        run(store, project, items=[project / "items.jsonl"], strict=True)
    assert "1 bad timestamp (first on line 6)" in refused.value.what
    assert "rejects/events.csv.jsonl" in (refused.value.fix or "")
    assert (project / "rejects/events.csv.jsonl").exists()
    assert store.counts() == {"users": 0, "items": 0, "events": 0}


def test_strict_takes_a_clean_import(store: Store, project: Path) -> None:
    assert run(store, project, strict=True).files[0].new == 3


def test_a_file_without_one_usable_row_is_a_failure(store: Store, project: Path) -> None:
    (project / "events.csv").write_text("user_id,item_id,timestamp\nu,i,soon\n")
    with pytest.raises(DataError, match="no row can be used"):
        run(store, project)


def test_settings_reach_the_rows(store: Store, project: Path) -> None:
    (project / "events.csv").write_text("user_id,item_id,timestamp\nu,i,100000000\nu,j,4000000000\nu,k,1700000000\n")
    strict = run(store, project).files[0]
    assert strict.rejected == {"future timestamp": 1, "too old timestamp": 1}
    loose = settings(earliest_year=1970, future_tolerance_days=3650, default_event_type="click")
    report = run(store, project, settings=loose).files[0]
    assert report.rejected == {"future timestamp": 1}  # in 2096, further off than ten years
    assert store.events()["event_type"].to_list() == ["view", "click", "click"]


def test_users_faster_than_people_are_named_and_kept(store: Store, project: Path) -> None:
    """A robot makes 30 events in half a minute, a person 30 in half an hour."""
    rows = [
        f"{user},i{n},view,{1_700_000_000 + n * pace}" for user, pace in (("机器", 1), ("人", 60)) for n in range(30)
    ]
    (project / "fast.csv").write_text("user_id,item_id,event_type,timestamp\n" + "\n".join(rows), encoding="utf-8")
    bounds = make_settings({"preprocess": {"bot_events_per_minute": 20, "bot_minimum_events": 25}})
    report = ingest(store, bounds, project, events=[project / "fast.csv"])
    assert report.suspicious == ["机器"]
    assert "1 user faster than a person can be, left out of training: '机器'" in "\n".join(report.lines())
    assert report.stored["events"] == 60


def test_columns_that_events_do_not_keep_are_named(store: Store, project: Path) -> None:
    (project / "a.csv").write_text("user_id,item_id,page,referrer\nu,i,1,x\n")
    (project / "b.jsonl").write_text('{"user": "u", "item": "j"}\n{"user": "v", "item": "j", "page": 1}\n')
    report = ingest(store, settings(), project, events=[project / "a.csv", project / "b.jsonl"])
    assert [file.notes for file in report.files] == [
        ["columns not kept with events: page, referrer"],
        ["columns not kept with events: page"],
    ]


def test_named_columns_and_encoding_reach_the_readers(store: Store, project: Path) -> None:
    (project / "e.csv").write_bytes("谁,物\n甲,乙\n".encode("gb18030"))
    run(store, project, events=("e.csv",), columns={"user": "谁", "item": "物"}, encoding="gb18030")
    assert store.events().select("user_id", "item_id").rows() == [("甲", "乙")]


def test_a_named_column_that_no_file_has_is_wrong_usage(store: Store, project: Path) -> None:
    with pytest.raises(UsageError, match="--user-column"):
        run(store, project, columns={"user": "who"})
    assert store.counts()["events"] == 0


def test_nothing_given_is_wrong_usage(store: Store, project: Path) -> None:
    with pytest.raises(UsageError, match="nothing to import"):
        run(store, project, events=())


SHARED = Path(__file__).parents[2].parent / "shared" / "data"


@pytest.mark.skipif(not (SHARED / "amazon_beauty").is_dir(), reason=f"no data at {SHARED}")
def test_amazon_beauty_arrives_whole(store: Store, project: Path) -> None:
    beauty = SHARED / "amazon_beauty"
    report = ingest(
        store, settings(), project, events=[beauty / "events.csv.gz"], items=[beauty / "items.jsonl.gz"], strict=True
    )
    assert report.stored == {"users": 22_363, "items": 12_101, "events": 198_502}
