"""``zhiyin write``: help for an author, and headlines tried on readers."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zhiyin.cli.common import Format, FormatOption, ProjectOption, open_project, print_json
from zhiyin.cli.topics import CircleOption, WhereOption
from zhiyin.errors import UsageError

if TYPE_CHECKING:
    from zhiyin.scenarios.content.writing import Draft, Trial

app = typer.Typer(
    help="Help for an author: a draft, headlines, a summary and tags for some readers; headlines tried on readers.",
    no_args_is_help=True,
)

DraftArgument = Annotated[str, typer.Argument(metavar="DRAFT", help="Id of the draft.")]
ItemArgument = Annotated[str, typer.Argument(metavar="ITEM", help="The item whose title is tried.")]
VersionOption = Annotated[int | None, typer.Option(metavar="N", min=1, help="This version.", show_default="newest")]


@app.command("draft")
def draft(
    file: Annotated[str, typer.Argument(metavar="FILE", help="The author's text, UTF-8; - reads standard input.")],
    title: Annotated[str, typer.Option(metavar="TEXT", help="The author's own title.")] = "",
    where: WhereOption = None,
    circle: CircleOption = None,
    language: Annotated[
        str | None, typer.Option(metavar="en|zh", help="Language of the text.", show_default="as the text is")
    ] = None,
    headlines: Annotated[int, typer.Option(metavar="N", min=1, max=20, help="How many headlines.")] = 5,
    keep: Annotated[bool, typer.Option("--keep/--no-keep", help="Keep a record of it.")] = True,
    output: FormatOption = Format.TEXT,
    project: ProjectOption = Path(),
) -> None:
    """Outline, draft, headlines, summary and tags of a text, fitted to what its readers take.

    Every sentence is the author's own, or a language model's that the text bears out.
    """
    from zhiyin.llm import open_models
    from zhiyin.scenarios.content.groups import Group
    from zhiyin.scenarios.content.writing import write_draft
    from zhiyin.scripts import LANGUAGES

    spoken = next((one for one in LANGUAGES if one == language), None)
    if language is not None and spoken is None:
        raise UsageError(f"'{language}' is no language here", where="--language", fix="use en or zh")
    text = _read(file)
    with open_project(project) as opened:
        models = open_models(opened.settings.llm, opened.store)
        made = write_draft(
            opened.store,
            opened.settings,
            opened.folder,
            text,
            title=title,
            group=Group.of(where, circle),
            language=spoken,
            headlines=headlines,
            models=models,
            seconds=opened.settings.llm.batch_seconds,
            keep=keep,
        )
        models.close()
    _print(made, output)


@app.command("list")
def list_drafts(output: FormatOption = Format.TEXT, project: ProjectOption = Path()) -> None:
    """Every draft, its newest version."""
    from zhiyin.scenarios.content.writing import drafts

    with open_project(project) as opened:
        found = drafts(opened.store, limit=10_000)
    if output is Format.JSON:
        print_json([one.to_dict() for one in found])
        return
    if not found:
        typer.echo("No drafts yet. Make one with: zhiyin write draft FILE")
    for one in found:
        name = one.title or (one.headlines[0].text if one.headlines else "")
        typer.echo(f"{one.draft_id}  version {one.version}  {one.state}  {name}")


@app.command("show")
def show_draft(
    draft: DraftArgument,
    version: VersionOption = None,
    output: FormatOption = Format.TEXT,
    project: ProjectOption = Path(),
) -> None:
    """One draft."""
    from zhiyin.scenarios.content.writing import read_draft

    with open_project(project) as opened:
        found = read_draft(opened.store, draft, version)
    _print(found, output)


@app.command("edit")
def edit(
    draft: DraftArgument,
    title: Annotated[str | None, typer.Option(metavar="TEXT", help="Another title.")] = None,
    summary: Annotated[str | None, typer.Option(metavar="TEXT", help="Another summary.")] = None,
    text: Annotated[str | None, typer.Option(metavar="FILE", help="Another draft; - reads standard input.")] = None,
    headline: Annotated[list[str], typer.Option(metavar="TEXT", help="A headline; given once for each.")] = [],  # noqa: B006
    tag: Annotated[list[str], typer.Option(metavar="NAME", help="A tag; given once for each.")] = [],  # noqa: B006
    output: FormatOption = Format.TEXT,
    project: ProjectOption = Path(),
) -> None:
    """Change parts of a draft by hand: a new version, the old ones stay."""
    from zhiyin.scenarios.content.writing import edit_draft

    told = {"title": title, "summary": summary, "draft": None if text is None else _read(text)}
    changes = {name: value for name, value in told.items() if value is not None}
    lists = {name: value for name, value in (("headlines", headline), ("tags", tag)) if value}
    with open_project(project) as opened:
        found = edit_draft(opened.store, draft, {**changes, **lists})
    _print(found, output)


@app.command("publish")
def publish(draft: DraftArgument, version: VersionOption = None, project: ProjectOption = Path()) -> None:
    """Mark a version of a draft as published."""
    from zhiyin.scenarios.content.writing import publish_draft

    with open_project(project) as opened:
        found = publish_draft(opened.store, draft, version)
    typer.echo(f"{found.draft_id} version {found.version} is published")


@app.command("delete")
def delete(draft: DraftArgument, project: ProjectOption = Path()) -> None:
    """Delete a draft with all its versions."""
    from zhiyin.scenarios.content.writing import delete_draft

    with open_project(project) as opened:
        gone = delete_draft(opened.store, draft)
    typer.echo(f"{gone} versions of {draft} are gone")


@app.command("try")
def try_headlines(
    item: ItemArgument,
    headline: Annotated[
        list[str],
        typer.Option(
            metavar="TEXT", help="A headline; the first is what the others are held against. Give it twice or more."
        ),
    ] = [],  # noqa: B006
    draft: Annotated[str | None, typer.Option(metavar="DRAFT", help="Take the headlines of a draft.")] = None,
    traffic: Annotated[float, typer.Option(metavar="SHARE", help="Share of the people who take part.")] = 1.0,
    window: Annotated[float, typer.Option(metavar="DAYS", help="How long a person's outcomes count.")] = 1.0,
    people: Annotated[int, typer.Option(metavar="N", help="How many people it is planned for.")] = 2000,
    output: FormatOption = Format.TEXT,
    project: ProjectOption = Path(),
) -> None:
    """Try headlines as titles of an item: each person always sees the same one."""
    from zhiyin.scenarios.content.writing import read_draft, start_trial

    with open_project(project) as opened:
        texts = headline or ([one.text for one in read_draft(opened.store, draft).headlines] if draft else [])
        trial = start_trial(
            opened.store, opened.folder, item, texts, traffic=traffic, window_days=window, people=people
        )
    _print_trial(trial, output)


@app.command("headline")
def headline(
    item: ItemArgument,
    user: Annotated[str, typer.Argument(metavar="USER", help="Who looks.")],
    output: FormatOption = Format.TEXT,
    project: ProjectOption = Path(),
) -> None:
    """Which headline a person sees of an item; the show is noted."""
    from zhiyin.scenarios.content.writing import show

    with open_project(project) as opened:
        (found,) = show(opened.store, [item], user)
    if output is Format.JSON:
        print_json(vars(found))
        return
    typer.echo(found.headline or "")


@app.command("report")
def report(
    item: ItemArgument,
    output: FormatOption = Format.TEXT,
    project: ProjectOption = Path(),
) -> None:
    """What the trial of an item's headlines says so far; it may be asked as often as one likes."""
    from zhiyin.experiment_page import lines_of
    from zhiyin.scenarios.content.writing import trial_report

    with open_project(project) as opened:
        trial, experiment, told = trial_report(opened.store, opened.settings, item)
    if output is Format.JSON:
        print_json({**trial.to_dict(), "report": told.to_dict()})
        return
    for name, text in trial.headlines.items():
        typer.echo(f"{name}  {text}")
    typer.echo("\n".join(lines_of(experiment, told)))


@app.command("settle")
def settle(
    item: ItemArgument,
    variant: Annotated[
        str | None, typer.Option(metavar="NAME", help="This one.", show_default="what is surely better")
    ] = None,
    project: ProjectOption = Path(),
) -> None:
    """End a trial: the better headline becomes the item's title."""
    from zhiyin.scenarios.content.writing import settle as settle_trial

    with open_project(project) as opened:
        trial = settle_trial(opened.store, opened.settings, item, variant)
    typer.echo(f"'{item}' is called '{trial.headlines[trial.chosen or '']}'")


@app.command("stop")
def stop(item: ItemArgument, project: ProjectOption = Path()) -> None:
    """End a trial; the item keeps its title."""
    from zhiyin.scenarios.content.writing import stop_trial

    with open_project(project) as opened:
        stop_trial(opened.store, item)
    typer.echo(f"Everybody sees the title of '{item}' again")


def _read(name: str) -> str:
    if name == "-":
        return sys.stdin.read()
    try:
        return Path(name).read_text(encoding="utf-8")
    except OSError as refused:
        raise UsageError(f"the file cannot be read: {refused.strerror}", where=name, fix="check its name") from refused
    except UnicodeDecodeError as wrong:
        raise UsageError("the file is not UTF-8", where=name, fix="save it as UTF-8") from wrong


def _print(made: Draft, output: Format) -> None:
    if output is Format.JSON:
        print_json(made.to_dict())
        return
    by = {"none": "in the author's own sentences", "embedded": "by the small model", "remote": "by a model, checked"}
    typer.echo(f"{made.draft_id}  version {made.version}  {made.state}, {by[made.tier]}")
    if made.fallback is not None:
        typer.echo(f"without the model: {made.fallback['reason']}")
    for one in made.headlines:
        typer.echo(f"  {one.text}" + (f"  ({'; '.join(one.reasons)})" if one.reasons else ""))
    typer.echo(f"Summary: {made.summary}")
    typer.echo(f"Tags: {', '.join(one.name for one in made.tags)}")
    typer.echo("Outline:")
    for part in made.outline:
        typer.echo(f"  {part.heading}")
        for point in part.points:
            typer.echo(f"    - {point}")
    typer.echo(f"\n{made.draft}")
    for gone in made.removed:
        typer.echo(f"taken out of the {gone.part}: {gone.sentence} ({gone.why})")


def _print_trial(trial: Trial, output: Format) -> None:
    if output is Format.JSON:
        print_json(trial.to_dict())
        return
    typer.echo(f"Headlines of '{trial.item_id}' are tried as '{trial.experiment}':")
    for name, text in trial.headlines.items():
        typer.echo(f"  {name}  {text}")
