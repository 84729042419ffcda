"""``zhiyin similar``: items like one item, or that go with it."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Literal

import typer

from zhiyin.cli.common import Format, FormatOption, ProjectOption, print_json


def similar(
    item: Annotated[str, typer.Argument(metavar="ITEM", help="Whose like to look for.")],
    k: Annotated[int, typer.Option("-k", min=1, max=10_000, help="Length of the list.")] = 10,
    kind: Annotated[
        Literal["similar", "complementary"],
        typer.Option(help="What stands in its place, or what is bought with it."),
    ] = "similar",
    also: Annotated[
        list[str], typer.Option("--with", metavar="ITEM", help="Further items of a cart, with complementary.")
    ] = [],  # noqa: B006 - typer reads it, nobody writes it
    output: FormatOption = Format.TEXT,
    project: ProjectOption = Path(),
) -> None:
    """Items that go with an item."""
    from zhiyin.cli.lists import show_items
    from zhiyin.errors import UsageError
    from zhiyin.recommend import Engine

    if also and kind == "similar":
        raise UsageError("--with needs --kind complementary", fix="add it, or leave --with out")
    with Engine.open(project) as engine:
        items = engine.similar(item, k) if kind == "similar" else engine.goes_with([item, *also], k)
        bundle = engine.bundle.manifest.name
    if output is Format.JSON:
        told = {"item_id": item, "kind": kind, "with": also, "bundle": bundle}
        print_json(told | {"items": [asdict(one) for one in items]})
    elif items:
        show_items(items)
    else:
        typer.echo("Nothing is known to go with it." if kind == "complementary" else "Nothing is known to be like it.")
