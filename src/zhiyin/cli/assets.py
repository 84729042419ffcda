"""``zhiyin assets``: models and public data sets that can be fetched."""

from __future__ import annotations

import json
from enum import StrEnum
from typing import Annotated

import typer

from zhiyin.cli.common import QuietOption

app = typer.Typer(help="Models and public data sets: list them, fetch one.", no_args_is_help=True)


class Format(StrEnum):
    TABLE = "table"
    JSON = "json"


FormatOption = Annotated[Format, typer.Option("--format", help="How to print the answer.")]


@app.command("list")
def list_(output: FormatOption = Format.TABLE) -> None:
    """List what can be fetched, with size and licence, and whether it is here."""
    from zhiyin import assets

    rows = [(asset, assets.present(asset.name)) for asset in assets.catalogue()]
    if output is Format.JSON:
        answer = [
            asset.model_dump(include={"name", "kind", "description", "home", "licence", "redistribution", "commercial"})
            | {"needs_acceptance": asset.accept, "accepted": asset.accept and assets.accepted(asset)}
            | {"bytes": asset.size, "path": None if path is None else str(path)}
            for asset, path in rows
        ]
        typer.echo(json.dumps(answer, ensure_ascii=False, indent=2))
        return
    for asset, path in rows:
        typer.echo(f"{asset.name}  ({asset.kind}, {asset.size / 1e6:.1f} MB, {'here' if path else 'not fetched'})")
        typer.echo(f"    {asset.description}")
        typer.echo(
            f"    Licence: {asset.licence}. Passing it on: {asset.redistribution}. Commercial use: {asset.commercial}."
        )
        if asset.accept:
            typer.echo(
                "    You have accepted this licence."
                if assets.accepted(asset)
                else f"    Read the licence at {asset.home}; --accept-licence says that you accept it."
            )
        if path:
            typer.echo(f"    {path}")


@app.command("get")
def get(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Asset to fetch; see 'zhiyin assets list'.")],
    accept_licence: Annotated[
        bool, typer.Option("--accept-licence", help="You have read and accept the asset's own licence.")
    ] = False,
    output: FormatOption = Format.TABLE,
    quiet: QuietOption = False,
) -> None:
    """Fetch one asset, check it, and print the folder it lies in."""
    from zhiyin import assets
    from zhiyin.cli.progress import make_progress

    path = assets.get(name, make_progress(quiet), accept_licence)
    typer.echo(
        json.dumps({"name": name, "path": str(path)}, ensure_ascii=False) if output is Format.JSON else str(path)
    )
