"""``zhiyin moderate``: what may not be shown, by which rule, and who may say otherwise."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zhiyin.cli.common import Format, FormatOption, ProjectOption, QuietOption, open_project, print_json
from zhiyin.errors import UsageError

if TYPE_CHECKING:
    from zhiyin.cli.common import Project
    from zhiyin.ports import Progress
    from zhiyin.scenarios.community.moderation import Decision, Kept, Moderator

app = typer.Typer(
    help="What may not be shown: check texts and items, see and overrule decisions, answer appeals, train.",
    no_args_is_help=True,
)

ItemArgument = Annotated[str, typer.Argument(metavar="ITEM", help="Id of the item.")]
UserArgument = Annotated[str, typer.Argument(metavar="USER", help="Id of the person who appeals.")]
WhyOption = Annotated[str | None, typer.Option("--why", metavar="TEXT", help="What to note beside it.")]
WhoOption = Annotated[str | None, typer.Option("--by", metavar="ROLE", help="Who decides: a role, not a person.")]
PAGE = 256


@app.command("check")
def check(
    texts: Annotated[list[str] | None, typer.Argument(metavar="[TEXT]...", help="Texts to check.")] = None,
    file: Annotated[Path | None, typer.Option(metavar="F", help="CSV, JSONL or plain lines, each a text.")] = None,
    text: Annotated[str | None, typer.Option("--text", metavar="COLUMN", help="The file's column of texts.")] = None,
    output: FormatOption = Format.TEXT,
    quiet: QuietOption = False,
    project: ProjectOption = Path(),
) -> None:
    """Hold texts against the policies. Nothing is kept."""
    from zhiyin.cli.progress import make_progress
    from zhiyin.scenarios.community.moderation import read_texts

    given = [(str(place), one) for place, one in enumerate(texts or [], 1)]
    if file is not None:
        given += [(one.id, one.text) for one in read_texts(file, text=text)]
    if not given:
        raise UsageError("there is nothing to check", fix="give texts, or a file with --file F")
    progress = make_progress(quiet)
    told: list[dict[str, Any]] = []
    with (
        open_project(project) as opened,
        _moderator(opened, progress) as moderator,
        progress.task("texts", len(given)) as done,
    ):
        for start in range(0, len(given), PAGE):
            page = given[start : start + PAGE]
            decisions = moderator.decide_many([words for _, words in page])
            for (key, words), decision in zip(page, decisions, strict=True):
                if output is Format.JSON:
                    told.append({"id": key, **decision.to_dict()})
                else:
                    typer.echo(f"{_line(decision)}  {_short(words)}")
            done(len(page))
    if output is Format.JSON:
        print_json(told)


@app.command("items")
def items(
    item: Annotated[list[str] | None, typer.Argument(metavar="[ITEM]...", help="These alone; none: all.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Also items of which nothing changed.")] = False,
    output: FormatOption = Format.TEXT,
    quiet: QuietOption = False,
    project: ProjectOption = Path(),
) -> None:
    """Decide about items of the store, and end decisions that have expired. What a person decided stands."""
    from zhiyin.cli.progress import make_progress
    from zhiyin.scenarios.community.moderation import review_items

    progress = make_progress(quiet)
    with open_project(project) as opened, _moderator(opened, progress) as moderator:
        found = review_items(opened.store, moderator, item or None, again=again, progress=progress)
    if output is Format.JSON:
        print_json(found.to_dict())
        return
    counts = ", ".join(f"{action} {count:,}" for action, count in sorted(found.actions.items())) or "none"
    typer.echo(f"{found.looked:,} items: {found.decided:,} decided ({counts}), {found.stood:,} stand as they were")
    if found.expired:
        typer.echo(f"{found.expired:,} decisions expired")
    for reason, count in found.fallbacks.items():
        typer.echo(f"{count:,} without a part of the cascade: {reason}")
    if found.changed:
        typer.echo("See them with: zhiyin moderate decisions")


@app.command("decisions")
def decisions(
    item: Annotated[str | None, typer.Argument(metavar="[ITEM]", help="Everything decided about this one.")] = None,
    action: Annotated[str | None, typer.Option(metavar="A", help="limit, hide, remove or allow.")] = None,
    output: FormatOption = Format.TEXT,
    project: ProjectOption = Path(),
) -> None:
    """What is decided now, or with ITEM all that ever was: the audit trail."""
    from zhiyin.scenarios.community.moderation import Action, every, trail

    with open_project(project) as opened:
        wanted = None if action is None else _action(action)
        found = every(opened.store, wanted) if item is None else trail(opened.store, item)
    if item is None and wanted is None:
        found = [one for one in found if one.action is not Action.ALLOW]
    if output is Format.JSON:
        print_json([_kept(one) for one in found])
        return
    if not found:
        typer.echo(_none(item, wanted))
    for one in found:
        typer.echo(_kept_line(one))


@app.command("override")
def override(
    item: ItemArgument,
    action: Annotated[str, typer.Argument(metavar="ACTION", help="allow, limit, hide or remove.")],
    why: WhyOption = None,
    days: Annotated[
        float | None, typer.Option(metavar="N", min=0.01, help="It counts for so long; none: for good.")
    ] = None,
    who: WhoOption = None,
    project: ProjectOption = Path(),
) -> None:
    """Decide about an item, over the policies, until that expires."""
    from zhiyin.scenarios.community.moderation import override_item

    with open_project(project) as opened:
        made = override_item(opened.store, item, _action(action), why=why, who=who, days=days)
    typer.echo(_kept_line(made))


@app.command("appeal")
def appeal(
    item: ItemArgument,
    user: UserArgument,
    said: Annotated[str, typer.Argument(metavar="TEXT", help="What the person says.")],
    project: ProjectOption = Path(),
) -> None:
    """Note that a person asks for another decision."""
    from zhiyin.scenarios.community.moderation import put_appeal

    with open_project(project) as opened:
        put_appeal(opened.store, item, user, said)
    typer.echo("Noted. Open appeals: zhiyin moderate appeals")


@app.command("appeals")
def list_appeals(
    state: Annotated[str, typer.Option(metavar="S", help="open, granted, rejected or all.")] = "open",
    output: FormatOption = Format.TEXT,
    project: ProjectOption = Path(),
) -> None:
    """Appeals, oldest first."""
    from zhiyin.scenarios.community.moderation import AppealState, appeals

    names = [one.value for one in AppealState]
    if state not in (*names, "all"):
        raise UsageError(f"no state '{state}'", fix=f"use one of {', '.join(names)}, all")
    with open_project(project) as opened:
        found, _ = appeals(opened.store, None if state == "all" else AppealState(state))
    if output is Format.JSON:
        print_json([vars(one) for one in found])
        return
    for one in found:
        typer.echo(f"{_short(one.item_id)}  {_short(one.user_id)}  {one.state}: {_short(one.said)}")
    if not found:
        typer.echo("No appeals.")


@app.command("answer")
def answer(
    item: ItemArgument,
    user: UserArgument,
    verdict: Annotated[str, typer.Argument(metavar="VERDICT", help="grant or reject.")],
    why: WhyOption = None,
    who: WhoOption = None,
    project: ProjectOption = Path(),
) -> None:
    """Answer an appeal. Granted, the item is allowed whatever the policies say."""
    from zhiyin.scenarios.community.moderation import resolve_appeal

    if verdict not in ("grant", "reject"):
        raise UsageError(f"'{verdict}' is no answer", fix="write grant or reject")
    with open_project(project) as opened:
        made = resolve_appeal(opened.store, item, user, verdict == "grant", answer=why, who=who)
    typer.echo(f"The appeal is {made.state}.")


@app.command("policies")
def policies(
    tried: Annotated[bool, typer.Option("--check", help="Try the examples of every policy.")] = False,
    output: FormatOption = Format.TEXT,
    quiet: QuietOption = False,
    project: ProjectOption = Path(),
) -> None:
    """The policies in force and where they are from."""
    from zhiyin.cli.progress import make_progress
    from zhiyin.scenarios.community.moderation import load_policies, try_examples

    found = load_policies(project)
    if output is Format.JSON and not tried:
        print_json([one.model_dump(mode="json") for one in found.policies])
        return
    if not tried:
        for one in found.policies:
            rules = f"{len(one.rules)} rules" + ("" if one.classifier == "none" else ", classifier")
            typer.echo(f"{one.category}  severity {one.severity}  {rules}  {found.files[one.category]}")
        return
    with open_project(project) as opened, _moderator(opened, make_progress(quiet)) as moderator:
        wrong = try_examples(moderator)
    if output is Format.JSON:
        print_json(wrong)
    else:
        for each in wrong:
            typer.echo(
                f"{each['category']}: '{_short(each['text'])}' should be {each['wanted']} and is {each['action']}"
            )
        typer.echo(
            f"{len(wrong)} examples are not as their policies say." if wrong else "All examples are as policies say."
        )
    if wrong:
        raise typer.Exit(1)


@app.command("train")
def train(
    data: Annotated[
        Path, typer.Option("--data", metavar="F", help="CSV or JSONL with a text and a label in each row.")
    ],
    text: Annotated[str | None, typer.Option("--text", metavar="COLUMN", help="The column of texts.")] = None,
    label: Annotated[
        str | None, typer.Option("--label", metavar="COLUMN", help="The column of labels: 1 offends.")
    ] = None,
    language: Annotated[list[str] | None, typer.Option(metavar="L", help="zh, en or both.", show_default="zh")] = None,
    name: Annotated[str, typer.Option(metavar="NAME", help="Name of the model in decisions.")] = "own",
    seed: Annotated[int, typer.Option(metavar="N", help="Decides what is held out and where readers begin.")] = 0,
    output: FormatOption = Format.TEXT,
    quiet: QuietOption = False,
    project: ProjectOption = Path(),
) -> None:
    """Train the project's own classifier from labelled texts; the shipped one is not used any more."""
    from zhiyin.cli.progress import make_progress
    from zhiyin.scenarios.community.moderation import train_own

    languages = language or ["zh"]
    if unknown := [one for one in languages if one not in ("zh", "en")]:
        raise UsageError(f"no language '{unknown[0]}'", fix="use zh or en")
    with open_project(project) as opened:
        made = train_own(
            opened.settings,
            project,
            data,
            text=text,
            label=label,
            languages=languages,
            name=name,
            seed=seed,
            progress=make_progress(quiet),
        )
    if output is Format.JSON:
        print_json(made)
        return
    best = made["weighings"][0]
    typer.echo(
        f"Trained '{name}' from {made['texts']:,} texts; {made['held']:,} held out: accuracy {best['accuracy']:.3f}"
    )
    for precision, least, recall in best["curve"]:
        if precision in (0.8, 0.9, 0.95):
            typer.echo(f"  precision {precision:.2f} from probability {least:.2f} on, recall {recall:.2f}")


@contextmanager
def _moderator(opened: Project, progress: Progress) -> Iterator[Moderator]:
    """The project's moderator; its language models are closed at the end."""
    from zhiyin.llm import open_models
    from zhiyin.scenarios.community.moderation import open_moderator

    models = open_models(opened.settings.llm, opened.store, progress)
    try:
        yield open_moderator(opened.settings, opened.folder, models, progress)
    finally:
        models.close()


def _action(told: str) -> Any:
    from zhiyin.scenarios.community.moderation import Action

    if told not in list(Action):
        raise UsageError(f"no action '{told}'", fix=f"use one of {', '.join(Action)}")
    return Action(told)


def _line(decision: Decision) -> str:
    if decision.category is None:
        return f"allow  {decision.confidence:.2f}"
    kind = f" ({decision.kind})" if decision.kind else ""
    shown = ", ".join(f"“{_short(one.text)}”" for one in decision.evidence[:3])
    return f"{decision.action}  {decision.confidence:.2f}  {decision.rule}{kind}  {shown} "


def _kept(one: Kept) -> dict[str, Any]:
    return {**vars(one), "told": dict(one.told)}


def _none(item: str | None, action: object) -> str:
    """What to say where no decision is to be listed."""
    again = "Hold the items against the policies with: zhiyin moderate items"
    if item is not None:
        return f"Nothing was decided about '{item}'. {again}"
    return f"No item is limited, hidden or removed. {again}" if action is None else f"No item is under '{action}'."


def _kept_line(one: Kept) -> str:
    from datetime import UTC, datetime

    when = datetime.fromtimestamp(one.time / 1e6, UTC).strftime("%Y-%m-%d %H:%M")
    until = "" if one.expires is None else f" until {datetime.fromtimestamp(one.expires / 1e6, UTC):%Y-%m-%d}"
    rule = f"  {one.told['rule']} {one.told['confidence']:.2f}" if one.told.get("rule") else ""
    why = f"  {_short(one.why)}" if one.why else ""
    return f"{_short(one.item_id)}  {one.action}{until}  by {one.by}  {when}{rule}{why}"


def _short(text: str) -> str:
    """On one line, without signs that could steer a terminal."""
    plain = "".join(sign for sign in " ".join(text.split()) if sign.isprintable())
    return plain if len(plain) <= 80 else plain[:79] + "…"
