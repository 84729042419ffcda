"""``zhiyin topics``: what people read and discuss, and what is rising."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zhiyin.cli.common import Format, FormatOption, ProjectOption, QuietOption, open_project, print_json

if TYPE_CHECKING:
    from zhiyin.scenarios.content.topics.view import Discussed, TopicView

app = typer.Typer(
    help="What people read and discuss: find topics, list them for a group, see one with its questions, name one.",
    no_args_is_help=True,
)

TopicArgument = Annotated[str, typer.Argument(metavar="TOPIC", help="Id of the topic.")]
WhereOption = Annotated[
    str | None,
    typer.Option("--where", metavar="JSON", help='A segment of people, for example {"city": "杭州", "age_above": 30}.'),
]
CircleOption = Annotated[str | None, typer.Option("--circle", metavar="ID", help="The people of a circle.")]
DaysOption = Annotated[int, typer.Option("--days", metavar="N", min=1, max=366, help="What is of late.")]
BeforeOption = Annotated[
    int, typer.Option("--before", metavar="N", min=1, max=3660, help="The days before those, that it is held against.")
]
AtOption = Annotated[
    str | None,
    typer.Option("--at", metavar="DATE", help="The end of that time, as 2026-03-01.", show_default="latest event"),
]


@app.command("find")
def find(
    days: DaysOption = 7,
    before: BeforeOption = 28,
    at: AtOption = None,
    resolution: Annotated[
        float, typer.Option(metavar="X", min=0.01, max=100, help="How fine topics are: more gives more of them.")
    ] = 4.0,
    output: FormatOption = Format.TEXT,
    quiet: QuietOption = False,
    project: ProjectOption = Path(),
) -> None:
    """Find the topics of what was taken of late. A topic that was there before keeps its id and its name."""
    from zhiyin.cli.progress import make_progress
    from zhiyin.llm import open_models
    from zhiyin.scenarios.content.topics import TopicsSettings, WindowSettings, find_topics

    with open_project(project) as opened:
        models = open_models(opened.settings.llm, opened.store)
        found = find_topics(
            opened.store,
            opened.settings,
            at=_time(at),
            topics=TopicsSettings(resolution=resolution),
            window=WindowSettings(days=days, before=before),
            models=models,
            progress=make_progress(quiet),
        )
        models.close()
    if output is Format.JSON:
        print_json(found.to_dict())
        return
    typer.echo(found.line())
    typer.echo("See them with: zhiyin topics list")


@app.command("list")
def list_topics(
    where: WhereOption = None,
    circle: CircleOption = None,
    rising: Annotated[bool, typer.Option("--rising", help="Only those that surely rise.")] = False,
    days: DaysOption = 7,
    before: BeforeOption = 28,
    at: AtOption = None,
    count: Annotated[int, typer.Option("-k", metavar="N", min=1, max=1000, help="How many.")] = 20,
    output: FormatOption = Format.TEXT,
    project: ProjectOption = Path(),
) -> None:
    """What a group discusses of late: everybody, a segment (--where) or a circle (--circle)."""
    from zhiyin.scenarios.content.groups import Group
    from zhiyin.scenarios.content.topics import WindowSettings, discussed

    with open_project(project) as opened:
        told = discussed(
            opened.store,
            opened.settings,
            Group.of(where, circle),
            k=count,
            only_rising=rising,
            at=_time(at),
            window=WindowSettings(days=days, before=before),
            questions=0,
        )
    if output is Format.JSON:
        print_json(told.to_dict())
        return
    typer.echo(_head(told))
    for one in told.topics:
        typer.echo(_line(one))
    if not told.topics:
        typer.echo("No topic surely rises." if rising else "No topic has enough people: see --days.")


@app.command("show")
def show(
    topic: TopicArgument,
    where: WhereOption = None,
    circle: CircleOption = None,
    days: DaysOption = 7,
    before: BeforeOption = 28,
    at: AtOption = None,
    questions: Annotated[int, typer.Option(metavar="N", min=0, max=5, help="Questions to start a discussion.")] = 3,
    output: FormatOption = Format.TEXT,
    project: ProjectOption = Path(),
) -> None:
    """One topic as a group has it: how many, how it grows, examples, and questions to start a discussion."""
    from zhiyin.llm import open_models
    from zhiyin.scenarios.content.groups import Group
    from zhiyin.scenarios.content.topics import WindowSettings, discussed

    with open_project(project) as opened:
        models = open_models(opened.settings.llm, opened.store)
        told = discussed(
            opened.store,
            opened.settings,
            Group.of(where, circle),
            topic_id=topic,
            at=_time(at),
            window=WindowSettings(days=days, before=before),
            questions=questions,
            models=models,
        )
        models.close()
    if output is Format.JSON:
        print_json(told.to_dict())
        return
    (one,) = told.topics
    typer.echo(_head(told))
    typer.echo(_line(one))
    typer.echo(f"  words: {', '.join(one.words)}")
    for example in one.examples:
        typer.echo(f"  {example.people:,} people: {example.title or example.item_id}  [{example.item_id}]")
    for question in one.questions:
        typer.echo(f"  ? {question.text}" + (f"  ({question.reason})" if question.reason else ""))


@app.command("name")
def name(
    topic: TopicArgument,
    words: Annotated[str, typer.Argument(metavar="NAME", help="What to call it from now on.")],
    project: ProjectOption = Path(),
) -> None:
    """Give a topic a name, which stays whatever is found later."""
    from zhiyin.scenarios.content.topics import name_topic

    with open_project(project) as opened:
        typer.echo(f"{topic} is called '{name_topic(opened.store, topic, words).name}'")


def _time(words: str | None) -> int | None:
    """Microseconds of a date or a time as ISO 8601 writes it, UTC where nothing else is said."""
    from datetime import UTC, datetime

    from zhiyin.errors import UsageError

    if words is None:
        return None
    try:
        told = datetime.fromisoformat(words)
    except ValueError as wrong:
        raise UsageError(f"'{words}' is no date", where="--at", fix="write 2026-03-01 or 2026-03-01T18:00") from wrong
    told = told if told.tzinfo else told.replace(tzinfo=UTC)
    return round(told.timestamp() * 1_000_000)


def _head(told: Discussed) -> str:
    share = f"{told.unplaced:.0%} of what they took is of no topic"
    return f"{told.group['name']}: {told.people:,} people in {told.days} days; {share}"


def _line(one: TopicView) -> str:
    grows = "" if one.growth is None else f", x{one.growth:.2f} ({one.growth_low:.2f} to {one.growth_high:.2f})"
    lift = "" if one.lift is None else f", {one.lift:.1f} times as often as everybody"
    mark = "rising  " if one.rising else ""
    return f"{mark}{one.name}  [{one.topic_id}]: {one.people:,} people ({one.share:.0%}){lift}{grows}"
