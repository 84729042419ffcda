"""``zhiyin train``: learn from the store and publish a bundle."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zhiyin.cli.common import Format, FormatOption, ProjectOption, QuietOption, open_project, print_json, with_search
from zhiyin.cli.progress import make_progress


def train(
    search: Annotated[
        bool, typer.Option("--search/--no-search", help="Search hyper-parameters on validation, or take the defaults.")
    ] = True,
    if_better: Annotated[
        bool,
        typer.Option("--if-better", help="Serve the result only where it beats what is served on the newest events."),
    ] = False,
    output: FormatOption = Format.TEXT,
    quiet: QuietOption = False,
    project: ProjectOption = Path(),
) -> None:
    """Train on everything imported and publish the model that is best on validation."""
    if if_better:
        _if_better(search, output, quiet, project)
        return
    from zhiyin.train import train as run

    with open_project(project) as opened:
        trained = run(opened.store, with_search(opened.settings, search), project, make_progress(quiet))
    manifest, choice = trained.manifest, trained.choice
    if output is Format.JSON:
        print_json(
            {
                "bundle": manifest.name,
                "fingerprint": manifest.fingerprint,
                "served": choice.served,
                "validation": {"NDCG@10": choice.scores},
                "hyper_parameters": {name: params.model_dump() for name, params in choice.params.items()},
                "cleaning": trained.prepared.cleaning.to_dict(),
            }
        )
        return
    typer.echo(trained.prepared.cleaning.line())
    for name, score in choice.scores.items():
        mark = "  <- served" if name == choice.served else ""
        typer.echo(f"  {name:10} validation NDCG@10 {score:.4f}{mark}")
    typer.echo(f"Bundle {manifest.name} is served. Next: zhiyin recommend USER, or zhiyin evaluate")


def _if_better(search: bool, output: Format, quiet: bool, project: Path) -> None:
    from zhiyin.gated import train_if_better

    with open_project(project) as opened:
        settings = with_search(opened.settings, search)
        told = train_if_better(opened.store, settings, project, make_progress(quiet))
    if output is Format.JSON:
        print_json(told.to_dict())
        return
    typer.echo(told.reason)
    typer.echo(f"Bundle {told.bundle} is served.")
