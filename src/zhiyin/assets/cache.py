"""Where assets lie on this machine: one folder per user, one folder per asset and content, complete or not there."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from datetime import UTC, datetime
from pathlib import Path

from zhiyin.assets.fetch import Source, fetch_file
from zhiyin.assets.registry import Asset, AssetFile, find
from zhiyin.config import ASSETS_VARIABLE
from zhiyin.errors import AssetError
from zhiyin.ports import Progress, Silent


def root() -> Path:
    """Folder of all assets: ``ZHIYIN_ASSETS``, else the user's cache folder."""
    if chosen := os.environ.get(ASSETS_VARIABLE):
        return Path(chosen).expanduser()
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "zhiyin" / "assets"


def folder_of(asset: Asset) -> Path:
    """Where ``asset`` lies once fetched. The name holds its content hash, so a new version never mixes with an old."""
    return root() / f"{asset.name}-{asset.fingerprint[:12]}"


def present(name: str) -> Path | None:
    """Folder of the asset if it is here with every checksum right, else None. Raises UsageError for an unknown name."""
    asset = find(name)
    folder = folder_of(asset)
    return folder if all(matches(folder / file.path, file) for file in asset.files) else None


def get(name: str, progress: Progress | None = None, accept_licence: bool = False) -> Path:
    """Folder holding the asset's files, fetched first where it is not here or is damaged.

    Several processes may ask at once: each fetches into a folder of its own and the first to finish wins. With
    ``accept_licence`` the user accepts the asset's own licence, once and for all on this machine. Raises UsageError for
    an unknown name and AssetError where the licence is not accepted, or, listing what was tried, where no source gives
    the right bytes.
    """
    asset = find(name)
    if asset.accept and not accepted(asset):
        if not accept_licence:
            raise AssetError(
                f"'{name}' comes under its owner's own licence: {asset.licence}",
                where=asset.home,
                fix=f"read it, then run 'zhiyin assets get {name} --accept-licence'",
            )
        accept(asset)
    return fetch(asset, progress or Silent())


def accepted(asset: Asset) -> bool:
    """Whether the user has accepted the licence of this very content."""
    return _acceptance(asset).is_file()


def accept(asset: Asset) -> None:
    """Remember beside the asset that its licence was accepted, and when. Raises AssetError."""
    note = {"asset": asset.name, "licence": asset.licence, "accepted": datetime.now(UTC).isoformat(timespec="seconds")}
    try:
        root().mkdir(parents=True, exist_ok=True)
        _acceptance(asset).write_text(json.dumps(note, ensure_ascii=False) + "\n", encoding="utf-8")
    except OSError as refused:
        raise _unwritable(refused) from refused


def _acceptance(asset: Asset) -> Path:
    folder = folder_of(asset)
    return folder.with_name(f"{folder.name}.licence-accepted.json")


def _unwritable(refused: OSError) -> AssetError:
    return AssetError(
        f"cannot write to the asset folder: {refused}",
        where=str(root()),
        fix=f"set {ASSETS_VARIABLE} to a folder that can be written",
    )


def fetch(asset: Asset, progress: Progress) -> Path:
    folder = folder_of(asset)
    if all(matches(folder / file.path, file) for file in asset.files):
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=f".{folder.name}-", dir=folder.parent))
    except OSError as refused:
        raise _unwritable(refused) from refused
    try:
        source = Source(asset, work / "download", progress)
        (work / "files").mkdir()
        with progress.task(f"Fetching {asset.name}", total=asset.size) as advance:
            for file in asset.files:
                target = work / "files" / file.path
                if not _reuse(folder / file.path, target, file):
                    fetch_file(source, file, target, folder)
                advance(file.size)
        _install(work / "files", folder, asset)
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return folder


def matches(path: Path, file: AssetFile) -> bool:
    """Whether ``path`` holds the bytes that the registry asks for."""
    try:
        if path.stat().st_size != file.size:
            return False
        with path.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest() == file.sha256
    except OSError:
        return False


def _reuse(old: Path, target: Path, file: AssetFile) -> bool:
    """Take over a file that someone put in place by hand, or that is still good in a damaged folder."""
    if not matches(old, file):
        return False
    shutil.copyfile(old, target)
    return True


def _install(files: Path, folder: Path, asset: Asset) -> None:
    """Rename ``files`` to ``folder`` in one step; a damaged folder in the way is moved aside first."""
    for _ in range(3):
        try:
            files.rename(folder)
            return
        except OSError:
            if all(matches(folder / file.path, file) for file in asset.files):
                return
            # Another process may move it at the same time; whoever comes second finds nothing to move.
            aside = files.parent / "damaged"
            if folder.exists() and not aside.exists():
                try:
                    folder.rename(aside)
                except FileNotFoundError:
                    continue
    raise AssetError(f"cannot put {asset.name} in place", where=str(folder), fix="remove that folder and try again")
