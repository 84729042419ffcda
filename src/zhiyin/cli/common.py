"""What every command shares: options, the open project, the end of a failed run."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from zhiyin.errors import ZhiyinError

ProjectOption = Annotated[
    Path,
    typer.Option("--project", metavar="DIR", help="Project folder holding zhiyin.toml.", show_default="this folder"),
]
QuietOption = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]


def fail(error: ZhiyinError) -> NoReturn:
    """Print the error on one line and leave with its exit code."""
    print(f"zhiyin: {error.line}", file=sys.stderr)
    sys.exit(error.exit_code)
