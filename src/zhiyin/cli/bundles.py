"""``zhiyin bundles``: list trained bundles, serve another, remove one."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from zhiyin.cli.common import Format, FormatOption, ProjectOption, open_project, print_json

app = typer.Typer(help="Trained bundles: list them, serve another, remove one.", no_args_is_help=True)
NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of a bundle, or its beginning if unique.")]


@app.command("list")
def list_bundles(output: FormatOption = Format.TEXT, project: ProjectOption = Path()) -> None:
    """Every bundle, newest first; the served one is marked."""
    import json

    with open_project(project) as opened:
        rows = opened.store.bundles().to_dicts()
    for row in rows:
        row["manifest"] = json.loads(row["manifest"])
    if output is Format.JSON:
        print_json(rows)
        return
    for row in rows:
        made = datetime.fromtimestamp(row["created"] / 1e6, tz=UTC).strftime("%Y-%m-%d %H:%M:%S")
        manifest = row["manifest"]
        score = manifest["metrics"].get("validation_ndcg@10", {}).get(manifest["served"])
        measured = "not measured" if score is None else f"validation NDCG@10 {score:.4f}"
        mark = "  <- served" if row["active"] else ""
        typer.echo(f"{row['name']}  {made} UTC  {manifest['served']}  {measured}{mark}")
    if not rows:
        typer.echo("No bundle yet. Next: zhiyin train")


@app.command("use")
def use_bundle(name: NameArgument, project: ProjectOption = Path()) -> None:
    """Serve another bundle, once all its files are found whole."""
    from zhiyin.bundle import FOLDER, find, use

    with open_project(project) as opened:
        chosen = find(opened.store, name)
        use(opened.store, project / FOLDER, chosen)
    typer.echo(f"{chosen} is served.")


@app.command("rm")
def remove_bundle(name: NameArgument, project: ProjectOption = Path()) -> None:
    """Remove a bundle that is not served."""
    from zhiyin.bundle import FOLDER, find, remove

    with open_project(project) as opened:
        chosen = find(opened.store, name)
        remove(opened.store, project / FOLDER, chosen)
    typer.echo(f"{chosen} is removed.")
