"""``zhiyin init``: make a project folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zhiyin.config import FILE_NAME
from zhiyin.errors import UsageError

TEMPLATE = """\
# Settings of this Zhiyin project. Every key and its default: docs/configuration.md.
name = {name}
"""


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="[DIR]", help="Folder to make.", show_default="this folder")
    ] = Path(),
) -> None:
    """Make a project: a folder with zhiyin.toml in it."""
    path = folder / FILE_NAME
    if path.exists():
        raise UsageError(f"{path} is there already", fix="go on with 'zhiyin import', or choose another folder")
    name = folder.resolve().name.replace("\\", "").replace('"', "") or "zhiyin"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        path.write_text(TEMPLATE.format(name=f'"{name}"'), encoding="utf-8")
    except OSError as failure:
        raise UsageError(f"{path} cannot be made: {failure.strerror}", fix="choose another folder") from failure
    typer.echo(f"Made {path}. Next: zhiyin import --events FILE --items FILE")
