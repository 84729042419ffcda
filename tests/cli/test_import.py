"""``zhiyin import`` as a user meets it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from zhiyin.cli import app
from zhiyin.errors import FileUnreadable, UsageError

runner = CliRunner()


@pytest.fixture
def project(tmp_path: Path) -> Path:
    assert runner.invoke(app, ["init", str(tmp_path)]).exit_code == 0
    (tmp_path / "a.csv").write_text("user_id,item_id,timestamp\n用户,i/1,1700000000\nu,i2,soon\n", encoding="utf-8")
    (tmp_path / "b.csv").write_text("who,item_id,timestamp\nv,i 2,1700000000\n", encoding="utf-8")
    (tmp_path / "items.jsonl").write_text('{"item_id": "i/1", "title": "题"}\n', encoding="utf-8")
    return tmp_path


def zhiyin(project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    code = "from zhiyin.cli import main; main()"
    return subprocess.run(
        [sys.executable, "-c", code, "import", *arguments],
        cwd=project,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


def test_report_names_the_next_command(project: Path) -> None:
    done = zhiyin(project, "--events", "a.csv", "--items", "items.jsonl")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        "items from items.jsonl (JSONL): 1 row: 1 new",
        "events from a.csv (CSV): 2 rows: 1 new, 1 rejected",
        "    1 bad timestamp, first on line 3",
        "    rejected rows are kept in rejects/a.csv.jsonl",
        "The store now holds 1 user, 1 item, 1 event. Next: zhiyin train",
    ]
    assert "Reading a.csv" in done.stderr


def test_quiet_json_with_named_columns_and_repeated_flags(project: Path) -> None:
    done = zhiyin(
        project, "--events", "a.csv", "--events", "b.csv", "--user-column", "who", "--format", "json", "--quiet"
    )
    assert (done.returncode, done.stderr) == (0, "")
    answer = json.loads(done.stdout)
    assert answer["stored"] == {"users": 2, "items": 2, "events": 2}
    assert [(file["path"], file["new"]) for file in answer["files"]] == [("a.csv", 1), ("b.csv", 1)]


def test_failures_are_one_line_with_their_exit_code(project: Path) -> None:
    missing = zhiyin(project, "--events", "none.csv", "--quiet")
    assert (missing.returncode, missing.stdout) == (1, "")
    assert missing.stderr == "zhiyin: none.csv: no such file Fix: check the path\n"
    nothing = zhiyin(project)
    assert nothing.returncode == 2
    assert nothing.stderr.startswith("zhiyin: nothing to import Fix: ")


@pytest.mark.parametrize(
    ("flag", "column"),
    [
        ("--user-column", "a"),
        ("--item-column", "b"),
        ("--time-column", "c"),
        ("--type-column", "d"),
        ("--value-column", "e"),
    ],
)
def test_every_event_column_flag_reaches_the_reader(project: Path, flag: str, column: str) -> None:
    names = {
        "--user-column": "a",
        "--item-column": "b",
        "--time-column": "c",
        "--type-column": "d",
        "--value-column": "e",
    }
    (project / "x.csv").write_text("a,b,c,d,e\nu,i,1700000000,like,2\n")
    pairs = [word for name, value in names.items() for word in (name, value)]
    base = ["import", "--project", str(project), "--quiet", "--events", str(project / "x.csv")]
    assert runner.invoke(app, [*base, *pairs]).exit_code == 0
    wrong = runner.invoke(app, [*base, *pairs, flag, f"not {column}"])
    assert isinstance(wrong.exception, UsageError | FileUnreadable)
    from zhiyin.store import open_store

    store = open_store("sqlite:///zhiyin.db", project)
    event = store.events().select("user_id", "item_id", "event_type", "value", "time").row(0)
    store.close()
    assert event == ("u", "i", "like", 2.0, 1_700_000_000_000_000)


def test_item_column_flags_reach_the_reader(project: Path) -> None:
    (project / "x.csv").write_text("item_id,t,d,c\ni,T,D,x|y\n")
    flags = ["--title-column", "t", "--description-column", "d", "--categories-column", "c"]
    base = ["import", "--project", str(project), "--quiet", "--items", str(project / "x.csv")]
    assert runner.invoke(app, [*base, *flags]).exit_code == 0
    from zhiyin.store import open_store

    store = open_store("sqlite:///zhiyin.db", project)
    item = store.items().row(0)
    store.close()
    assert item[:4] == ("i", "T", "D", ["x", "y"])


def test_strict_and_encoding_reach_the_reader(project: Path) -> None:
    base = ["import", "--project", str(project), "--quiet", "--events"]
    assert "strict" in str(runner.invoke(app, [*base, str(project / "a.csv"), "--strict"]).exception)
    (project / "gb.csv").write_bytes("user,item\n甲,乙\n".encode("gb18030"))
    done = runner.invoke(app, [*base, str(project / "gb.csv"), "--encoding", "gb18030"])
    assert done.exit_code == 0
    assert "1 new" in done.stdout
    assert "--encoding" in str(runner.invoke(app, [*base, str(project / "gb.csv")]).exception)


def test_patterns_name_several_files(project: Path) -> None:
    for day in "231":
        (project / f"day-{day}.csv").write_text(f"user_id,item_id\nu,i{day}\n")
    (project / "day-[0].csv").write_text("user_id,item_id\nu,own name\n")
    base = ["import", "--project", str(project), "--quiet", "--format", "json", "--events"]
    done = runner.invoke(app, [*base, str(project / "day-?.csv"), "--events", str(project / "day-[0].csv")])
    names = [Path(file["path"]).name for file in json.loads(done.stdout)["files"]]
    assert names == ["day-1.csv", "day-2.csv", "day-3.csv", "day-[0].csv"]
    assert "no file matches" in str(runner.invoke(app, [*base, str(project / "night-*.csv")]).exception)
