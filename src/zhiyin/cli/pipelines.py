"""``zhiyin pipelines``: the re-ranking of each surface."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zhiyin.cli.common import Format, FormatOption, ProjectOption, open_project, print_json

app = typer.Typer(help="Re-ranking of each surface: list pipelines, show one, check a file.", no_args_is_help=True)


@app.command("list")
def list_pipelines(output: FormatOption = Format.TEXT, project: ProjectOption = Path()) -> None:
    """Every pipeline that can be had by name; the project's own replace those that come with Zhiyin."""
    from zhiyin.pipeline import SHIPPED, Pipeline, surfaces

    found = {name: (path, Pipeline.load(path)) for name, path in surfaces(project).items()}
    if output is Format.JSON:
        rows = [
            {
                "name": name,
                "own": path.parent != SHIPPED,
                "candidates": one.candidates,
                "stages": [stage.kind for stage in one.stages],
            }
            for name, (path, one) in found.items()
        ]
        print_json(rows)
        return
    for name, (path, one) in found.items():
        whose = "comes with Zhiyin" if path.parent == SHIPPED else str(path)
        typer.echo(f"{name}  {', '.join(stage.kind for stage in one.stages) or 'no stages'}  ({whose})")


@app.command("show")
def show_pipeline(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of a surface.")],
    output: FormatOption = Format.TEXT,
    project: ProjectOption = Path(),
) -> None:
    """The stages of a pipeline in order; one that is not there is the default."""
    from zhiyin.pipeline import pipeline_for

    one = pipeline_for(project, name)
    if output is Format.JSON:
        stages = [{"kind": stage.kind, **stage.params.model_dump()} for stage in one.stages]
        print_json({"name": one.name, "file": one.where, "candidates": one.candidates, "stages": stages})
        return
    typer.echo(f"{one.name}: {one.candidates} candidates ({one.where})")
    for line in one.describe():
        typer.echo(f"  {line}")


@app.command("check")
def check_pipeline(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A pipeline file.")],
    project: ProjectOption = Path(),
) -> None:
    """Read a pipeline file and hold it against the project's items: every key, attribute, category and pinned item."""
    from zhiyin.itemview import items_of
    from zhiyin.pipeline import Pipeline
    from zhiyin.prepare import read_catalogue
    from zhiyin.types import IdMap

    one = Pipeline.load(file)
    with open_project(project) as opened:
        frame = opened.store.items()
        ids = IdMap(frame["item_id"].to_list())
        one.check(items_of(ids, read_catalogue(frame, ids), opened.store))
    typer.echo(f"{file} is sound: {', '.join(stage.kind for stage in one.stages) or 'no stages'}.")
