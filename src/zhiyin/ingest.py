"""Import files into the store: all of them or none, with an account of every row."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from zhiyin.config import Settings
from zhiyin.errors import DataError, UsageError
from zhiyin.ports import Progress, Silent, Store, StoreWriter, Written

if TYPE_CHECKING:
    from zhiyin.events.read import FileRead, Reading

DAY = 86_400_000_000
"""Microseconds."""


@dataclass(frozen=True)
class FileReport:
    """What became of the rows of one file: ``rows`` = ``accepted`` + ``superseded`` + the sum of ``rejected``, and
    ``accepted`` = ``new`` + ``changed`` + ``already_there``. ``first_lines`` is the first line of each reason."""

    path: str
    kind: str
    format: str
    rows: int
    accepted: int
    new: int
    changed: int
    already_there: int
    superseded: int
    rejected: dict[str, int]
    first_lines: dict[str, int]
    reject_file: str | None
    notes: list[str]

    def lines(self) -> list[str]:
        parts = [
            f"{count:,} {word}"
            for count, word in (
                (self.new, "new"),
                (self.changed, "changed"),
                (self.already_there, "already there"),
                (self.superseded, "replaced by a later row of the same id"),
                (sum(self.rejected.values()), "rejected"),
            )
            if count
        ]
        text = [f"{self.kind} from {self.path} ({self.format}): {_count(self.rows, 'rows')}: {', '.join(parts)}"]
        for reason, count in self.rejected.items():
            text.append(f"    {count:,} {reason}, first on line {self.first_lines[reason]}")
        if self.reject_file:
            text.append(f"    rejected rows are kept in {self.reject_file}")
        return text + [f"    note: {note}" for note in self.notes]


@dataclass(frozen=True)
class ImportReport:
    """``stored``: users, items, events (and links) in the store afterwards. ``suspicious``: users who, by the events of
    this import, act faster than a person can; they are stored, and left out of training. ``seconds``: how long it
    took."""

    files: list[FileReport]
    stored: dict[str, int]
    suspicious: list[str]
    seconds: float

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def lines(self) -> list[str]:
        """The report for a reader."""
        text = [line for file in self.files for line in file.lines()]
        if self.suspicious:
            some = ", ".join(f"'{user}'" for user in self.suspicious[:5]) + (" ..." if len(self.suspicious) > 5 else "")
            text.append(
                f"{_count(len(self.suspicious), 'users')} faster than a person can be, left out of training: {some}"
                " (bounds: bot_events_per_minute and bot_minimum_events under [preprocess])"
            )
        counts = ", ".join(_count(count, name) for name, count in self.stored.items())
        return [*text, f"The store now holds {counts}. Next: zhiyin train"]


def ingest(
    store: Store,
    settings: Settings,
    project: Path,
    *,
    events: Sequence[Path] = (),
    items: Sequence[Path] = (),
    users: Sequence[Path] = (),
    links: Sequence[Path] = (),
    columns: Mapping[str, str] | None = None,
    encoding: str | None = None,
    strict: bool = False,
    progress: Progress | None = None,
) -> ImportReport:
    """Read all files, then write all rows in one transaction. Rejected rows go to ``project``/rejects.

    ``columns``: role (user, item, time, type, value, title, description, categories, other) -> column, beside the usual
    names. ``encoding``: of text files; None takes UTF-8 and falls back to Latin-1. Raises UsageError where nothing is
    given or no file has a named column; FileUnreadable for a file of no use; DataError where ``strict`` and a row is
    rejected, or where no row of a file can be used. In each case the store is as it was.
    """
    from zhiyin.events.columns import Kind
    from zhiyin.events.read import read_file

    began = time.perf_counter()
    progress = progress or Silent()
    given = [(Kind.USERS, path) for path in users]
    given += [(Kind.ITEMS, path) for path in items]
    given += [(Kind.EVENTS, path) for path in events]
    given += [(Kind.LINKS, path) for path in links]
    if not given:
        raise UsageError("nothing to import", fix="pass --events FILE, --items FILE, --users FILE or --links FILE")
    reading = _reading(settings, columns or {}, encoding)
    reads: list[FileRead] = []
    for kind, path in given:
        with progress.task(f"Reading {path.name}") as advance:
            reads.append(read_file(path, kind, reading, advance))
    _check_columns(reading.columns, reads)
    kept = _keep_rejects(project, reads)
    _check_rows(reads, kept, strict)
    with progress.task("Writing to the store", sum(len(read.frame) for read in reads)) as advance:
        written = []
        with store.writing() as writer:
            for read in reads:
                written.append(_put(writer, read))
                advance(len(read.frame))
    reports = [_report(*one) for one in zip(reads, written, kept, strict=True)]
    suspicious = _suspicious(reads, settings)
    return ImportReport(reports, store.counts(), suspicious, round(time.perf_counter() - began, 3))


def _reading(settings: Settings, columns: Mapping[str, str], encoding: str | None) -> Reading:
    from zhiyin.events.read import Reading

    rules = settings.import_
    return Reading(
        columns=columns,
        default_type=rules.default_event_type,
        earliest=int(datetime(rules.earliest_year, 1, 1, tzinfo=UTC).timestamp()) * 1_000_000,
        latest=int(time.time() * 1_000_000 + rules.future_tolerance_days * DAY),
        encoding=encoding,
    )


def _suspicious(reads: Sequence[FileRead], settings: Settings) -> list[str]:
    import polars as pl

    from zhiyin.preprocess.bots import bots

    frames = [read.frame.select("user_id", "time") for read in reads if read.kind == "events"]
    return bots(pl.concat(frames), settings.preprocess) if frames else []


def _check_columns(columns: Mapping[str, str], reads: Sequence[FileRead]) -> None:
    """Every column named by the user must be in some file."""
    from zhiyin.events.columns import FLAGS, plain_name

    for role, column in columns.items():
        used = [read.roles[role] for read in reads if role in read.roles]
        if not any(plain_name(column) == plain_name(one) for one in used):
            raise UsageError(
                f"no file has a column '{column}'", where=FLAGS[role], fix="check its spelling in the file's header"
            )


def _keep_rejects(project: Path, reads: Sequence[FileRead]) -> list[Path | None]:
    """Write the reject files, and remove those that an earlier import of the same file left."""
    from zhiyin.events.rejects import FOLDER, write

    kept: list[Path | None] = []
    taken: set[str] = set()
    for read in reads:
        name = read.path.name
        while name in taken:
            name += "-2"
        taken.add(name)
        path = project / FOLDER / f"{name}.jsonl"
        if read.rejects.rows:
            write(path, read.rejects, read.raw)
        else:
            path.unlink(missing_ok=True)
        kept.append(path.relative_to(project) if read.rejects.rows else None)
    return kept


def _check_rows(reads: Sequence[FileRead], kept: Sequence[Path | None], strict: bool) -> None:
    for read, reject_file in zip(reads, kept, strict=True):
        counts = read.rejects.counts()
        if not counts or (len(read.frame) and not strict):
            continue
        first = read.rejects.first()
        reasons = ", ".join(f"{count:,} {reason} (first on line {first[reason]})" for reason, count in counts.items())
        what = "strict import refused" if len(read.frame) else "no row can be used"
        fix = f"see {reject_file}, correct the rows" + (" or import without --strict" if len(read.frame) else "")
        if "bad UTF-8" in counts:
            fix += ", or name the file's encoding with --encoding"
        raise DataError(f"{what}, nothing imported: {reasons}", where=str(read.path), fix=fix)


def _put(writer: StoreWriter, read: FileRead) -> Written:
    put = {
        "events": writer.put_events,
        "items": writer.put_items,
        "users": writer.put_users,
        "links": writer.put_links,
    }
    return put[read.kind](read.frame)


def _report(read: FileRead, written: Written, reject_file: Path | None) -> FileReport:
    return FileReport(
        path=str(read.path),
        kind=str(read.kind),
        format=read.format,
        rows=read.rows,
        accepted=len(read.frame),
        new=written.new,
        changed=written.changed,
        already_there=written.same,
        superseded=read.superseded,
        rejected=read.rejects.counts(),
        first_lines=read.rejects.first(),
        reject_file=None if reject_file is None else str(reject_file),
        notes=read.notes,
    )


def _count(count: int, plural: str) -> str:
    return f"{count:,} {plural.removesuffix('s') if count == 1 else plural}"
