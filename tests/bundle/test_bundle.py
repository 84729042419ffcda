"""Bundles survive the disk, name their content, and never show half of themselves."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from zhiyin.bundle import BundleContent, active, find, load, publish, remove, use, write
from zhiyin.errors import BundleError
from zhiyin.store import open_store
from zhiyin.store.sql import SqlStore
from zhiyin.types import Catalogue


def content(score: float = 1.0) -> BundleContent:
    catalogue = Catalogue(
        ["绿茶", "<b>Tea</b>"],
        [["茶"], []],
        ["绿茶, 茶", ""],
        np.array([[1, 0], [0, 0]], dtype=np.float32),
        np.array([False, True]),
    )
    models = {"linear": ({"decay": 0.5}, {"data": np.array([score, 2.0], dtype=np.float32)})}
    return BundleContent(
        "linear",
        models,
        ["用户/1", 'a "b"'],
        ["茶/1", "tea 2"],
        catalogue,
        "data",
        7,
        {"unit": 1.0},
        {"m": 1},
        {},
        "enc/128",
    )


def test_round_trip(tmp_path: Path) -> None:
    manifest = write(tmp_path, content(), 1_700_000_000_000_000)
    assert manifest.name == f"20231114T221320-{manifest.fingerprint[:8]}"
    bundle = load(tmp_path / manifest.name)
    assert bundle.manifest == manifest
    assert bundle.items.ids == ["茶/1", "tea 2"]
    assert bundle.users.ids == ["用户/1", 'a "b"']
    assert bundle.catalogue.titles == ["绿茶", "<b>Tea</b>"]
    assert bundle.catalogue.categories == [["茶"], []]
    assert bundle.catalogue.hidden.tolist() == [False, True]
    assert bundle.catalogue.vectors is not None
    assert bundle.catalogue.vectors.tolist() == [[1, 0], [0, 0]]
    array = bundle.arrays("linear")["data"]
    assert array.tolist() == [1, 2]
    assert not array.flags.writeable
    bundle.verify()


def test_fingerprint_is_of_the_content(tmp_path: Path) -> None:
    first = write(tmp_path, content(), 1)
    later = write(tmp_path, content(), 2_000_000)
    other = write(tmp_path, content(score=3.0), 3_000_000)
    seeded = write(tmp_path, replace(content(), seed=8), 4_000_000)
    assert first.fingerprint == later.fingerprint
    assert len({first.fingerprint, other.fingerprint, seeded.fingerprint}) == 3
    again = write(tmp_path, content(), 1)
    assert again.name == f"{first.name}-2"


def test_a_killed_writer_shows_nothing(tmp_path: Path) -> None:
    code = f"""
import os, signal
from pathlib import Path
from zhiyin.bundle import writing
writing._sync = lambda folder: os.kill(os.getpid(), signal.SIGKILL)
import sys; sys.path.insert(0, {str(Path(__file__).parent)!r})
from test_bundle import content
writing.write(Path({str(tmp_path)!r}), content(), 1)
"""
    ended = subprocess.run([sys.executable, "-c", code], check=False, env=os.environ)
    assert ended.returncode == -signal.SIGKILL
    assert all(path.name.startswith(".unfinished-") for path in tmp_path.iterdir())
    manifest = write(tmp_path, content(), 2)
    assert [path.name for path in tmp_path.iterdir()] == [manifest.name]


def test_damage_is_found(tmp_path: Path) -> None:
    folder = tmp_path / write(tmp_path, content(), 1).name
    file = folder / "models" / "linear" / "data.npy"
    whole = file.read_bytes()
    file.write_bytes(whole[:-1] + bytes([whole[-1] ^ 1]))
    with pytest.raises(BundleError, match="has changed"):
        load(folder).verify()
    file.write_bytes(whole[:-1])
    with pytest.raises(BundleError, match="cut short"):
        load(folder)
    manifest = folder / "manifest.json"
    told = json.loads(manifest.read_text(encoding="utf-8"))
    manifest.write_text(json.dumps(told | {"surprise": 1}), encoding="utf-8")
    with pytest.raises(BundleError, match="not a manifest"):
        load(folder)
    manifest.write_text(json.dumps(told | {"format": 99}), encoding="utf-8")
    with pytest.raises(BundleError, match="format 99"):
        load(folder)
    with pytest.raises(BundleError, match="no bundle here"):
        load(tmp_path / "nowhere")


@pytest.fixture
def store(tmp_path: Path) -> SqlStore:
    return open_store("sqlite:///z.db", tmp_path)


def test_publish_prune_and_roll_back(store: SqlStore, tmp_path: Path) -> None:
    root = tmp_path / "bundles"
    with pytest.raises(BundleError, match="nothing is trained"):
        active(store, root)
    names = [publish(store, root, content(score=k), (k + 1) * 1_000_000, keep=2).name for k in range(5)]
    assert sorted(path.name for path in root.iterdir()) == names[2:]
    assert active(store, root).manifest.name == names[4]
    use(store, root, names[2])
    assert active(store, root).manifest.name == names[2]
    with pytest.raises(BundleError, match="being served"):
        remove(store, root, names[2])
    remove(store, root, names[4])
    assert store.bundles()["name"].to_list() == [names[3], names[2]]
    assert find(store, names[3][:-2]) == names[3]
    with pytest.raises(BundleError, match="2 bundles begin"):
        find(store, "19")
    with pytest.raises(BundleError, match="no bundle 'x'"):
        find(store, "x")
