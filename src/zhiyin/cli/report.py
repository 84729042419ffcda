"""``zhiyin report``: one page on the project to read, print or pass on."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zhiyin.cli.common import ProjectOption, QuietOption
from zhiyin.cli.evaluate import FitChoice, ProtocolChoice
from zhiyin.cli.progress import make_progress


def report(
    out: Annotated[Path, typer.Option(metavar="F", help="File to write.")] = Path("report.html"),
    protocol: Annotated[ProtocolChoice, typer.Option(help="How events are split.")] = ProtocolChoice.LEAVE_ONE_OUT,
    fit: Annotated[
        FitChoice, typer.Option(help="strict: fitted on train alone; refit: on train and validation.")
    ] = FitChoice.STRICT,
    quiet: QuietOption = False,
    project: ProjectOption = Path(),
) -> None:
    """Write a page on the data, the models, how good they are and what people are given."""
    from zhiyin.errors import UsageError
    from zhiyin.report import write_report
    from zhiyin.report.gather import gather

    if not out.parent.is_dir() or out.is_dir():
        raise UsageError(f"cannot write '{out}'", fix="name a file in a folder that is there")
    write_report(out, gather(project, make_progress(quiet), protocol=protocol.value, fit=fit.value))
    typer.echo(f"Wrote {out}")
