"""Lists as text."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from zhiyin.answers import Recommendation, Recommended
from zhiyin.types import Tier, Wish


def show_list(answer: Recommendation) -> None:
    """A person's list with its reasons, what was read in a request, and why it fell back where it did."""
    who = "nobody in particular" if answer.user_id is None else f"{answer.user_id} ({answer.temperature})"
    typer.echo(f"{who}, bundle {answer.bundle}")
    if answer.asked is not None:
        typer.echo(f"  read: {'; '.join(map(as_words, answer.asked.wishes)) or 'no wish'}")
        if answer.asked.note:
            typer.echo(f"  {answer.asked.note}")
    if answer.tier is not Tier.NONE:
        typer.echo(f"  with a language model ({answer.tier})")
    if answer.degraded:
        typer.echo(f"  without the language model: {answer.degraded['reason']}")
    if answer.fallback:
        typer.echo(f"  {answer.fallback['reason']}")
    show_items(answer.items)


def as_words(wish: Wish) -> str:
    """One wish as a reader sees it: "only comedy", "no horror", "more space"."""
    degree = ("only" if wish.weight > 0 else "no") if wish.hard else ("more" if wish.weight > 0 else "less")
    about = {"item": f"like '{wish.text}'", "year": f"from {wish.text}"}.get(wish.field, wish.text)
    return f"{degree} {about}"


def show_items(items: Sequence[Recommended]) -> None:
    for item in items:
        typer.echo(f"{item.rank:4}. {item.title or item.item_id}  [{item.item_id}]")
        for reason in item.reasons:
            typer.echo(f"        {reason.words()}")
