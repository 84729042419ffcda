from __future__ import annotations

import gzip
import json
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import insert
from typer.testing import CliRunner

from zhiyin.cli import app
from zhiyin.dump import dump, restore
from zhiyin.errors import DataError, FileUnreadable, StoreError, ZhiyinError
from zhiyin.store import open_store
from zhiyin.store.circles import Member
from zhiyin.store.impressions import Impression
from zhiyin.store.keys import KeptKey
from zhiyin.store.profiles import KeptState
from zhiyin.store.schema import (
    ad_counts,
    ad_shows,
    changes,
    erasures,
    events,
    experiments,
    items,
    links,
    llm_calls,
    profiles,
    users,
    vectors,
)
from zhiyin.store.sql import SqlStore
from zhiyin.testing.postgres import PostgresServer
from zhiyin.testing.rows import links_frame

URL = "sqlite:///zhiyin.db"

KILLED = """
import sys, time
from pathlib import Path
from zhiyin import dump
from zhiyin.store import open_store

compare = dump._compare
def slowly(*arguments):
    compare(*arguments)
    print("written", flush=True)
    time.sleep(60)
dump._compare = slowly
dump.restore(open_store(sys.argv[2], Path(sys.argv[1])), Path(sys.argv[3]))
"""

text = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=12)
number = st.integers(-(2**63), 2**63 - 1)
real = st.floats(allow_nan=False)
maybe = st.none() | text


def fill(store: SqlStore, seed: int = 0, people: int = 300) -> None:
    """Something in every table."""
    draw = random.Random(seed)
    names = [f"用户/{row}" for row in range(people)] + ["a b", "A b", "é", "e\u0301", "𝄞", "\uffff"]
    with store.writing() as writer:
        writer.set_users((name, json.dumps({"age": row})) for row, name in enumerate(names))
        writer.set_items(
            (f"茶 {row}", draw.choice([None, "T\n\t\"'"]), None, ["x", "茶"], "{}", row, row % 3 == 0)
            for row in range(50)
        )
        writer.add_events(
            [
                (
                    None,
                    draw.choice(names),
                    f"茶 {draw.randrange(50)}",
                    "view",
                    draw.choice([None, draw.random()]),
                    row,
                    "1",
                )
                for row in range(5 * people)
            ]
        )
        writer.put_links(links_frame([(name, names[0], 0.1, None) for name in names[1:]]))
        writer.put_impressions([Impression("1", "a b", "home", 1, (("茶 1", 0, 0.1),))])
        show = ("1", "茶", "a", "a b", "home", 1, 5, 0, 0.1, 1.0)
        writer.connection.execute(insert(ad_shows).values(dict(zip(ad_shows.columns.keys(), show, strict=False))))
        writer.connection.execute(insert(ad_counts).values(campaign="茶", creative="", day=-1, spent=5))
        writer.delete_user(names[3])
        writer.erase(names[4], b"key", 5)
    store.put_vectors("m", {name: [draw.gauss(0, 1) for _ in range(5)] for name in names})  # type: ignore[misc]
    store.record_bundle("one", {"created": 1})
    store.use_bundle("one")
    store.keys.add(KeptKey("p", "h", "s", "t", "n", ("read",), 1))
    store.audit.add("export", tenant="t", time=1)
    store.records.put("page", "茶 1", "draft", {"a": ["茶"]}, now=1)
    with store.writing() as writer:
        writer.set_users([("a b", "{}"), ("A b", "{}")])
        assert writer.replace_circle_members([Member("c", name) for name in ("a b", "A b")]) == 2
        writer.put_experiment("e", {"a": [1]}, "running", 1)
    store.leases.acquire("train", "somebody", 10, 1)
    store.profiles.put_state("a b", KeptState("one", 1, b"\x00\xff"))
    store.profiles.add_edit("a b", "少推茶", {}, 1)
    store.features.put_features("reader", {"hash": "{}"})
    store.features.put_topics([("t", "茶", "{}", None)])
    call = dict.fromkeys(("tenant", "job", "prompt", "model_id", "key", "outcome", "asked", "answered"), "")
    store.calls.record([call | {"tokens_in": 1, "tokens_out": 1, "money": 0.1, "seconds": 0.3}], {"": "{}"})


@pytest.fixture
def dumped(tmp_path: Path) -> Path:
    """A dump of a filled store."""
    (tmp_path / "source").mkdir()
    with closing(open_store(URL, tmp_path / "source")) as store:
        fill(store)
        dump(store, tmp_path / "dump.jsonl.gz")
    return tmp_path / "dump.jsonl.gz"


def empty(store: SqlStore) -> bool:
    return store.counts() == {"users": 0, "items": 0, "events": 0} and not store.keys.any()


def test_there_and_back(tmp_path: Path, postgres: PostgresServer) -> None:
    """From SQLite into PostgreSQL and into SQLite again: the same rows, the same checksums, numbers that go on."""
    for name in ("first", "last"):
        (tmp_path / name).mkdir()
    with (
        closing(open_store(URL, tmp_path / "first")) as first,
        closing(open_store(postgres.fresh(), tmp_path)) as second,
        closing(open_store(URL, tmp_path / "last")) as last,
    ):
        fill(first)
        given = dump(first, tmp_path / "1")
        assert [name for name, (rows, _) in given.tables.items() if not rows] == [], "a table that is not tried"
        for source, target, name in ((first, second, "2"), (second, last, "3")):
            assert restore(target, tmp_path / str(int(name) - 1)) == given
            assert dump(target, tmp_path / name) == given
            assert target.events().equals(source.events())
            assert target.items().equals(source.items())
            assert target.leases.holder("train") is None
        newest = [store.changes.mark() for store in (first, second, last)]
        for store in (first, second, last):
            with store.writing() as writer:
                writer.add_events([("new", "a b", "茶 1", "view")])
                writer.set_hidden(["茶 1"], True)
        assert newest[0] == newest[1] == newest[2]
        found = [store.changes.since(newest[0]) for store in (first, second, last)]
        assert found[0] == found[1] == found[2]
        assert found[0].users == {"a b"}


@pytest.fixture(scope="module")
def pair(postgres: PostgresServer) -> Any:
    with TemporaryDirectory() as folder, closing(open_store(postgres.fresh(), Path())) as store:
        yield Path(folder), store


@settings(max_examples=15, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    people=st.dictionaries(text, text, min_size=1, max_size=4),
    things=st.dictionaries(text, st.tuples(maybe, st.none() | number, st.booleans()), min_size=1, max_size=4),
    done=st.lists(
        st.tuples(text, maybe, st.none() | real, st.none() | number), max_size=5, unique_by=lambda row: row[0]
    ),
    blobs=st.dictionaries(st.tuples(text, text), st.binary(max_size=9), max_size=4),
)
def test_any_rows_have_the_same_checksums_in_both(
    pair: tuple[Path, SqlStore],
    people: dict[str, str],
    things: dict[str, tuple[str | None, int | None, bool]],
    done: list[tuple[str, str | None, float | None, int | None]],
    blobs: dict[tuple[str, str], bytes],
) -> None:
    folder, second = pair
    (folder / "zhiyin.db").unlink(missing_ok=True)
    user, item = next(iter(people)), next(iter(things))
    with second.writing() as writer:
        for table in (events, links, users, items, profiles, vectors, erasures, changes, llm_calls, experiments):
            writer.connection.execute(table.delete())
    with closing(open_store(URL, folder)) as first:
        with first.writing() as writer:
            put = writer.connection.execute
            put(insert(users), [{"user_id": key, "attributes": value} for key, value in people.items()])
            put(
                insert(items),
                [
                    {"item_id": key, "title": title, "time": time, "hidden": hidden}
                    for key, (title, time, hidden) in things.items()
                ],
            )
            for key, title, value, time in done:
                row = {"event_id": key, "user_id": user, "item_id": item, "event_type": title or "", "value": value}
                put(insert(events), [row | {"time": time, "impression_id": title}])
            for (model, key), blob in blobs.items():
                put(insert(vectors), [{"model_id": model, "text_hash": key, "vector": blob}])
        given = dump(first, folder / "1")
    assert restore(second, folder / "1") == given
    assert dump(second, folder / "2") == given


def test_the_same_rows_make_the_same_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("time.time_ns", lambda: 5)
    with closing(open_store(URL, tmp_path)) as store:
        fill(store)
        dump(store, tmp_path / "1")
        dump(store, tmp_path / "2")
    assert (tmp_path / "1").read_bytes() == (tmp_path / "2").read_bytes()
    assert (tmp_path / "1").stat().st_mode & 0o777 == 0o600
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "2", "zhiyin.db"]


def test_writers_do_not_disturb(tmp_path: Path) -> None:
    """A dump holds one moment, whatever is written meanwhile."""
    with closing(open_store(URL, tmp_path)) as store, closing(open_store(URL, tmp_path)) as other:
        fill(store)
        before = dump(store, tmp_path / "1")
        with store.snapshot() as connection:
            assert connection.exec_driver_sql("SELECT count(*) FROM events").scalar_one() > 0
            with other.writing() as writer:
                writer.add_events([("new", "a b", "茶 1", "view")])
            count = connection.exec_driver_sql("SELECT count(*) FROM events").scalar_one()
        assert count == before.tables["events"][0]


def refused(target: Path, path: Path, kind: type[ZhiyinError]) -> ZhiyinError:
    with closing(open_store(URL, target)) as store:
        with pytest.raises(kind) as caught:
            restore(store, path)
        assert empty(store), "something was left behind"
        assert "\n" not in caught.value.line
        assert caught.value.fix
    return caught.value


def rewritten(path: Path, change: Callable[[list[str]], list[str]]) -> Path:
    lines = gzip.decompress(path.read_bytes()).decode().splitlines(keepends=True)
    path.write_bytes(gzip.compress("".join(change(lines)).encode()))
    return path


def test_damaged_files(dumped: Path, tmp_path: Path) -> None:
    whole = dumped.read_bytes()
    draw = random.Random(0)
    for _ in range(12):
        bad = bytearray(whole)
        bad[draw.randrange(12, len(bad))] ^= 1 << draw.randrange(8)
        dumped.write_bytes(bad)
        refused(tmp_path, dumped, FileUnreadable)
    for length in (0, 5, len(whole) // 2, len(whole) - 1):
        dumped.write_bytes(whole[:length])
        refused(tmp_path, dumped, FileUnreadable)
    dumped.write_bytes(b"user_id,item_id\n")
    refused(tmp_path, dumped, FileUnreadable)
    assert "cannot be read" in refused(tmp_path, tmp_path / "none", FileUnreadable).what


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines[:-1],
        lambda lines: [*lines, "{}\n"],
        lambda lines: [line for number, line in enumerate(lines) if number != 5],
        lambda lines: [line.replace('"用户/7"', '"用户/9999"') for line in lines],
        lambda lines: [line.replace('"age\\": 7}', '"age\\": 8}') for line in lines],
        lambda lines: [line.replace("view", "buy", 1) for line in lines],
        lambda lines: ["[1]\n", *lines[1:]],
        lambda lines: ["{}\n", *lines[1:]],
    ],
    ids=["end", "more", "row", "key", "value", "type", "array", "head"],
)
def test_changed_lines(change: Callable[[list[str]], list[str]], dumped: Path, tmp_path: Path) -> None:
    before = gzip.decompress(dumped.read_bytes())
    assert gzip.decompress(rewritten(dumped, change).read_bytes()) != before
    refused(tmp_path, dumped, ZhiyinError)


def test_a_newer_dump(dumped: Path, tmp_path: Path) -> None:
    rewritten(dumped, lambda lines: [lines[0].replace('"schema":"0', '"schema":"9'), *lines[1:]])
    assert refused(tmp_path, dumped, FileUnreadable).fix == "upgrade Zhiyin"


def test_a_store_that_is_not_empty(dumped: Path, tmp_path: Path) -> None:
    with closing(open_store(URL, tmp_path)) as store:
        store.keys.add(KeptKey("p", "h", "s", "t", "n", (), 1))
        with pytest.raises(StoreError, match="not empty: it has rows in api_keys"):
            restore(store, dumped)
        assert store.counts() == {"users": 0, "items": 0, "events": 0}


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_a_killed_restore_leaves_the_store_as_it_was(kind: str, dumped: Path, request: pytest.FixtureRequest) -> None:
    url = URL if kind == "sqlite" else request.getfixturevalue("postgres").fresh()
    folder = dumped.parent
    open_store(url, folder).close()
    process = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(folder), url, str(dumped)], stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with closing(open_store(url, folder)) as store:
        assert empty(store)
        assert restore(store, dumped).rows > 1000


def project(folder: Path) -> Path:
    folder.mkdir()
    (folder / "zhiyin.toml").write_text("")
    return folder


def test_commands_and_bundles(tmp_path: Path) -> None:
    source, target = project(tmp_path / "source"), project(tmp_path / "target")
    part = source / "bundles" / "一" / "models" / "m.npy"
    part.parent.mkdir(parents=True)
    part.write_bytes(random.Random(0).randbytes(2_000_000))
    (source / "bundles" / "一" / "empty").touch()
    (source / "bundles" / ".half").mkdir()
    with closing(open_store(URL, source)) as store:
        fill(store)
    run = CliRunner().invoke
    path = str(tmp_path / "d.jsonl.gz")
    made = run(app, ["dump", path, "--bundles", "--quiet", "--format", "json", "--project", str(source)])
    assert made.exit_code == 0, made.output
    back = run(app, ["restore", path, "--bundles", "--quiet", "--format", "json", "--project", str(target)])
    assert back.exit_code == 0, back.output
    assert json.loads(back.stdout) == json.loads(made.stdout)
    assert json.loads(back.stdout)["bundles"] == ["一"]
    assert (target / "bundles" / "一" / "models" / "m.npy").read_bytes() == part.read_bytes()
    assert sorted(one.name for one in (target / "bundles").iterdir()) == ["一"]
    other = project(tmp_path / "other")
    said = run(app, ["restore", path, "--quiet", "--project", str(other)])
    assert "Bundles are listed but not here" in said.stdout
    assert not (other / "bundles").exists()


def test_a_file_that_would_lie_elsewhere(tmp_path: Path) -> None:
    source, target = project(tmp_path / "source"), project(tmp_path / "target")
    (source / "bundles" / "one").mkdir(parents=True)
    (source / "bundles" / "one" / "file").write_text("x")
    with closing(open_store(URL, source)) as store:
        dump(store, tmp_path / "d", bundles=source)
    rewritten(tmp_path / "d", lambda lines: [line.replace('"one/file"', '"one/../../../file"') for line in lines])
    with closing(open_store(URL, target)) as store:
        with pytest.raises(FileUnreadable, match="elsewhere"):
            restore(store, tmp_path / "d", bundles=target)
        assert empty(store)
    assert not (tmp_path / "file").exists()
    assert list((target / "bundles").iterdir()) == []


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with closing(open_store(URL, tmp_path)) as store, pytest.raises(DataError, match="cannot be written"):
        dump(store, tmp_path / "none" / "d")
