"""``zhiyin import``: files into the store."""

from __future__ import annotations

from collections.abc import Iterable
from glob import glob, has_magic
from pathlib import Path
from typing import Annotated

import typer

from zhiyin.cli.common import Format, FormatOption, ProjectOption, QuietOption, open_project, print_json
from zhiyin.errors import FileUnreadable, UsageError

Column = Annotated[str | None, typer.Option(metavar="NAME", help="Name of this column, where it is not a usual one.")]


def _expand(paths: Iterable[Path]) -> list[Path]:
    """Patterns as the files they match, by name; a file whose own name looks like a pattern is that file."""
    found: list[Path] = []
    for path in paths:
        if path.exists() or not has_magic(str(path)):
            found.append(path)
            continue
        matches = sorted(Path(name) for name in glob(str(path), recursive=True))
        if not matches:
            raise FileUnreadable("no file matches", where=str(path), fix="check the pattern")
        found += matches
    return found


def import_(
    events: Annotated[
        list[Path] | None, typer.Option("--events", metavar="FILE", help="Events: who did what to which item, when.")
    ] = None,
    items: Annotated[
        list[Path] | None, typer.Option("--items", metavar="FILE", help="Items: id, title, description, categories.")
    ] = None,
    users: Annotated[
        list[Path] | None, typer.Option("--users", metavar="FILE", help="Users and what is known of them.")
    ] = None,
    links: Annotated[
        list[Path] | None, typer.Option("--links", metavar="FILE", help="Links between people: friends, follows.")
    ] = None,
    user_column: Column = None,
    item_column: Column = None,
    time_column: Column = None,
    type_column: Column = None,
    value_column: Column = None,
    title_column: Column = None,
    description_column: Column = None,
    categories_column: Column = None,
    other_column: Column = None,
    encoding: Annotated[
        str | None,
        typer.Option("--encoding", metavar="NAME", help="Encoding of text files.", show_default="UTF-8, else Latin-1"),
    ] = None,
    strict: Annotated[bool, typer.Option("--strict", help="Import nothing if any row is rejected.")] = False,
    output: FormatOption = Format.TEXT,
    quiet: QuietOption = False,
    project: ProjectOption = Path(),
) -> None:
    """Import events, items, users and links between users: all files or none. For several files of a kind repeat the
    flag, or give a pattern such as 'day-*.csv' in quotes.

    Reads CSV, TSV, JSONL and Parquet (each also .gz), RecBole atomic files, MovieLens files and Gorse JSONL. Rows that
    cannot be used are counted, and kept in the project's folder rejects.
    """
    from zhiyin.cli.progress import make_progress
    from zhiyin.ingest import ingest

    named = {
        "user": user_column,
        "item": item_column,
        "time": time_column,
        "type": type_column,
        "value": value_column,
        "title": title_column,
        "description": description_column,
        "categories": categories_column,
        "other": other_column,
    }
    given = {"events": events, "items": items, "users": users, "links": links}
    if not any(given.values()):
        raise UsageError("nothing to import", fix="pass --events FILE, --items FILE, --users FILE or --links FILE")
    files = {kind: _expand(paths or ()) for kind, paths in given.items()}
    with open_project(project) as opened:
        report = ingest(
            opened.store,
            opened.settings,
            opened.folder,
            events=files["events"],
            items=files["items"],
            users=files["users"],
            links=files["links"],
            columns={role: name for role, name in named.items() if name is not None},
            encoding=encoding,
            strict=strict,
            progress=make_progress(quiet),
        )
    if output is Format.JSON:
        print_json(report.to_dict())
    else:
        typer.echo("\n".join(report.lines()))
