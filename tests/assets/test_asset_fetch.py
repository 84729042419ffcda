"""Fetching against a hub on this machine and a folder of wheels that pip installs from, without a network."""

from __future__ import annotations

import hashlib
import json
import threading
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from zhiyin.assets import cache
from zhiyin.assets.fetch import HUB_TRIES
from zhiyin.assets.registry import Asset, AssetFile, Part, Wheel
from zhiyin.errors import AssetError
from zhiyin.ports import Silent

GOOD = "知音 says hello\n".encode()
OTHER = b"something else\n"


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


class Hub:
    """A web server whose answers are set by path; ``asked`` lists the requests."""

    def __init__(self) -> None:
        self.answers: dict[str, tuple[int, bytes]] = {}
        self.asked: list[str] = []
        hub = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                hub.asked.append(self.path)
                status, body = hub.answers.get(self.path, (404, b""))
                self.send_response(status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()


@pytest.fixture
def hub() -> Iterator[Hub]:
    hub = Hub()
    yield hub
    hub.server.shutdown()
    hub.server.server_close()


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    root = tmp_path / "my assets 知音"
    monkeypatch.setenv("ZHIYIN_ASSETS", str(root))
    return root


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for its only index."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    for key in ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CONSTRAINT"):
        monkeypatch.delenv(key, raising=False)
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", folder.as_uri())
    return folder


def make_wheel(folder: Path, content: bytes, name: str = "toy_wheel") -> Wheel:
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("toy/a.txt", content)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        archive.writestr(f"{info}/RECORD", "")
    return Wheel(version="1.0", sha256=sha(path.read_bytes()), size=path.stat().st_size)


def toy(urls: list[str], wheel: Wheel | None = None, names: tuple[str, ...] = ("a.txt",)) -> Asset:
    source = {"wheel": "toy-wheel", "inside": "toy/a.txt"} if wheel else {}
    return Asset(
        name="toy",
        kind="data",
        description="A toy",
        home="https://example.org",
        licence="CC0",
        redistribution="yes",
        commercial="yes",
        wheels={"toy-wheel": wheel} if wheel else {},
        files=[AssetFile(path=name, sha256=sha(GOOD), size=len(GOOD), hub=urls, **source) for name in names],
    )


def leftovers(root: Path) -> list[str]:
    return sorted(path.name for path in root.iterdir()) if root.exists() else []


def test_from_the_hub(hub: Hub, root: Path) -> None:
    hub.answers["/a"] = (200, GOOD)
    asset = toy([f"{hub.base}/a"])
    folder = cache.fetch(asset, Silent())
    assert (folder / "a.txt").read_bytes() == GOOD
    assert folder == root / f"toy-{asset.fingerprint[:12]}"
    assert leftovers(root) == [folder.name]
    cache.fetch(asset, Silent())
    assert hub.asked == ["/a"], "what is here is not fetched again"


def test_other_bytes_are_refused_and_the_next_source_is_tried(hub: Hub, wheels: Path) -> None:
    hub.answers["/a"] = (200, OTHER)
    hub.answers["/longer"] = (200, GOOD * 1000)
    folder = cache.fetch(toy([f"{hub.base}/a", f"{hub.base}/longer"], make_wheel(wheels, GOOD)), Silent())
    assert (folder / "a.txt").read_bytes() == GOOD
    assert hub.asked == ["/a", "/longer"]


def test_one_wheel_serves_several_files(hub: Hub, wheels: Path) -> None:
    folder = cache.fetch(toy([], make_wheel(wheels, GOOD), names=("a.txt", "b.txt")), Silent())
    assert sorted(path.name for path in folder.iterdir()) == ["a.txt", "b.txt"]


def test_a_dead_hub_is_given_up_at_once(hub: Hub, wheels: Path) -> None:
    hub.server.shutdown()
    hub.server.server_close()
    began = time.perf_counter()
    cache.fetch(toy([f"{hub.base}/a"], make_wheel(wheels, GOOD), names=("a.txt", "b.txt")), Silent())
    assert time.perf_counter() - began < 10


def test_retries_are_bounded(hub: Hub) -> None:
    hub.answers["/a"] = (503, b"")
    with pytest.raises(AssetError, match="/a: HTTP 503"):
        cache.fetch(toy([f"{hub.base}/a"]), Silent())
    assert hub.asked == ["/a"] * HUB_TRIES


def test_nothing_right_anywhere(hub: Hub, wheels: Path, root: Path) -> None:
    asset = toy([f"{hub.base}/gone"], make_wheel(wheels, OTHER))
    with pytest.raises(AssetError) as caught:
        cache.fetch(asset, Silent())
    line = caught.value.line
    assert "/gone: HTTP 404" in line
    assert "toy/a.txt holds other bytes than the registry states" in line
    assert "python -m pip download --no-deps toy-wheel==1.0" in line
    assert str(cache.folder_of(asset)) in line
    assert leftovers(root) == [], "a failed fetch leaves nothing behind"


def in_parts(wheels: Path, *pieces: bytes) -> Asset:
    made = {f"part{place}": make_wheel(wheels, piece, f"part{place}") for place, piece in enumerate(pieces)}
    file = AssetFile(
        path="a.txt",
        sha256=sha(GOOD),
        size=len(GOOD),
        parts=[Part(wheel=name, inside="toy/a.txt") for name in made],
    )
    return Asset(**{**toy(["http://x"]).model_dump(), "wheels": made, "files": [file]})


def test_a_file_in_parts_is_put_together(wheels: Path, root: Path) -> None:
    folder = cache.fetch(in_parts(wheels, GOOD[:3], GOOD[3:10], GOOD[10:]), Silent())
    assert (folder / "a.txt").read_bytes() == GOOD
    assert leftovers(root) == [folder.name]


@pytest.mark.parametrize("pieces", [(GOOD[:3], GOOD[4:]), (GOOD[3:], GOOD[:3]), (GOOD, b"and more")])
def test_parts_that_do_not_make_the_whole_are_refused(wheels: Path, root: Path, pieces: tuple[bytes, ...]) -> None:
    with pytest.raises(AssetError, match="holds other bytes") as caught:
        cache.fetch(in_parts(wheels, *pieces), Silent())
    assert "pip download --no-deps part0==1.0 part1==1.0" in caught.value.line
    assert leftovers(root) == []


def test_a_missing_part_is_named(wheels: Path) -> None:
    asset = in_parts(wheels, GOOD[:3], GOOD[3:])
    (wheels / "part1-1.0-py3-none-any.whl").unlink()
    with pytest.raises(AssetError, match=r"wheel part1==1\.0"):
        cache.fetch(asset, Silent())


def test_a_licence_is_accepted_once(hub: Hub, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.answers["/a"] = (200, GOOD)
    asset = toy([f"{hub.base}/a"]).model_copy(update={"accept": True, "licence": "Toy terms 知音"})
    monkeypatch.setattr(cache, "find", lambda name: asset)
    with pytest.raises(AssetError, match=r"own licence: Toy terms 知音 .*zhiyin assets get toy --accept-licence"):
        cache.get("toy")
    assert hub.asked == []
    assert not cache.accepted(asset)
    folder = cache.get("toy", accept_licence=True)
    assert cache.accepted(asset)
    assert cache.get("toy") == folder, "remembered"
    note = json.loads((root / f"{folder.name}.licence-accepted.json").read_text(encoding="utf-8"))
    assert note["licence"] == "Toy terms 知音"
    other = asset.model_copy(update={"files": [asset.files[0].model_copy(update={"sha256": sha(OTHER)})]})
    assert not cache.accepted(other), "another content is accepted anew"


def test_a_wheel_with_another_checksum_is_refused(wheels: Path) -> None:
    wheel = make_wheel(wheels, GOOD)
    with pytest.raises(AssetError, match=r"wheel toy-wheel==1\.0"):
        cache.fetch(toy([], wheel.model_copy(update={"sha256": "0" * 64})), Silent())


def test_a_file_put_in_place_by_hand_is_taken(root: Path) -> None:
    asset = toy(["http://127.0.0.1:9/never"])
    folder = cache.folder_of(asset)
    folder.mkdir(parents=True)
    (folder / "a.txt").write_bytes(GOOD)
    assert cache.fetch(asset, Silent()) == folder


def test_a_damaged_file_is_fetched_again(hub: Hub, root: Path) -> None:
    hub.answers["/a"] = (200, GOOD)
    asset = toy([f"{hub.base}/a"])
    folder = cache.fetch(asset, Silent())
    (folder / "a.txt").write_bytes(GOOD[::-1])
    assert cache.fetch(asset, Silent()) == folder
    assert (folder / "a.txt").read_bytes() == GOOD
    assert leftovers(root) == [folder.name]


def test_several_at_once(hub: Hub, root: Path) -> None:
    hub.answers["/a"] = (200, GOOD)
    asset = toy([f"{hub.base}/a"])
    with ThreadPoolExecutor(8) as pool:
        folders = list(pool.map(lambda _: cache.fetch(asset, Silent()), range(8)))
    assert set(folders) == {cache.folder_of(asset)}
    assert leftovers(root) == [folders[0].name]
    assert (folders[0] / "a.txt").read_bytes() == GOOD


def test_a_folder_that_cannot_be_written(root: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("ZHIYIN_ASSETS", str(tmp_path / "file" / "assets"))
    with pytest.raises(AssetError, match=r"cannot write.*set ZHIYIN_ASSETS"):
        cache.fetch(toy(["http://127.0.0.1:9/a"]), Silent())


def test_where_assets_lie(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("ZHIYIN_ASSETS", str(tmp_path / "here"))
    assert cache.root() == tmp_path / "here"
    monkeypatch.delenv("ZHIYIN_ASSETS")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert cache.root() == tmp_path / "cache" / "zhiyin" / "assets"
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert cache.root() == Path.home() / ".cache" / "zhiyin" / "assets"
