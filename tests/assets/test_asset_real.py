"""One real asset, from whichever of its sources can be reached."""

from __future__ import annotations

from pathlib import Path

import pytest

from zhiyin import assets
from zhiyin.errors import AssetError


def test_movielens_arrives_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ZHIYIN_ASSETS", str(tmp_path))
    assert assets.present("movielens-100k") is None
    try:
        folder = assets.get("movielens-100k")
    except AssetError as error:
        pytest.skip(f"no source can be reached from here: {error.line}")
    assert assets.present("movielens-100k") == folder
    lines = (folder / "ml-100k.inter").read_text(encoding="utf-8").splitlines()
    assert len(lines) == 100_001
    assert lines[0] == "user_id:token\titem_id:token\trating:float\ttimestamp:float"
    assert (folder / "ml-100k.item").read_text(encoding="utf-8").splitlines()[1].startswith("1\tToy Story\t1995\t")
