"""Lists as text."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from zhiyin.answers import Recommendation, Recommended
from zhiyin.scripts import Language
from zhiyin.types import Tier, Wish
from zhiyin.understand.wishes.asked import Asked

DEGREES = {"en": ("less", "more", "no", "only"), "zh": ("少一些", "多一些", "不要", "只要")}


def show_list(answer: Recommendation) -> None:
    """A person's list with its reasons (in the language of the request), what was read in a request, and why it fell
    back where it did."""
    who = "nobody in particular" if answer.user_id is None else f"{answer.user_id} ({answer.temperature})"
    typer.echo(f"{who}, bundle {answer.bundle}")
    language: Language = "en"
    if answer.asked is not None:
        show_asked(answer.asked)
        language = "zh" if answer.asked.language == "zh" else "en"
    if answer.tier is not Tier.NONE:
        typer.echo(f"  with a language model ({answer.tier})")
    if answer.degraded:
        typer.echo(f"  without the language model: {answer.degraded['reason']}")
    if answer.fallback:
        typer.echo(f"  {answer.fallback['reason']}")
    show_items(answer.items, language)
    for stage in answer.trace or ():
        typer.echo(f"  {stage.place}. {stage.stage}")
        for line in stage.zh if language == "zh" else stage.en:
            typer.echo(f"        {line}")


def show_asked(asked: Asked) -> None:
    """What was read in words, and what was not."""
    chinese = asked.language == "zh"
    told = ("；" if chinese else "; ").join(as_words(wish, chinese) for wish in asked.wishes)
    typer.echo(f"  读到：{told or '没有愿望'}" if chinese else f"  read: {told or 'no wish'}")
    if asked.note:
        typer.echo(f"  {asked.note}")


def as_words(wish: Wish, chinese: bool = False) -> str:
    """One wish as a reader sees it: "only comedy", "no horror", "more space"."""
    text = years(wish.text, chinese) if wish.field == "year" else wish.text
    if wish.field == "item":
        text = f"像《{wish.text}》的" if chinese else f"like '{wish.text}'"
    words = DEGREES["zh" if chinese else "en"]
    return f"{words[2 * wish.hard + (wish.weight > 0)]} {text}"


def years(text: str, chinese: bool) -> str:
    """ "1990-1999", with either end missing, in words."""
    first, _, last = text.partition("-")
    if first and last:
        return f"{first}–{last} 年" if chinese else f"from {first} to {last}"
    if first:
        return f"{first} 年以后" if chinese else f"from {first} on"
    return f"{last} 年以前" if chinese else f"until {last}"


def show_items(items: Sequence[Recommended], language: Language = "en") -> None:
    for item in items:
        typer.echo(f"{item.rank:4}. {item.title or item.item_id}  [{item.item_id}]")
        for reason in item.reasons:
            typer.echo(f"        {reason.words(language)}")
