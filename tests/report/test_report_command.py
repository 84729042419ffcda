"""``zhiyin report`` from imported files to the page."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from zhiyin.cli import app
from zhiyin.errors import BundleError, UsageError
from zhiyin.ports import Silent
from zhiyin.report.gather import STRANGER, gather
from zhiyin.store import open_store
from zhiyin.testing.rows import event, put_events, put_users


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments), catch_exceptions=False)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty people took 4 to 9 of twelve items, half of which have Chinese titles; one person took nothing."""
    folder = tmp_path_factory.mktemp("店 shop")
    lines = ["user_id,item_id,timestamp"]
    for user in range(30):
        lines += [
            f"u{user:02},i{(user * 5 + step) % 12},{1_700_000_000 + step * 86_400}" for step in range(4 + user % 6)
        ]
    (folder / "events.csv").write_text("\n".join(lines), encoding="utf-8")
    titles = [f'i{row},"{"热茶" if row % 2 else "Cable & plug"} {row}"' for row in range(12)]
    (folder / "items.csv").write_text("\n".join(["item_id,title", *titles]), encoding="utf-8")
    (folder / "users.csv").write_text("user_id\nu00\nzz nobody\n", encoding="utf-8")
    (folder / "zhiyin.toml").write_text(
        'name = "茶 & <cables>"\n[encoder]\nmodel = "none"\n[train]\nsearch = false\n', encoding="utf-8"
    )
    files = [f"--{kind}={folder / kind}.csv" for kind in ("events", "items", "users")]
    assert run("import", *files, "--project", str(folder), "--quiet").exit_code == 0
    assert run("train", "--project", str(folder), "--quiet").exit_code == 0
    return folder


@pytest.fixture
def opened(shop: Path) -> Iterator[Path]:
    """The trained project, put back as it was."""
    before = (shop / "zhiyin.db").read_bytes()
    yield shop
    (shop / "zhiyin.db").write_bytes(before)


def test_the_page(shop: Path) -> None:
    done = run("report", "--out", str(shop / "r.html"), "--project", str(shop), "--quiet")
    assert done.output == f"Wrote {shop / 'r.html'}\n"
    first = (shop / "r.html").read_bytes()
    text = first.decode()
    assert "<h1>茶 &amp; &lt;cables&gt;</h1>" in text
    assert "热茶 1" in text
    assert "Cable &amp; plug" in text
    assert "Protocol leave-one-out" in text
    run("report", "--out", str(shop / "r.html"), "--project", str(shop), "--quiet")
    assert (shop / "r.html").read_bytes() == first


def test_what_is_gathered(shop: Path) -> None:
    content = gather(shop, Silent())
    assert content.stored == {"users": 31, "items": 12, "events": 195}
    assert content.item_counts.sum() == content.cleaning["rows_out"] == 195
    assert len(content.event_times) == 195
    assert content.notes == []
    assert content.evaluation is not None
    assert set(content.search) - {"fusion"} == set(content.evaluation["models"]) - {"fusion"}
    roles = [(one["role"], one["user_id"], one["temperature"], len(one["history"])) for one in content.samples]
    assert roles == [("very active", "u17", "hot", 9), ("typical", "u26", "hot", 6), ("cold", "zz nobody", "cold", 0)]
    assert all(one["items"][0]["title"] for one in content.samples)


def test_protocol_and_fit_reach_the_measures(shop: Path) -> None:
    done = run("report", f"--out={shop / 'p.html'}", f"--project={shop}", "--quiet", "--protocol=random", "--fit=refit")
    assert done.exit_code == 0
    text = (shop / "p.html").read_text(encoding="utf-8")
    assert "Protocol random" in text
    assert "fitted again on the training and validation parts together" in text


def test_data_that_changed_since_training(opened: Path) -> None:
    store = open_store("sqlite:///zhiyin.db", opened)
    put_events(store, [event("u00", "i11", 1_700_900_000_000_000), event("zz nobody", "i1", 1_700_900_000_000_000)])
    store.close()
    content = gather(opened, Silent())
    assert any("The data have changed" in note for note in content.notes)
    assert content.samples[-1]["user_id"] == STRANGER


def test_a_stranger_has_a_name_that_nobody_has(opened: Path) -> None:
    store = open_store("sqlite:///zhiyin.db", opened)
    put_events(store, [event(name, "i1", 1_700_900_000_000_000) for name in ("zz nobody", STRANGER)])
    store.close()
    assert gather(opened, Silent()).samples[-1]["user_id"] == f"{STRANGER}?"


def test_too_little_to_measure(tmp_path: Path) -> None:
    (tmp_path / "zhiyin.toml").write_text('[encoder]\nmodel = "none"\n', encoding="utf-8")
    store = open_store("sqlite:///zhiyin.db", tmp_path)
    put_events(store, [event("a", "x"), event("a", "y"), event("b", "x")])
    put_users(store, [("c", "{}")])
    store.close()
    assert run("train", f"--project={tmp_path}", "--quiet").exit_code == 0
    content = gather(tmp_path, Silent())
    assert content.evaluation is None
    assert content.unmeasured
    run("report", f"--out={tmp_path / 'r.html'}", f"--project={tmp_path}", "--quiet")
    text = (tmp_path / "r.html").read_text(encoding="utf-8")
    assert "Nothing was measured" in text
    assert "The events carry no times" in text


def test_nothing_trained_yet(tmp_path: Path) -> None:
    (tmp_path / "zhiyin.toml").write_text("", encoding="utf-8")
    with pytest.raises(BundleError):
        run("report", f"--out={tmp_path / 'r.html'}", f"--project={tmp_path}", "--quiet")
    assert not (tmp_path / "r.html").exists()


def test_nowhere_to_write_is_said_before_the_work(tmp_path: Path) -> None:
    for out in (tmp_path / "missing" / "r.html", tmp_path):
        with pytest.raises(UsageError, match="cannot write"):
            run("report", f"--out={out}", f"--project={tmp_path}")
