"""``zhiyin evaluate``: measure every model honestly."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from zhiyin.cli.common import Format, FormatOption, ProjectOption, QuietOption, open_project, print_json, with_search
from zhiyin.cli.progress import make_progress


class ProtocolChoice(StrEnum):
    LEAVE_ONE_OUT = "leave-one-out"
    TIME_SPLIT = "time-split"
    RANDOM = "random"


class FitChoice(StrEnum):
    STRICT = "strict"
    REFIT = "refit"


def evaluate(
    protocol: Annotated[ProtocolChoice, typer.Option(help="How events are split.")] = ProtocolChoice.LEAVE_ONE_OUT,
    fit: Annotated[
        FitChoice, typer.Option(help="strict: fitted on train alone; refit: on train and validation.")
    ] = FitChoice.STRICT,
    search: Annotated[
        bool, typer.Option("--search/--no-search", help="Search hyper-parameters on validation, or take the defaults.")
    ] = True,
    k: Annotated[int, typer.Option("-k", min=1, max=1000, help="Length of the lists measured.")] = 10,
    output: FormatOption = Format.TEXT,
    quiet: QuietOption = False,
    project: ProjectOption = Path(),
) -> None:
    """Measure every model on events held out of training, the full catalogue ranked."""
    from zhiyin.evaluate.run import evaluate as run
    from zhiyin.evaluate.table import as_text
    from zhiyin.prepare import prepare

    progress = make_progress(quiet)
    with open_project(project) as opened:
        settings = with_search(opened.settings, search)
        prepared = prepare(opened.store, settings, progress)
        result = run(prepared, settings, project, progress, protocol=protocol.value, fit=fit.value, ks=(k,))
    if output is Format.JSON:
        print_json(result.to_dict())
        return
    typer.echo(as_text(result.models, result.protocol))
    typer.echo(f"Best NDCG@10 on validation: {result.choice.served}")
