"""``zhiyin items``: what is read in items."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zhiyin.cli.common import Format, FormatOption, ProjectOption, QuietOption, open_project, print_json
from zhiyin.cli.progress import make_progress
from zhiyin.errors import UnknownItem

if TYPE_CHECKING:
    from zhiyin.types import ItemFeatures
    from zhiyin.understand.items import Taxonomy


def items(
    wanted: Annotated[list[str], typer.Argument(metavar="ITEM...", help="Items to show.")],
    output: FormatOption = Format.TEXT,
    quiet: QuietOption = False,
    project: ProjectOption = Path(),
) -> None:
    """Show what is read in items: language, topics, audience, attributes and a summary.

    An item that was not read yet, or whose text has changed, is read now.
    """
    from zhiyin.itemreading import read_some

    with open_project(project) as opened:
        known = set(opened.store.item_ids())
        for item in wanted:
            if item not in known:
                raise UnknownItem(f"no item '{item}'", fix="check the id, or import the item first")
        reading = read_some(opened.store, opened.settings, wanted, make_progress(quiet))
        rows = opened.store.items(wanted)
        titles = dict(zip(rows["item_id"].to_list(), rows["title"].to_list(), strict=True))
    pairs = list(zip(wanted, reading.features, strict=True))
    if output is Format.JSON:
        print_json({"reader": reading.reader, "items": [told(item, one, reading.taxonomy) for item, one in pairs]})
        return
    for item, one in pairs:
        typer.echo(f"{titles[item]}  [{item}]" if titles.get(item) else item)
        for name, value in lines(one, reading.taxonomy):
            typer.echo(f"  {name}: {value}")


def told(item: str, features: ItemFeatures, taxonomy: Taxonomy) -> dict[str, Any]:
    from zhiyin.understand.items.coded import features_dict

    topics = [
        {"topic_id": key, "name": taxonomy.name(key), "weight": weight} for key, weight in features.topics.items()
    ]
    return {"item_id": item, **features_dict(features), "topics": topics}


def lines(features: ItemFeatures, taxonomy: Taxonomy) -> list[tuple[str, str]]:
    topics = ", ".join(f"{taxonomy.name(key)} ({weight:g})" for key, weight in features.topics.items())
    found = [
        ("read by", {"none": "rules", "embedded": "the small model and rules", "remote": "a model"}[features.tier]),
        ("language", features.language),
        ("topics", topics),
        ("audience", ", ".join(features.audience)),
        *features.attributes.items(),
        ("summary", features.summary),
    ]
    return [(name, value) for name, value in found if value]
