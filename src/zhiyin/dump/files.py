"""Files of bundles within a dump: each has a line with path and size, lines with its bytes, its checksum."""

from __future__ import annotations

import base64
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path, PurePosixPath
from typing import IO, Any

from zhiyin.dump.lines import Lines, line_of
from zhiyin.errors import DataError

CHUNK = 3 * 2**18
"""Bytes in one line."""


def names(folder: Path) -> list[str]:
    """Bundles in ``folder``, sorted; folders whose names begin with a dot are being written."""
    if not folder.is_dir():
        return []
    return sorted(one.name for one in folder.iterdir() if one.is_dir() and not one.name.startswith("."))


def write(folder: Path, bundles: list[str], out: IO[bytes]) -> Iterator[str]:
    """Write every file of ``bundles``; gives their checksums."""
    for path in (path for name in bundles for path in sorted((folder / name).rglob("*")) if path.is_file()):
        own = blake2b(digest_size=16)
        out.write(line_of({"file": path.relative_to(folder).as_posix(), "size": path.stat().st_size}))
        with path.open("rb") as file:
            while chunk := file.read(CHUNK):
                own.update(chunk)
                out.write(line_of([base64.b64encode(chunk).decode()]))
        out.write(line_of({"end": own.hexdigest()}))
        yield own.hexdigest()


@contextmanager
def unpacked(lines: Lines, bundles: list[str], folder: Path | None) -> Iterator[list[str]]:
    """Checksums of the files that follow in ``lines``. They are laid beside ``folder``'s bundles meanwhile and take
    their places when the block ends well; a bundle that is there already stays. Without ``folder`` they are only
    checked."""
    if folder is None or not bundles:
        yield list(_read(lines, None))
        return
    try:
        folder.mkdir(exist_ok=True)
        beside = Path(tempfile.mkdtemp(prefix=".restoring-", dir=folder))
    except OSError as bad:
        raise DataError(f"cannot be written: {bad.strerror}", where=str(folder), fix="see folder and disk") from bad
    try:
        yield list(_read(lines, beside))
        for name in bundles:
            if not (folder / name).exists():
                (beside / name).rename(folder / name)
    except OSError as bad:
        raise DataError(f"cannot be written: {bad.strerror}", where=str(folder), fix="see folder and disk") from bad
    finally:
        shutil.rmtree(beside, ignore_errors=True)


def _read(lines: Lines, folder: Path | None) -> Iterator[str]:
    while "file" in (head := lines.peek()):
        lines.expect(head)
        own = blake2b(digest_size=16)
        with _target(lines, head, folder) as file:
            size = 0
            while isinstance(chunk := lines.next(), list):
                data = base64.b64decode(chunk[0])
                own.update(data)
                size += len(data)
                if file is not None:
                    file.write(data)
        if chunk != {"end": own.hexdigest()} or size != head["size"]:
            raise lines.damaged(f"the file {head['file']} in it is damaged")
        yield own.hexdigest()


@contextmanager
def _target(lines: Lines, head: dict[str, Any], folder: Path | None) -> Iterator[IO[bytes] | None]:
    if folder is None:
        yield None
        return
    inside = PurePosixPath(head["file"])
    if inside.is_absolute() or ".." in inside.parts or len(inside.parts) < 2:
        raise lines.damaged(f"a file in it would lie elsewhere: {head['file']}")
    path = folder / inside
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("xb") as file:
        yield file
