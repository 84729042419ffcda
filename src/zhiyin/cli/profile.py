"""``zhiyin profile``: what is believed of a person, why, and what the person says of it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from zhiyin.cli.common import Format, FormatOption, ProjectOption, print_json
from zhiyin.errors import UsageError

if TYPE_CHECKING:
    from zhiyin.understand.profiles.view import Evidence, Profile, Statement, Weighed

SHOWN = 8
"""Interests of a page; JSON holds all."""
BAR = 20
"""Characters of a full bar."""
TITLES = 3

WORDS = {
    "en": {
        "nothing": "no events", "one": "1 event", "events": "{} events", "latest": ", the last on {}",
        "sure": "confidence {:.0%}", "interests": "Interests", "long": "long-term", "now": "now",
        "confidence": "sure", "because": "by", "statements": "In words", "edits": "Said so far", "undone": "taken back",
        "rising": "rising", "falling": "falling", "steady": "", "muted": "muted", "less": "less, as said",
        "more": "more, as said", "said": "said", "rest": "{} more in --format json",
        "how": 'Change it: --edit "less horror", --edit TEXT --statement ID, --remove ID, --undo NUMBER',
    },
    "zh": {
        "nothing": "没有记录", "one": "1 条记录", "events": "{} 条记录", "latest": "，最近一条在 {}",
        "sure": "把握 {:.0%}", "interests": "兴趣", "long": "长期", "now": "近期", "confidence": "把握",
        "because": "依据", "statements": "用文字说", "edits": "说过的话", "undone": "已撤销", "rising": "上升",
        "falling": "下降", "steady": "", "muted": "已屏蔽", "less": "按要求减少", "more": "按要求增加",
        "said": "本人所说",
        "rest": "另有 {} 项，见 --format json",
        "how": '修改：--edit "不要再推恐怖片"，--edit 文字 --statement 编号，--remove 编号，--undo 序号',
    },
}  # fmt: skip


def profile(
    user: Annotated[str, typer.Argument(metavar="USER", help="Whose profile; may be unknown.")],
    edit: Annotated[
        str | None, typer.Option(metavar="TEXT", help="What the person says of it, in plain words, English or Chinese.")
    ] = None,
    statement: Annotated[
        str | None, typer.Option(metavar="ID", help="With --edit: the statement that TEXT takes the place of.")
    ] = None,
    remove: Annotated[str | None, typer.Option(metavar="ID", help="Take a statement out.")] = None,
    undo: Annotated[int | None, typer.Option(metavar="NUMBER", help="Take back what was said.")] = None,
    language: Annotated[
        Literal["en", "zh"] | None,
        typer.Option(help="Language of the page.", show_default="as the person's attributes or titles say"),
    ] = None,
    output: FormatOption = Format.TEXT,
    project: ProjectOption = Path(),
) -> None:
    """Show what is believed of a person and by which events, and let the person correct it."""
    from zhiyin.cli.lists import show_asked
    from zhiyin.recommend import Engine

    if sum(given is not None for given in (edit, remove, undo)) > 1:
        raise UsageError("--edit, --remove and --undo exclude each other", fix="say one thing at a time")
    if statement is not None and edit is None:
        raise UsageError("--statement needs --edit", fix='--edit "what is true" --statement ID')
    with Engine.open(project) as engine:
        if edit is not None:
            engine.edit_profile(user, edit, statement=statement)
            if output is Format.TEXT:
                show_asked(engine.read(edit))
        if remove is not None:
            engine.edit_profile(user, "", statement=remove, remove=True)
        if undo is not None:
            engine.undo_edit(user, undo)
        found = engine.profile(user, language)
    if output is Format.JSON:
        print_json(found.to_dict())
    else:
        typer.echo(page(found))


def page(found: Profile) -> str:
    """The profile as text, in its own language."""
    words = WORDS[found.language]
    lines = [_head(found, words), "", found.text]
    shown = [one for one in found.interests if one.long_term or one.now or one.edited]
    shown = [one for one in shown if one.evidence or one.edited or one.general][:SHOWN]
    if shown and (found.events or found.edits):
        lines += ["", words["interests"]]
        for one in shown:
            lines += _interest(one, words)
        left = len(found.interests) - len(shown)
        lines += [f"  {words['rest'].format(left)}"] if left else []
    if found.statements:
        lines += ["", words["statements"]]
        lines += [_statement(one, words) for one in found.statements]
    if found.edits:
        lines += ["", words["edits"]]
        for edit in found.edits:
            mark = f" ({words['undone']})" if edit.undone else ""
            about = f" [{edit.about}]" if edit.about else ""
            lines.append(f"  {edit.id}. {_plain(edit.said) or edit.kind}{about}{mark}")
    lines += ["", words["how"]]
    if found.note:
        lines.append(found.note)
    return "\n".join(lines)


def _head(found: Profile, words: dict[str, str]) -> str:
    from zhiyin.understand.profiles.view import day

    count = words["nothing"] if not found.events else words["one"] if found.events == 1 else words["events"]
    parts = count.format(f"{found.events:,}")
    latest = day(found.latest)
    if latest:
        parts += words["latest"].format(latest)
    return f"{_plain(found.user_id)}: {parts}; {words['sure'].format(found.confidence)}"


def _interest(one: Weighed, words: dict[str, str]) -> list[str]:
    bar = "█" * round(BAR * one.long_term) or "▏"
    state = words[one.edited] if one.edited else words[one.trend]
    weights = f"{words['long']} {one.long_term:4.0%}  {words['now']} {one.now:4.0%}"
    sure = f"{words['confidence']} {one.confidence:.0%}"
    line = f"  {_plain(one.name)} [{one.id}]  {weights}  {sure}{'  ' + state if state else ''}"
    behind = "; ".join(map(_event, one.evidence[:TITLES]))
    return [line, f"    {bar}", *([f"    {words['because']}: {behind}"] if behind else [])]


def _event(event: Evidence) -> str:
    from zhiyin.understand.profiles.view import day

    when = day(event.time)
    return f"{_plain(event.title or event.item_id)} ({event.share:.0%}{', ' + when if when else ''})"


def _statement(one: Statement, words: dict[str, str]) -> str:
    mark = words["said"] if one.source == "said" else f"{words['confidence']} {one.confidence:.0%}"
    return f"  [{one.id}] {_plain(one.text)} ({mark})"


def _plain(text: str) -> str:
    """On one line, without signs that could steer a terminal."""
    return "".join(sign for sign in " ".join(text.split()) if sign.isprintable())
