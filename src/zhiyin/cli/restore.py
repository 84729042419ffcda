"""``zhiyin restore``: fill an empty store from a dump."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zhiyin.cli.common import Format, FormatOption, ProjectOption, QuietOption, open_project, print_json


def restore(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What 'zhiyin dump' wrote.")],
    bundles: Annotated[bool, typer.Option("--bundles", help="Put the bundles of the file into the project.")] = False,
    output: FormatOption = Format.TEXT,
    quiet: QuietOption = False,
    project: ProjectOption = Path(),
) -> None:
    """Fill the project's empty store from a dump. All of it is read again and compared, or nothing is changed."""
    from zhiyin.cli.progress import make_progress
    from zhiyin.dump import restore

    with open_project(project) as opened:
        found = restore(opened.store, file, bundles=project if bundles else None, progress=make_progress(quiet))
    if output is Format.JSON:
        tables = {name: {"rows": rows, "checksum": checksum} for name, (rows, checksum) in found.tables.items()}
        print_json({"file": str(file), "tables": tables, "bundles": found.bundles, "checksum": found.checksum})
        return
    more = f" and {len(found.bundles)} bundles" if bundles else ""
    typer.echo(f"{found.rows:,} rows{more} are restored and compared, checksum {found.checksum}")
    if not bundles and found.tables["bundles"][0]:
        typer.echo("Bundles are listed but not here: copy the folder 'bundles', or train again.")
