"""``zhiyin tenants``: projects that one service answers for, each with data of its own."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zhiyin.cli.common import Format, FormatOption, ProjectOption, print_json

app = typer.Typer(help="Tenants of the service: add one, list them.", no_args_is_help=True)


@app.command("add")
def add_tenant(
    name: Annotated[
        str, typer.Argument(metavar="NAME", help="Letters of any script, digits, - and _; at most 60 characters.")
    ],
    project: ProjectOption = Path(),
) -> None:
    """Make a project for a tenant, in tenants/NAME: settings, store, bundles and pipelines of its own. On PostgreSQL
    its store is a schema of its own."""
    from zhiyin.serve.folders import add

    folder = add(project, name)
    typer.echo(f"Made {folder}. Next: zhiyin keys create --tenant {name} --name KEY")


@app.command("list")
def list_tenants(output: FormatOption = Format.TEXT, project: ProjectOption = Path()) -> None:
    """Every tenant, the project itself (default) first."""
    from zhiyin.serve.folders import folder_of, names

    found = names(project)
    if output is Format.JSON:
        print_json([{"name": name, "folder": str(folder_of(project, name))} for name in found])
        return
    for name in found:
        typer.echo(f"{name}  {folder_of(project, name)}")
