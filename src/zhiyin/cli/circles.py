"""``zhiyin circles``: who belongs together, and what people near somebody took."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from zhiyin.cli.common import Format, FormatOption, ProjectOption, QuietOption, open_project, print_json

app = typer.Typer(
    help="Circles of people: find them, list, show, draw; recommend by the people near somebody.", no_args_is_help=True
)

LanguageOption = Annotated[Literal["en", "zh"], typer.Option(help="Language of names and descriptions.")]


@app.command("build")
def build(output: FormatOption = Format.TEXT, quiet: QuietOption = False, project: ProjectOption = Path()) -> None:
    """Find circles anew, by links, by items taken and by interests (circles.toml in the project says how)."""
    from zhiyin.cli.progress import make_progress
    from zhiyin.llm import open_models
    from zhiyin.scenarios.community.circles import build_circles, circles_params

    progress = make_progress(quiet or output is Format.JSON)
    with open_project(project) as opened:
        models = open_models(opened.settings.llm, opened.store, progress)
        try:
            params = circles_params(project)
            run = build_circles(opened.store, opened.settings, project, params, models, progress)
        finally:
            models.close()
    if output is Format.JSON:
        print_json(run.to_dict())
        return
    typer.echo(
        f"{len(run.circles)} circles of {run.members:,} people ({len(run.new)} new, {len(run.gone)} gone); "
        f"{run.several:,} people are in more than one"
    )
    typer.echo(f"  {run.alone:,} people have no edge to anybody, {run.between:,} have edges and are in no circle")
    graph = f"{run.edges:,} edges, modularity {run.modularity:.3f} at resolution {run.resolution:g}"
    typer.echo(f"  {graph}, {run.seconds:.1f} s, names by: {run.tier}")
    if run.fallback:
        typer.echo(f"  {run.fallback}")
    typer.echo("Next: zhiyin circles list, zhiyin circles page --out circles.html")


@app.command("list")
def list_circles(
    language: LanguageOption = "en", output: FormatOption = Format.TEXT, project: ProjectOption = Path()
) -> None:
    """Every circle, the largest first."""
    from zhiyin.scenarios.community.circles import circles, last_run
    from zhiyin.scenarios.community.circles.page import lines_of

    with open_project(project) as opened:
        found, run = circles(opened.store), last_run(opened.store)
    if output is Format.JSON:
        print_json({"run": run, "circles": [one.to_dict() for one in found]})
        return
    if not found:
        typer.echo("No circles yet. Find them with: zhiyin circles build" if run is None else "No circles were found.")
    for one in found:
        typer.echo("\n".join(lines_of(one, language)))


@app.command("show")
def show(
    circle: Annotated[str, typer.Argument(metavar="CIRCLE", help="Id of a circle.")],
    members: Annotated[int, typer.Option(min=0, max=100_000, help="Members to name, the strongest first.")] = 10,
    language: LanguageOption = "en",
    output: FormatOption = Format.TEXT,
    project: ProjectOption = Path(),
) -> None:
    """One circle with its members."""
    from zhiyin.scenarios.community.circles import circle as one_circle
    from zhiyin.scenarios.community.circles.page import lines_of

    with open_project(project) as opened:
        one, people = one_circle(opened.store, circle), opened.store.circles.members(circle, members)
    if output is Format.JSON:
        rows = [{"user_id": each.user_id, "weight": each.weight} for each in people]
        print_json({**one.to_dict(), "members": rows})
        return
    typer.echo("\n".join(lines_of(one, language)))
    for each in people:
        typer.echo(f"    {each.weight:.2f}  {each.user_id}")


@app.command("of")
def of_person(
    user: Annotated[str, typer.Argument(metavar="USER", help="Whose circles.")],
    language: LanguageOption = "en",
    output: FormatOption = Format.TEXT,
    project: ProjectOption = Path(),
) -> None:
    """The circles that a person belongs to, and how much."""
    from zhiyin.scenarios.community.circles import circles_of
    from zhiyin.scenarios.community.circles.page import lines_of

    with open_project(project) as opened:
        found = circles_of(opened.store, user)
    if output is Format.JSON:
        circles = [{"weight": weight, **one.to_dict()} for one, weight in found]
        print_json({"user_id": user, "circles": circles})
        return
    if not found:
        typer.echo(f"{user} is in no circle.")
    for one, weight in found:
        typer.echo("\n".join([f"{weight:.0%} of the weight of {user}'s edges:", *lines_of(one, language)]))


@app.command("page")
def page(
    out: Annotated[Path, typer.Option(metavar="F", help="HTML file to write, or SVG for the picture alone.")],
    language: LanguageOption = "en",
    project: ProjectOption = Path(),
) -> None:
    """Write circles as a page with the graph as a picture, or the picture alone."""
    from zhiyin.scenarios.community.circles.page import write_circles_page
    from zhiyin.scenarios.community.circles.picture import write_picture

    with open_project(project) as opened:
        if out.suffix.lower() == ".svg":
            write_picture(out, opened.store, language)
        else:
            write_circles_page(out, opened.store, opened.settings.name, language)
    typer.echo(f"Wrote {out}")
