"""Links between people: formats, headers, rejects, and the way from a file to the training data."""

from __future__ import annotations

import gzip
import json
from pathlib import Path
from typing import Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhiyin.cli.progress import make_progress
from zhiyin.config import make_settings
from zhiyin.errors import DataError, FileUnreadable, UsageError
from zhiyin.events.columns import Kind, assign
from zhiyin.events.links import Links
from zhiyin.events.read import FileRead, Reading, read_file
from zhiyin.events.rejects import Rejects
from zhiyin.ingest import ingest
from zhiyin.prepare import prepare
from zhiyin.store import open_store
from zhiyin.testing.project import run

PAIRS = [("u/1", "张 伟", 1.0, None), ("张 伟", "u/1", 1.0, None), ("007", "u/1", 1.0, None)]
HETREC = Path(__file__).parents[2].parent / "shared" / "data" / "hetrec_lastfm"


def read(path: Path, content: str | bytes, **how: Any) -> FileRead:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_file(path, Kind.LINKS, Reading(**how))


def table(separator: str, first: str, second: str) -> str:
    return "\n".join(separator.join(row) for row in [(first, second), *(pair[:2] for pair in PAIRS)]) + "\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("l.csv", table(",", "follower", "followee")),
        ("l.tsv", table("\t", "User ID", "friend_id")),
        ("user_friends.dat", table("\t", "userID", "friendID").replace("\n", "\r\n")),
        ("l.dat", "\n".join("::".join(pair[:2]) for pair in PAIRS)),
        ("l.net", table("\t", "source_id:token", "target_id:token")),
        ("l.csv", table(";", "source", "target")),
        ("l.jsonl", "\n".join(json.dumps({"user_id": one, "other_id": other}) for one, other, *_ in PAIRS)),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_every_format_says_the_same(tmp_path: Path, name: str, content: str, packed: bool) -> None:
    data = gzip.compress(content.encode()) if packed else content.encode()
    found = read(tmp_path / (name + ".gz" * packed), data)
    assert found.frame.rows() == PAIRS
    assert found.rejects.counts() == {}


def test_parquet_with_weights_and_times(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {"src": [1, 2], "dst": [2, 3], "strength": [0.5, None], "since": [1, 2], "time": [1_700_000_000, None]}
    )
    frame.write_parquet(tmp_path / "l.parquet")
    found = read_file(tmp_path / "l.parquet", Kind.LINKS, Reading())
    assert found.frame.rows() == [("1", "2", 0.5, 1_700_000_000_000_000), ("2", "3", 1.0, None)]


def test_what_is_no_link_is_rejected_with_its_line(tmp_path: Path) -> None:
    lines = [
        "user_id,friend_id,weight,time",
        "a,b,1,1700000000",
        "a,a,1,",
        "a,b,2,",
        ",b,1,",
        "a,,1,",
        "b,a,0,",
        "b,a,-1,",
        "b,a,much,",
        "b,a,1,9999999999",
        "b,a,1,0",
        "b,a,nan,",
        "b,a",
    ]
    found = read(tmp_path / "l.csv", "\n".join(lines), earliest=10**12, latest=1_800_000_000_000_000)
    assert found.frame.rows() == [("a", "b", 1.0, 1_700_000_000_000_000), ("b", "a", 1.0, None)]
    assert sorted((row.line, row.reason) for row in found.rejects.rows) == [
        (3, "link to oneself"),
        (4, "duplicate link"),
        (5, "missing user id"),
        (6, "missing other id"),
        (7, "bad number"),
        (8, "bad number"),
        (9, "bad number"),
        (10, "future timestamp"),
        (11, "too old timestamp"),
        (13, "malformed row"),
    ]
    assert found.rows == len(lines) - 1


def test_numbers_printed_with_gaps(tmp_path: Path) -> None:
    """1.0 stands for 1 where all of a column ends so, and that is settled before pairs are compared."""
    found = read(tmp_path / "l.csv", "user,friend\n1.0,2\n2.0,2\n1.0,3\n")
    assert found.frame.rows() == [("1", "2", 1.0, None), ("1", "3", 1.0, None)]
    assert found.rejects.counts() == {"link to oneself": 1}
    assert found.notes == ["every user_id ends in .0, as numbers with gaps are printed: read without it"]


@pytest.mark.parametrize(
    "header", ["userID friendID", "source target", "follower followee", "user_id other_id", "from_id to_id", "src dst"]
)
def test_usual_headers(header: str) -> None:
    first, second = header.split()
    assert assign(Kind.LINKS, [second, first, "weight"], {}) == {"user": first, "other": second, "weight": "weight"}


def test_files_of_another_kind_are_refused(tmp_path: Path) -> None:
    with pytest.raises(FileUnreadable, match="pass it with --events if it holds events"):
        read(tmp_path / "e.csv", "user_id,item_id,rating\n1,2,3\n")
    with pytest.raises(FileUnreadable, match="name it with --other-column"):
        read(tmp_path / "u.csv", "user_id,age\n1,2\n")
    (tmp_path / "l.csv").write_text("userID,friendID\n1,2\n")
    with pytest.raises(FileUnreadable, match="pass it with --links if it holds links"):
        read_file(tmp_path / "l.csv", Kind.EVENTS, Reading())


def test_a_named_column(tmp_path: Path) -> None:
    found = read(tmp_path / "l.csv", "谁,关注\n张伟,李娜\n", columns={"user": "谁", "other": "关注"})
    assert found.frame.rows() == [("张伟", "李娜", 1.0, None)]


ids = st.text(alphabet=st.characters(exclude_categories=["Cs", "Cc", "Zs", "Zl", "Zp"]), min_size=1, max_size=3)


@settings(deadline=None)
@given(st.lists(st.tuples(ids, ids), max_size=20), st.booleans())
def test_every_row_is_taken_once_or_rejected(pairs: list[tuple[str, str]], untyped: bool) -> None:
    rejects = Rejects()
    links = Links(rejects, 0, 10, untyped)
    for line, (one, other) in enumerate(pairs, 1):
        links.add(line, line, {"user": "a", "other": "b"}, {"a": one, "b": other})
    frame = links.frame()
    assert len(frame) + len(rejects.rows) == len(pairs)
    assert frame.select("user_id", "other_id").is_unique().all()
    assert (frame["user_id"] != frame["other_id"]).all()
    kept = {(one, other) for one, other in pairs if one != other}
    assert untyped or set(frame.select("user_id", "other_id").rows()) == kept


def test_links_reach_the_training_data(tmp_path: Path) -> None:
    """Strangers to the events are stored and do not train; a fingerprint without links is what it was."""
    (tmp_path / "e.csv").write_text("user_id,item_id\n张伟,i/1\nbob,i/1\nann,i 2\n", encoding="utf-8")
    (tmp_path / "l.csv").write_text(
        "user_id,friend_id,weight\n张伟,bob,0.5\nann,stranger,1\nann,bob,1\n", encoding="utf-8"
    )
    plain = make_settings({"encoder": {"model": "none"}})
    store = open_store("sqlite:///zhiyin.db", tmp_path)
    quiet = make_progress(True)
    ingest(store, plain, tmp_path, events=[tmp_path / "e.csv"])
    without = prepare(store, plain, quiet)
    assert without.interactions.links is None
    report = ingest(store, plain, tmp_path, links=[tmp_path / "l.csv"])
    assert report.stored == {"users": 4, "items": 2, "events": 3, "links": 3}
    assert [(file.kind, file.new) for file in report.files] == [("links", 3)]
    again = ingest(store, plain, tmp_path, links=[tmp_path / "l.csv"])
    assert [(file.new, file.already_there) for file in again.files] == [(0, 3)]
    linked = prepare(store, plain, quiet)
    assert linked.interactions.users.ids == ["ann", "bob", "张伟"]
    assert linked.interactions.links is not None
    assert linked.interactions.links.toarray().tolist() == [[0, 1, 0], [1, 0, 0.5], [0, 0.5, 0]]
    assert linked.fingerprint != without.fingerprint
    assert prepare(store, plain, quiet).fingerprint == linked.fingerprint
    store.close()


def test_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.chdir(tmp_path)
    assert run("init") == 0
    Path("关系.csv").write_text("谁,关注\n张伟,李娜\n张伟,张伟\n", encoding="utf-8")
    capsys.readouterr()
    told = ["--user-column", "谁", "--other-column", "关注"]
    assert run("import", "--links", "关系.csv", *told, "--format", "json", "--quiet") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["stored"] == {"users": 2, "items": 0, "events": 0, "links": 1}
    assert report["files"][0]["rejected"] == {"link to oneself": 1}
    assert report["files"][0]["first_lines"] == {"link to oneself": 3}


def test_a_failed_file_leaves_no_link(tmp_path: Path) -> None:
    store = open_store("sqlite:///zhiyin.db", tmp_path)
    (tmp_path / "l.csv").write_text("user,friend\na,b\n")
    (tmp_path / "own.csv").write_text("user,friend\na,a\n")
    with pytest.raises(DataError, match="link to oneself"):
        ingest(store, make_settings(None), tmp_path, links=[tmp_path / "l.csv", tmp_path / "own.csv"])
    with pytest.raises(UsageError, match="--links FILE"):
        ingest(store, make_settings(None), tmp_path)
    assert store.links().is_empty()
    store.close()


def test_hetrec_as_it_comes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The three files of HetRec 2011 Last.FM without a flag for columns or encodings."""
    if not HETREC.is_dir():
        pytest.skip("hetrec_lastfm is not beside the repository")
    monkeypatch.chdir(tmp_path)
    assert run("init") == 0
    files = {
        kind: HETREC / f"{name}.dat"
        for kind, name in (("events", "user_artists"), ("items", "artists"), ("links", "user_friends"))
    }
    capsys.readouterr()
    flags = [word for kind, path in files.items() for word in (f"--{kind}", str(path))]
    assert run("import", *flags, "--strict", "--quiet", "--format", "json") == 0
    report = json.loads(capsys.readouterr().out)
    assert report["stored"] == {"users": 1893, "items": 17_632, "events": 92_846, "links": 25_435}
    assert all(file["rejected"] == {} for file in report["files"])
    store = open_store("sqlite:///zhiyin.db", tmp_path)
    titles = dict(store.items().select("item_id", "title").iter_rows())
    assert titles["1"] == "MALICE MIZER"
    assert titles["1686"] == '"Weird Al" Yankovic', "quotes are part of a name"
    assert titles["1098"] == "Björk", "UTF-8 was taken for Latin-1"
    assert store.items()["title"].null_count() == 0
    assert store.events()["event_type"].unique().to_list() == ["view"], "a count of listens is no rating"
    store.close()
