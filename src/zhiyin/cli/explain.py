"""``zhiyin explain``: why an item is in a person's list, or why not."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zhiyin.cli.common import Format, FormatOption, ProjectOption, note_default, print_json
from zhiyin.types import DEFAULT_SURFACE

if TYPE_CHECKING:
    from zhiyin.explaining import Explanation


class Language(StrEnum):
    EN = "en"
    ZH = "zh"


def explain(
    user: Annotated[str, typer.Argument(metavar="USER", help="For whom; may be unknown.")],
    item: Annotated[str, typer.Argument(metavar="ITEM", help="The item to explain.")],
    language: Annotated[
        Language | None, typer.Option(help="Language of the sentences.", show_default="that of the person's items")
    ] = None,
    query: Annotated[
        str | None, typer.Option(metavar="TEXT", help="The request in words that the list in question answers.")
    ] = None,
    surface: Annotated[
        str, typer.Option(metavar="NAME", help="Where the list is shown: the pipeline that re-ranks it.")
    ] = DEFAULT_SURFACE,
    k: Annotated[int, typer.Option("-k", min=1, max=10_000, help="Length of the list in question.")] = 10,
    output: FormatOption = Format.TEXT,
    project: ProjectOption = Path(),
) -> None:
    """Say why an item is in a person's list, with evidence, or why it is not and what would change that."""
    from zhiyin.recommend import Engine

    with Engine.open(project) as engine:
        answer = engine.explain(user, item, language.value if language else None, k=k, query=query, surface=surface)
    note_default(project, surface)
    if output is Format.JSON:
        print_json(answer.to_dict())
    else:
        show(answer)


def show(answer: Explanation) -> None:
    """The explanation as text."""
    typer.echo(f"{answer.title or answer.item_id}  [{answer.item_id}] for {answer.user_id}, bundle {answer.bundle}")
    if answer.why_not is None:
        typer.echo(
            f"  in the list, rank {answer.rank}, words by: {'templates' if answer.tier == 'none' else answer.tier}"
        )
        for sentence in answer.sentences:
            typer.echo(f"  {sentence.text}  [{', '.join(sentence.evidence)}]")
            if sentence.reason:
                typer.echo(f"      template: {sentence.reason}")
        if answer.note:
            typer.echo(f"  {answer.note}")
        for one in answer.evidence:
            share = "" if one.share is None else f", {one.share:.0%}"
            typer.echo(f"    {one.id}{share}")
        return
    typer.echo(f"  not in the list{f': {answer.why_not.rule}' if answer.why_not.rule else ''}")
    for line in answer.why_not.sentences:
        typer.echo(f"  {line}")
    for line in answer.why_not.changes:
        typer.echo(f"    -> {line}")
