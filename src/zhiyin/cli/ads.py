"""``zhiyin ads``: campaigns, a list with its advertisements, clicks, reports."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zhiyin.cli.common import Format, FormatOption, ProjectOption, open_project, print_json
from zhiyin.types import DEFAULT_SURFACE

if TYPE_CHECKING:
    from zhiyin.scenarios.shop.ads.placing import Office
    from zhiyin.scenarios.shop.ads.reporting import Report

app = typer.Typer(
    help="Advertisements among recommendations: campaigns, lists with their ads, clicks, reports.", no_args_is_help=True
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the campaign.")]


@app.command("list")
def list_campaigns(output: FormatOption = Format.TEXT, project: ProjectOption = Path()) -> None:
    """Every campaign: those of files and those of the store."""
    from zhiyin.errors import ZhiyinError
    from zhiyin.scenarios.shop.ads.keeping import campaigns_of

    wrong: list[ZhiyinError] = []
    with open_project(project) as opened:
        kept = campaigns_of(opened.store, project, wrong)
    if output is Format.JSON:
        told = [
            {"name": one.name, "state": one.state, "source": one.source, "campaign": one.campaign.to_dict()}
            for one in kept
        ]
        print_json({"campaigns": told, "wrong": [one.line for one in wrong]})
        return
    if not kept and not wrong:
        typer.echo("No campaigns yet. Write campaigns/NAME.toml; docs/ads.md has an example.")
    for one in kept:
        own = one.campaign
        paid = "a click" if own.charge == "click" else "a thousand shows"
        typer.echo(f"{one.name}  {one.state}  {own.starts} to {own.ends}, {own.bid:g} for {paid}, by {one.source}")
    for error in wrong:
        typer.echo(f"wrong: {error.line}")


@app.command("check")
def check_campaigns(project: ProjectOption = Path()) -> None:
    """Read ads.toml and every campaign; the first that is wrong is named with its line. What a campaign names and
    nobody knows (an item, an interest) is told, too."""
    from zhiyin.scenarios.shop.ads.keeping import campaigns_of, doubts, policy_of

    with open_project(project) as opened:
        policy_of(project)
        kept = campaigns_of(opened.store, project)
        found = doubts(opened.store, kept)
    typer.echo("\n".join([f"{len(kept)} campaigns can be read.", *found]))
    if found:
        raise typer.Exit(1)


@app.command("pause")
def pause_campaign(name: NameArgument, project: ProjectOption = Path()) -> None:
    """Show it no more, until it is let run again."""
    _set(project, name, "paused")
    typer.echo(f"'{name}' is paused.")


@app.command("run")
def run_campaign(name: NameArgument, project: ProjectOption = Path()) -> None:
    """Let a campaign run that was paused."""
    _set(project, name, "running")
    typer.echo(f"'{name}' runs.")


@app.command("remove")
def remove_campaign(name: NameArgument, project: ProjectOption = Path()) -> None:
    """Take a campaign of the store away; its shows and what was spent stay."""
    from zhiyin.scenarios.shop.ads.keeping import remove

    with open_project(project) as opened:
        remove(opened.store, project, name)
    typer.echo(f"'{name}' is removed.")


@app.command("place")
def place(
    user: Annotated[str, typer.Argument(metavar="USER", help="Whose list; may be unknown.")],
    k: Annotated[int, typer.Option("-k", min=1, max=1_000, help="Recommended items in the list.")] = 10,
    surface: Annotated[str, typer.Option(metavar="NAME", help="Where the list is shown.")] = DEFAULT_SURFACE,
    page: Annotated[
        list[str], typer.Option(metavar="CATEGORY", help="A category of what is looked at; may be repeated.")
    ] = [],  # noqa: B006 - typer reads it, nobody writes it
    output: FormatOption = Format.TEXT,
    project: ProjectOption = Path(),
) -> None:
    """A person's list with its advertisements. They count as shown, and cost what they cost."""
    from zhiyin.recommend import Engine
    from zhiyin.scenarios.shop.ads.mixing import recommended
    from zhiyin.scenarios.shop.ads.placing import AdServer

    with Engine.open(project) as engine:
        server = AdServer(engine.store, project)
        told = recommended(engine, server, user, k, surface=surface, page=page)
        office = server.office()
    if output is Format.JSON:
        print_json({"user_id": user, "surface": surface, "ads": told.ads, "items": told.items})
        return
    for one in told.items:
        name = one["title"] or one["item_id"]
        if one["kind"] == "ad":
            typer.echo(f"{one['rank']:>3}  [{one['label_en']} {one['label_zh']}] {name}  ({one['campaign']})")
            typer.echo(f"     show {one['show_id']}")
        else:
            typer.echo(f"{one['rank']:>3}  {name}")
    if not told.ads:
        typer.echo(_none_placed(office))


@app.command("click")
def click(
    show: Annotated[str, typer.Argument(metavar="SHOW", help="Number of the show, as 'zhiyin ads place' names it.")],
    project: ProjectOption = Path(),
) -> None:
    """Count a click. Each show counts one, for some days."""
    from zhiyin.scenarios.shop.ads.campaign import MILLION
    from zhiyin.scenarios.shop.ads.placing import AdServer

    with open_project(project) as opened:
        server = AdServer(opened.store, project)
        server.office()
        with opened.store.ads.claiming() as ledger:
            found = server.click(ledger, show)
    if found is None:
        typer.echo("It does not count: no such show, or it was clicked before, or too long ago.")
    else:
        typer.echo(f"A click on '{found.campaign}', {found.creative}: {found.charged / MILLION:.4f} charged.")


@app.command("report")
def report_campaign(
    name: NameArgument,
    output: FormatOption = Format.TEXT,
    project: ProjectOption = Path(),
) -> None:
    """Spend against plan, clicks by creative and day, and the lift over people it is withheld from."""
    from zhiyin.scenarios.shop.ads.reporting import report

    with open_project(project) as opened:
        told = report(opened.store, project, name, time.time_ns() // 1000)
    if output is Format.JSON:
        print_json(told.to_dict())
    else:
        typer.echo("\n".join(lines_of(told)))


@app.command("learn")
def learn(project: ProjectOption = Path()) -> None:
    """Learn from shows and clicks how much interests and ranking say about a click. A service does it by itself."""
    from zhiyin.scenarios.shop.ads.clicks import FEATURES
    from zhiyin.scenarios.shop.ads.placing import AdServer

    with open_project(project) as opened:
        found = AdServer(opened.store, project).learn()
    weights = ", ".join(f"{name} {value:.3f}" for name, value in zip(FEATURES, found.weights, strict=True))
    typer.echo(f"{weights}; from {found.shows:,} shows with {found.clicks:,} clicks")


def _none_placed(office: Office) -> str:
    """Why a list may be without advertisements: pacing above all, on a campaign's first day."""
    shares = zip(office.desk.market.names, office.desk.pacer.share, strict=True)
    paced = ", ".join(f"'{name}' in {share:.1%}" for name, share in shares)
    if not paced:
        return "No advertisement: no campaign runs."
    return (
        f"No advertisement this time. By their pace campaigns take part in a share of the lists ({paced}); dates, "
        "targets, caps, hold-outs and the places of the surface hold, too."
    )


def lines_of(told: Report) -> list[str]:
    """A report for a reader."""
    whole = told.whole
    lines = [f"{told.name}  {told.state}  {told.starts} to {told.ends}", _counted(whole, told.currency)]
    lines.append(f"{told.people:,} people; {told.today:,.2f} {told.currency} today")
    bounds = [("in all", told.budget_total), ("a day", told.budget_daily)]
    said = " and ".join(f"{bound:,.2f} {how}" for how, bound in bounds if bound is not None)
    lines.append(f"budget {said}" + ("" if told.planned is None else f"; planned by now {told.planned:,.2f}"))
    if told.delivery is not None:
        lines[-1] += f", delivered {told.delivery:.1%} of that"
    for title, rows in (("creatives", told.creatives), ("days", told.days)):
        lines.append(f"{title}:")
        lines += [f"  {one.name}: {_counted(one, told.currency)}" for one in rows] or ["  none so far"]
    if told.lift is not None:
        lift = told.lift
        lines.append(
            f"lift: {lift.reached:,} of {lift.people:,} shown, {lift.held_reached:,} of {lift.held_people:,} held out; "
            f"{_points(lift.gain)} points: {lift.said}"
        )
    return lines


def _counted(one: Any, currency: str) -> str:
    rate = f", {one.rate.value:.2%} ({one.rate.low:.2%}-{one.rate.high:.2%})" if one.shows else ""
    return f"{one.shows:,} shows, {one.clicks:,} clicks{rate}, {one.spent:,.2f} {currency}"


def _points(share: Any) -> str:
    if share.value != share.value:
        return "no"
    return f"{share.value * 100:+.2f} ({share.low * 100:+.2f} to {share.high * 100:+.2f})"


def _set(project: Path, name: str, state: str) -> None:
    from zhiyin.scenarios.shop.ads.keeping import set_state

    with open_project(project) as opened:
        set_state(opened.store, project, name, state)
