"""``zhiyin dump``: all that the store holds, in one file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zhiyin.cli.common import Format, FormatOption, ProjectOption, QuietOption, open_project, print_json


def dump(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to write, such as zhiyin.jsonl.gz.")],
    bundles: Annotated[bool, typer.Option("--bundles", help="Take the trained bundles along.")] = False,
    output: FormatOption = Format.TEXT,
    quiet: QuietOption = False,
    project: ProjectOption = Path(),
) -> None:
    """Write the store to one file, which any other store can be restored from. The service may go on meanwhile."""
    from zhiyin.cli.progress import make_progress
    from zhiyin.dump import dump

    with open_project(project) as opened:
        found = dump(opened.store, file, bundles=project if bundles else None, progress=make_progress(quiet))
    if output is Format.JSON:
        tables = {name: {"rows": rows, "checksum": checksum} for name, (rows, checksum) in found.tables.items()}
        print_json({"file": str(file), "tables": tables, "bundles": found.bundles, "checksum": found.checksum})
        return
    more = f" and {len(found.bundles)} bundles" if bundles else ""
    typer.echo(f"{file}: {found.rows:,} rows{more}, checksum {found.checksum}")
