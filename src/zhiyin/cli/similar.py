"""``zhiyin similar``: items like one item."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from zhiyin.cli.common import Format, FormatOption, ProjectOption, print_json


def similar(
    item: Annotated[str, typer.Argument(metavar="ITEM", help="Whose like to look for.")],
    k: Annotated[int, typer.Option("-k", min=1, max=10_000, help="Length of the list.")] = 10,
    output: FormatOption = Format.TEXT,
    project: ProjectOption = Path(),
) -> None:
    """Items that go with an item."""
    from zhiyin.cli.lists import show_items
    from zhiyin.recommend import Engine

    engine = Engine.open(project)
    items = engine.similar(item, k)
    if output is Format.JSON:
        print_json({"item_id": item, "bundle": engine.bundle.manifest.name, "items": [asdict(one) for one in items]})
    else:
        show_items(items)
