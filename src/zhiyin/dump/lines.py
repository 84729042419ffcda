"""Compressed lines of JSON, checked: written to appear as a whole, read to fail in one line."""

from __future__ import annotations

import gzip
import io
import json
import os
import secrets
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import blake2b
from pathlib import Path
from typing import IO, Any

from zhiyin.errors import DataError, FileUnreadable

LEVEL = 3
"""Of gzip: half the time of the usual 6, a tenth more bytes."""


class Sum:
    """Checksum of lines."""

    def __init__(self) -> None:
        self._hash = blake2b(digest_size=16)
        self.lines = 0

    def add(self, line: bytes) -> None:
        self._hash.update(line)
        self.lines += 1

    @property
    def hex(self) -> str:
        return self._hash.hexdigest()


def line_of(value: Any) -> bytes:
    """One line, the same for equal values."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


@contextmanager
def written(path: Path) -> Iterator[IO[bytes]]:
    """A file that takes the place of ``path`` once the block ends well. Raises DataError where it cannot be written."""
    half = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    try:
        with half.open("xb") as raw:
            os.chmod(half, 0o600)  # it holds all that is known of people
            # No name and no time inside: the same rows make the same bytes.
            with gzip.GzipFile("", "wb", LEVEL, raw, mtime=0) as packed, io.BufferedWriter(packed, 2**17) as out:
                yield out
            raw.flush()
            os.fsync(raw.fileno())
        os.replace(half, path)
    except OSError as bad:
        raise DataError(f"cannot be written: {bad.strerror}", where=str(path), fix="see folder and disk") from bad
    finally:
        half.unlink(missing_ok=True)


class Lines:
    """Lines of an open file, each a value of JSON."""

    def __init__(self, file: IO[bytes], path: Path) -> None:
        self._file = file
        self.path = path
        self._number = 0
        self._held: Any = None
        """A line that was looked at and not taken."""

    def damaged(self, what: str) -> FileUnreadable:
        return FileUnreadable(what, where=f"{self.path} line {self._number}", fix="make the dump again")

    def line(self) -> bytes:
        try:
            line = self._file.readline()
        except (EOFError, OSError, zlib.error) as bad:
            raise self.damaged(f"the file is damaged: {bad}") from bad
        self._number += 1
        if not line.endswith(b"\n"):
            raise self.damaged("the file is cut off")
        return line

    def next(self) -> Any:
        return self.parsed(self.line())

    def parsed(self, line: bytes) -> Any:
        try:
            return json.loads(line)
        except ValueError as bad:
            raise self.damaged("the file is damaged: a line is no JSON") from bad

    def peek(self) -> Any:
        """The next line, which stays the next."""
        if self._held is None:
            self._held = self.next()
        return self._held

    def expect(self, value: Any) -> None:
        found = self.peek()
        self._held = None
        if found != value:
            raise self.damaged(f"the file is damaged: {found} in the place of {value}")

    def rows(self, own: Sum, width: int) -> Iterator[list[Any]]:
        """Lines that are arrays of ``width`` values; ``own`` takes their checksum. What ends them is the next
        ``expect``'s."""
        while True:
            line = self.line()
            if not line.startswith(b"["):
                self._held = self.parsed(line)
                return
            own.add(line)
            row = self.parsed(line)
            if len(row) != width:
                raise self.damaged(f"the file is damaged: a row of {len(row)} values in the place of {width}")
            yield row

    def end(self) -> None:
        try:
            if self._file.read(1):
                raise self.damaged("the file goes on after its end")
        except (EOFError, OSError, zlib.error) as bad:
            raise self.damaged(f"the file is damaged: {bad}") from bad


@contextmanager
def opened(path: Path) -> Iterator[Lines]:
    """Raises FileUnreadable where ``path`` is not there."""
    try:
        raw = path.open("rb")
    except OSError as bad:
        raise FileUnreadable(f"cannot be read: {bad.strerror}", where=str(path), fix="check the name") from bad
    with raw, gzip.GzipFile(fileobj=raw) as file:
        yield Lines(file, path)  # type: ignore[arg-type]  # it reads bytes as a file does
