"""``zhiyin pages``: product pages made, reviewed and published."""

from __future__ import annotations

import json
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from zhiyin.cli.common import Format, FormatOption, Project, ProjectOption, open_project, print_json

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from zhiyin.scenarios.shop.pages import KeptPage, Page, PageName, Pages

app = typer.Typer(
    help="Product pages out of an item's attributes: make, show, edit, review, publish.", no_args_is_help=True
)

ItemArgument = Annotated[str, typer.Argument(metavar="ITEM", help="Whose page.")]
LanguageOption = Annotated[Literal["en", "zh"], typer.Option("--language", help="Of the page.")]
SegmentOption = Annotated[
    list[str],
    typer.Option(
        "--segment", metavar="WORDS", help="What its readers look for, the most important first; give it several times."
    ),
]
UserOption = Annotated[
    str | None, typer.Option("--user", metavar="USER", help="For one person, by their interests.", show_default=False)
]
VersionOption = Annotated[int | None, typer.Option("--version", metavar="N", help="Which one.", show_default="newest")]
StateOption = Annotated[
    Literal["draft", "in_review", "published", "rejected", "withdrawn", "replaced"] | None,
    typer.Option("--state", help="The newest in this state alone.", show_default="any"),
]
NoteOption = Annotated[str, typer.Option("--note", metavar="TEXT", help="Why, for whoever looks later.")]
ByOption = Annotated[str, typer.Option("--by", metavar="NAME", help="Who decides.")]
NOTHING: list[str] = []
WORDS = {
    "en": {"description": "Description", "faq": "Questions", "meta": "For search engines", "removed": "Removed"},
    "zh": {"description": "描述", "faq": "问答", "meta": "供搜索引擎", "removed": "已去掉"},
}


@app.command("make")
def make(
    item: ItemArgument,
    language: LanguageOption = "en",
    tone: Annotated[Literal["plain", "warm", "formal"], typer.Option(help="How it speaks.")] = "plain",
    length: Annotated[
        Literal["short", "medium", "long"], typer.Option(help="3, 5 or 8 bullets, and the rest likewise.")
    ] = "medium",
    segment: SegmentOption = NOTHING,
    user: UserOption = None,
    keep: Annotated[bool, typer.Option("--keep/--no-keep", help="Keep it as a draft.")] = True,
    output: FormatOption = Format.TEXT,
    project: ProjectOption = Path(),
) -> None:
    """Make a page of an item, and keep it as a draft."""
    from zhiyin.scenarios.shop.pages import Length, PageRequest, Tone

    request = PageRequest(
        item_id=item,
        language=language,
        tone=Tone(tone),
        length=Length(length),
        segment=tuple(segment),
        user_id=_reader(user, segment),
    )
    with _opened(project) as (opened, pages):
        wanted = None if user is None else _wanted(opened, user)
        if keep:
            _show(pages.draft(request, wanted=wanted), output)
        else:
            _show_page(pages.make(request, wanted=wanted), output)


@app.command("show")
def show(
    item: ItemArgument,
    language: LanguageOption = "en",
    segment: SegmentOption = NOTHING,
    user: UserOption = None,
    version: VersionOption = None,
    state: StateOption = None,
    output: FormatOption = Format.TEXT,
    project: ProjectOption = Path(),
) -> None:
    """Show a page."""
    from zhiyin.scenarios.shop.pages import State

    with _opened(project) as (_, pages):
        kept = pages.get(_name(item, language, segment, user), version, None if state is None else State(state))
    _show(kept, output)


@app.command("list")
def list_pages(
    state: StateOption = None,
    limit: Annotated[int, typer.Option(min=1, max=10_000, help="How many at most.")] = 100,
    output: FormatOption = Format.TEXT,
    project: ProjectOption = Path(),
) -> None:
    """List pages that are nobody's own, by item."""
    from zhiyin.scenarios.shop.pages import State

    with _opened(project) as (_, pages):
        found, _ = pages.every(None if state is None else State(state), limit=limit)
    if output is Format.JSON:
        print_json([_summary(one) for one in found])
        return
    if not found:
        typer.echo("No pages. Make one with: zhiyin pages make ITEM")
    for one in found:
        page = one.page
        segment = f" for {', '.join(page.segment)}" if page.segment else ""
        typer.echo(f"{page.item_id}  {page.language}{segment}  version {one.version}  {one.state}  {page.title}")


@app.command("versions")
def versions(
    item: ItemArgument,
    language: LanguageOption = "en",
    segment: SegmentOption = NOTHING,
    user: UserOption = None,
    output: FormatOption = Format.TEXT,
    project: ProjectOption = Path(),
) -> None:
    """List the versions of a page and what was decided of them, newest first."""
    name = _name(item, language, segment, user)
    with _opened(project) as (_, pages):
        found, reviews = pages.versions(name), pages.reviews(name)
    if output is Format.JSON:
        print_json({"versions": [_summary(one) for one in found], "reviews": [asdict(one) for one in reviews]})
        return
    for one in found:
        typer.echo(f"version {one.version}  {one.state}  {one.page.tone}, {one.page.length}, tier {one.page.tier}")
    for review in reviews:
        by = f" by {review.by}" if review.by else ""
        typer.echo(f"version {review.version} became {review.state}{by}" + (f": {review.note}" if review.note else ""))


@app.command("edit")
def edit(
    item: ItemArgument,
    changes: Annotated[
        Path, typer.Option("--changes", metavar="F", help="JSON file: title, bullets, description, faq or meta.")
    ],
    language: LanguageOption = "en",
    segment: SegmentOption = NOTHING,
    user: UserOption = None,
    version: VersionOption = None,
    output: FormatOption = Format.TEXT,
    project: ProjectOption = Path(),
) -> None:
    """Make a new draft out of a version and your own words; what the item does not bear out is left out."""
    told = _changes(changes)
    with _opened(project) as (_, pages):
        kept = pages.edit(_name(item, language, segment, user), told, version)
    _show(kept, output)


def _moving(state: str, about: str) -> Callable[..., None]:
    """The command that takes a version to ``state``."""

    def move(
        item: ItemArgument,
        language: LanguageOption = "en",
        segment: SegmentOption = NOTHING,
        user: UserOption = None,
        version: VersionOption = None,
        note: NoteOption = "",
        by: ByOption = "",
        project: ProjectOption = Path(),
    ) -> None:
        _move(project, _name(item, language, segment, user), state, version, note, by)

    move.__doc__ = about
    return move


app.command("submit")(_moving("in_review", "Hand a draft in for review."))


@app.command("publish")
def publish(
    item: ItemArgument,
    language: LanguageOption = "en",
    segment: SegmentOption = NOTHING,
    user: UserOption = None,
    version: VersionOption = None,
    note: NoteOption = "",
    by: ByOption = "",
    accept: Annotated[bool, typer.Option("--accept", help="What policies flag was looked at and is fine.")] = False,
    project: ProjectOption = Path(),
) -> None:
    """Publish a page that is in review; every sentence is checked once more."""
    _move(project, _name(item, language, segment, user), "published", version, note, by, accept)


app.command("reject")(_moving("rejected", "Turn a page in review down."))
app.command("withdraw")(_moving("withdrawn", "Take a page back, published or not."))


@app.command("policies")
def policies(output: FormatOption = Format.TEXT, project: ProjectOption = Path()) -> None:
    """Check the policy files, and list their rules."""
    from zhiyin.scenarios.shop.pages.policy import files_of, load_policy

    rules = load_policy(project).rules
    paths = files_of(project)
    if output is Format.JSON:
        print_json([{"policy": name, "file": str(paths[name]), **rule.model_dump()} for name, rule in rules])
        return
    for name, rule in rules:
        basis = f"  ({rule.basis})" if rule.basis else ""
        typer.echo(f"{name}/{rule.name}  {rule.language}  {rule.action}  {len(rule.words)} words{basis}")


@contextmanager
def _opened(folder: Path) -> Iterator[tuple[Project, Pages]]:
    from zhiyin.llm import open_models
    from zhiyin.scenarios.shop.pages import Pages

    with open_project(folder) as opened:
        models = open_models(opened.settings.llm, opened.store)
        try:
            yield opened, Pages(opened.store, folder, models)
        finally:
            models.close()


def _wanted(opened: Project, user: str) -> Mapping[str, float]:
    from zhiyin.recommend import Engine
    from zhiyin.scenarios.shop.pages import wanted_by

    with Engine.open(opened.folder) as engine:
        return wanted_by(engine.profile(user).interests)


def _reader(user: str | None, segment: list[str]) -> str | None:
    from zhiyin.errors import UsageError

    if user is not None and segment:
        raise UsageError("--user and --segment exclude each other", fix="give one of them")
    return user


def _name(item: str, language: str, segment: list[str], user: str | None) -> PageName:
    from zhiyin.scenarios.shop.pages import PageName

    return PageName(item, language, tuple(segment), _reader(user, segment))


def _move(
    project: Path, name: PageName, state: str, version: int | None, note: str, by: str, accept: bool = False
) -> None:
    from zhiyin.scenarios.shop.pages import State

    with _opened(project) as (_, pages):
        kept = pages.move(name, State(state), version, note=note, by=by, accept=accept)
    typer.echo(f"version {kept.version} of the page of '{name.item_id}' is {kept.state}")


def _changes(path: Path) -> dict[str, Any]:
    from zhiyin.errors import FileUnreadable
    from zhiyin.scenarios.shop.pages.changes import read_changes

    try:
        return read_changes(json.loads(path.read_text(encoding="utf-8")), str(path))
    except OSError as broken:
        raise FileUnreadable(
            f"the file cannot be read: {broken.strerror}", where=str(path), fix="check its name"
        ) from broken
    except ValueError as broken:
        raise FileUnreadable(
            f"no JSON can be read: {broken}",
            where=str(path),
            fix="write one object with some of title, bullets, description, faq, meta",
        ) from broken


def _summary(one: KeptPage) -> dict[str, Any]:
    page = one.page
    return {
        "item_id": page.item_id,
        "language": page.language,
        "segment": page.segment,
        "version": one.version,
        "state": one.state,
        "time": one.time,
        "tier": page.tier,
        "title": page.title,
    }


def _show(kept: KeptPage, output: Format) -> None:
    if output is Format.JSON:
        print_json({"version": kept.version, "state": kept.state, "time": kept.time, "page": kept.page.to_dict()})
        return
    typer.echo(f"version {kept.version}, {kept.state}")
    _show_page(kept.page, output)


def _show_page(page: Page, output: Format) -> None:
    if output is Format.JSON:
        print_json(page.to_dict())
        return
    words = WORDS[page.language]
    lines = [page.title, "", *(f"- {one}" for one in page.bullets), "", words["description"]]
    lines += [(" " if page.language == "en" else "").join(page.description), "", words["faq"]]
    lines += [line for one in page.faq for line in (one.question, f"  {one.answer}")]
    lines += ["", words["meta"], page.meta.title, page.meta.description]
    if page.removed:
        lines += ["", words["removed"], *(f"- {one.field}: {one.why}" for one in page.removed)]
    if page.flags:
        lines += [f"? {one.field}: {one.why}" for one in page.flags]
    lines += ["", f"tier {page.tier}" + (f" ({page.fallback['reason']})" if page.fallback else "")]
    typer.echo("\n".join(lines))
