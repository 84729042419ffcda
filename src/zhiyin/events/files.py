"""Text files as numbered lines: gzip, encodings and whole-file damage are dealt with here."""

from __future__ import annotations

import gzip
import re
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from zhiyin.errors import FileUnreadable

BLOCK = 8 * 1024 * 1024
"""Bytes read at a time; a block ends with a line."""

BOM = b"\xef\xbb\xbf"
GZIP_MAGIC = b"\x1f\x8b"
_BEYOND_ASCII = re.compile(rb"[\x80-\xff][^\n]*")


@dataclass(frozen=True)
class Block:
    """Whole lines in UTF-8, ``\\n`` or ``\\r\\n`` kept; the first is line ``first`` (from 1) of the file.

    ``broken``: a single line that is not in the file's encoding; ``data`` is then empty.
    """

    first: int
    data: bytes
    broken: bool = False


@dataclass(frozen=True)
class TextFile:
    """A readable text file and its encoding; ``note`` says where that is a guess."""

    path: Path
    encoding: str
    note: str | None = None

    def blocks(self) -> Iterator[Block]:
        """The lines in blocks. A line that does not fit the encoding comes alone, as broken."""
        utf8 = self.encoding == "utf-8"
        for first, data in _numbered(self.path):
            try:
                text = data.decode(self.encoding)
            except UnicodeDecodeError:
                yield from self._mixed(first, data)
                continue
            yield Block(first, data if utf8 else text.encode())

    def _mixed(self, first: int, data: bytes) -> Iterator[Block]:
        good: list[str] = []
        for number, line in enumerate(_lines(data), first):
            try:
                good.append(line.decode(self.encoding))
            except UnicodeDecodeError:
                if good:
                    yield Block(number - len(good), "".join(good).encode())
                    good = []
                yield Block(number, b"", broken=True)
        if good:
            yield Block(first + data.count(b"\n") + (not data.endswith(b"\n")) - len(good), "".join(good).encode())

    def raw(self, spans: Iterable[tuple[int, int]]) -> dict[int, str]:
        """First line -> text of the lines from first to last (both inclusive), without the last line end."""
        wanted = sorted(set(spans))
        found: dict[int, str] = {}
        if not wanted:
            return found
        at = 0
        open_spans: list[tuple[int, int, list[str]]] = []
        for first, data in _numbered(self.path):
            lines = _lines(data)
            last = first + len(lines) - 1
            while at < len(wanted) and wanted[at][0] <= last:
                open_spans.append((*wanted[at], []))
                at += 1
            remaining = []
            for start, end, parts in open_spans:
                chosen = lines[max(start, first) - first : end - first + 1]
                parts.extend(line.decode(self.encoding, errors="backslashreplace") for line in chosen)
                if end > last:
                    remaining.append((start, end, parts))
                else:
                    found[start] = "".join(parts).rstrip("\r\n")
            open_spans = remaining
        return found


def open_text(path: Path, encoding: str | None = None, *, guess: bool = True) -> TextFile:
    """Look through the whole file once. Raises FileUnreadable where it is damaged, binary or empty.

    Without ``encoding`` the file is UTF-8. With ``guess``, where more lines break UTF-8 than use it beyond ASCII, it is
    read as Latin-1, which ``note`` announces; otherwise the broken lines are for the reader to reject.
    """
    if encoding is not None:
        try:
            plain = "\n".encode(encoding) == b"\n"
        except LookupError:
            plain = False
        if not plain:
            raise FileUnreadable(
                f"'{encoding}' is no encoding that can be read here", where=str(path), fix="convert the file to UTF-8"
            )
        return TextFile(path, encoding)
    broken = beyond = 0
    empty = True
    for _, data in _numbered(path):
        empty = empty and not data.strip()
        if data.isascii():
            continue
        try:
            data.decode()
            beyond += len(_BEYOND_ASCII.findall(data))
        except UnicodeDecodeError:
            for line in _lines(data):
                if not line.isascii():
                    if _is_utf8(line):
                        beyond += 1
                    else:
                        broken += 1
    if empty:
        raise FileUnreadable("the file is empty", where=str(path), fix="check that it was written to the end")
    if guess and broken > beyond:
        note = f"not UTF-8: read as Latin-1 ({broken} lines); name another encoding with --encoding if texts look wrong"
        return TextFile(path, "latin-1", note)
    return TextFile(path, "utf-8")


def head(path: Path, size: int = 65536) -> bytes:
    """The first bytes, unpacked. Raises FileUnreadable where there are none to be had."""
    with _Guard(path) as guard, guard.open() as stream:
        return stream.read(size)


def unpacked(path: Path) -> bytes:
    """The whole file, unpacked."""
    with _Guard(path) as guard, guard.open() as stream:
        return stream.read()


def _is_utf8(line: bytes) -> bool:
    try:
        line.decode()
    except UnicodeDecodeError:
        return False
    return True


def _lines(data: bytes) -> list[bytes]:
    """Lines with their ends; only ``\\n`` ends a line."""
    lines = [line + b"\n" for line in data.split(b"\n")]
    lines[-1] = lines[-1][:-1]
    return lines if lines[-1] else lines[:-1]


def _numbered(path: Path) -> Iterator[tuple[int, bytes]]:
    """Blocks of whole lines with the number of their first line; a byte-order mark is dropped."""
    first = 1
    parts: list[bytes] = []
    with _Guard(path) as guard, guard.open() as stream:
        while True:
            guard.line = first
            data = stream.read(BLOCK)
            if first == 1 and not parts:
                data = data.removeprefix(BOM)
            if not data:
                break
            cut = data.rfind(b"\n") + 1
            if not cut:
                parts.append(data)
                continue
            block = b"".join([*parts, data[:cut]])
            parts = [data[cut:]]
            yield first, block
            first += block.count(b"\n")
    if rest := b"".join(parts):
        yield first, rest


class _Guard:
    """Turns the many ways in which a file cannot be read into FileUnreadable."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.line: int | None = None

    def open(self) -> IO[bytes]:
        with self.path.open("rb") as stream:
            packed = stream.read(2) == GZIP_MAGIC
        if self.path.suffix.lower() == ".gz" and not packed and self.path.stat().st_size:
            raise FileUnreadable(
                "the name says gzip and the content is not", where=str(self.path), fix="rename it without .gz"
            )
        return gzip.open(self.path) if packed else self.path.open("rb")  # type: ignore[return-value]  # a byte stream

    def __enter__(self) -> _Guard:
        return self

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        where = str(self.path) + (f" line {self.line}" if self.line and self.line > 1 else "")
        match error:
            case FileNotFoundError():
                raise FileUnreadable("no such file", where=where, fix="check the path") from error
            case IsADirectoryError():
                raise FileUnreadable("this is a folder", where=where, fix="name a file in it") from error
            case EOFError() | zlib.error() | gzip.BadGzipFile():
                raise FileUnreadable(
                    f"the gzip data is damaged or cut short ({error})", where=where, fix="copy or make the file again"
                ) from error
            case OSError():
                reason = error.strerror or str(error)
                raise FileUnreadable(f"cannot be read: {reason}", where=where, fix="check its permissions") from error
