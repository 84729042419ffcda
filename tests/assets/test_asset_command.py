from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from zhiyin.assets import find, folder_of
from zhiyin.cli import app, main
from zhiyin.config import make_settings


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ZHIYIN_ASSETS", str(tmp_path))
    return tmp_path


def test_list_tells_size_licence_and_absence() -> None:
    done = CliRunner().invoke(app, ["assets", "list"])
    assert done.exit_code == 0
    assert "minilm-l6-v2-int8  (model, 23.4 MB, not fetched)" in done.output
    assert "Licence: Apache-2.0. Passing it on: yes. Commercial use: yes." in done.output


def test_list_as_json() -> None:
    done = CliRunner().invoke(app, ["assets", "list", "--format", "json"])
    first = json.loads(done.stdout)[0]
    assert first["name"] == "movielens-100k"
    assert first["bytes"] == 1979230 + 66632 + 22697
    assert first["path"] is None


def test_a_wrong_checksum_is_not_present(root: Path) -> None:
    folder = folder_of(find("movielens-100k"))
    folder.mkdir(parents=True)
    for name, size in (("ml-100k.inter", 1979230), ("ml-100k.item", 66632), ("ml-100k.user", 22697)):
        (folder / name).write_bytes(b"0" * size)
    done = CliRunner().invoke(app, ["assets", "list", "--format", "json"])
    assert json.loads(done.stdout)[0]["path"] is None


def test_unknown_name_is_wrong_usage(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("sys.argv", ["zhiyin", "assets", "get", "nope"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 2
    assert "no asset is called 'nope'" in capsys.readouterr().err


def test_the_variable_is_no_unknown_setting() -> None:
    assert make_settings({}).name == "zhiyin"


def test_a_licence_of_its_own_must_be_accepted(
    root: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    listed = CliRunner().invoke(app, ["assets", "list"]).output
    assert "Read the licence at https://ai.google.dev/gemma/terms; --accept-licence says that you accept it." in listed
    monkeypatch.setattr("sys.argv", ["zhiyin", "assets", "get", "gemma-3-270m"])
    with pytest.raises(SystemExit) as caught:
        main()
    assert caught.value.code == 1
    line = capsys.readouterr().err
    assert "Gemma Terms of Use" in line
    assert "Fix: read it, then run 'zhiyin assets get gemma-3-270m --accept-licence'" in line
    assert list(root.iterdir()) == []
    got: list[bool] = []

    def get(name: str, progress: object, accept: bool) -> Path:
        got.append(accept)
        return root

    monkeypatch.setattr("zhiyin.assets.get", get)
    assert CliRunner().invoke(app, ["assets", "get", "gemma-3-270m", "--accept-licence"]).exit_code == 0
    assert got == [True]
