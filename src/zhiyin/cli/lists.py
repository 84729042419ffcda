"""Lists as text."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from zhiyin.recommend import Recommendation, Recommended


def show_list(answer: Recommendation) -> None:
    """A person's list with its reasons, and why it fell back where it did."""
    typer.echo(f"{answer.user_id} ({answer.temperature}), bundle {answer.bundle}")
    if answer.fallback:
        typer.echo(f"  {answer.fallback['reason']}")
    show_items(answer.items)


def show_items(items: Sequence[Recommended]) -> None:
    for item in items:
        typer.echo(f"{item.rank:4}. {item.title or item.item_id}  [{item.item_id}]")
        for reason in item.reasons:
            typer.echo(f"        {reason.words()}")
