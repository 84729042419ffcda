"""``zhiyin experiments``: variants of a surface held against each other."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from zhiyin.cli.common import Format, FormatOption, ProjectOption, open_project, print_json

app = typer.Typer(
    help="Variants of a surface held against each other: start, stop, list, report.", no_args_is_help=True
)

NameArgument = Annotated[str, typer.Argument(metavar="NAME", help="Name of the experiment.")]


@app.command("list")
def list_experiments(output: FormatOption = Format.TEXT, project: ProjectOption = Path()) -> None:
    """Every experiment, oldest first."""
    with open_project(project) as opened:
        kept = opened.store.experiments.all()
    if output is Format.JSON:
        print_json([{"name": one.name, "state": one.state, **one.described} for one in kept])
        return
    if not kept:
        typer.echo(
            "No experiments yet. Start one with: zhiyin experiments start NAME --variant a=default --variant b=home"
        )
    for one in kept:
        variants = ", ".join(f"{variant['name']}={variant['pipeline']}" for variant in one.described["variants"])
        typer.echo(f"{one.name}  {one.state}  on {one.described['surface']}: {variants}")


@app.command("start")
def start_experiment(
    name: NameArgument,
    variant: Annotated[
        list[str],
        typer.Option(
            metavar="NAME=PIPELINE[:WEIGHT]",
            help="A variant and the pipeline file that re-ranks for it; the first is what the others are held against. "
            "Give it twice or more; none goes on with an experiment that was stopped.",
        ),
    ] = [],  # noqa: B006 - typer reads it, nobody writes it
    surface: Annotated[str, typer.Option(metavar="NAME", help="Where it runs.")] = "default",
    metric: Annotated[
        str, typer.Option(metavar="M", help="What decides: reward, taken, per_list, lists or events:TYPE.")
    ] = "reward",
    guard: Annotated[
        list[str],
        typer.Option(
            metavar="METRIC:SHARE", help="What must not fall by more than this share, for example lists:0.05."
        ),
    ] = [],  # noqa: B006
    traffic: Annotated[float, typer.Option(metavar="SHARE", help="Share of the people who take part.")] = 1.0,
    window: Annotated[float, typer.Option(metavar="DAYS", help="How long a person's outcomes count.")] = 1.0,
    people: Annotated[int, typer.Option(metavar="N", help="How many people it is planned for.")] = 2000,
    project: ProjectOption = Path(),
) -> None:
    """Start an experiment, or go on with one."""
    from zhiyin.experimenting import start

    told: dict[str, Any] | None = None
    if variant:
        told = {
            "variants": [_variant(one) for one in variant],
            "surface": surface,
            "metric": metric,
            "guardrails": [_guard(one) for one in guard],
            "traffic": traffic,
            "window_days": window,
            "people": people,
        }
    with open_project(project) as opened:
        made = start(opened.store, project, name, told)
    shares = ", ".join(f"{one.name} {one.weight / sum(made.weights):.0%} ({one.pipeline})" for one in made.variants)
    typer.echo(f"'{name}' runs on {made.surface} for {made.traffic:.0%} of the people: {shares}")


@app.command("stop")
def stop_experiment(name: NameArgument, project: ProjectOption = Path()) -> None:
    """Give everybody the surface's own pipeline again."""
    from zhiyin.experimenting import stop

    with open_project(project) as opened:
        stop(opened.store, name)
    typer.echo(f"'{name}' is stopped. What it saw is kept: zhiyin experiments report '{name}'")


@app.command("report")
def report_experiment(
    name: NameArgument,
    out: Annotated[Path | None, typer.Option(metavar="F", help="HTML file to write.")] = None,
    output: FormatOption = Format.TEXT,
    project: ProjectOption = Path(),
) -> None:
    """What an experiment says so far; it may be asked as often as one likes."""
    from zhiyin.experimenting import analysed

    with open_project(project) as opened:
        experiment, told = analysed(opened.store, name)
    if output is Format.JSON:
        print_json(told.to_dict())
    else:
        from zhiyin.experiment_page import lines_of

        typer.echo("\n".join(lines_of(experiment, told)))
    if out is not None:
        from zhiyin.experiment_page import sheet_of
        from zhiyin.report.sheet import write_sheet

        write_sheet(out, sheet_of(experiment, told))
        typer.echo(f"Wrote {out}", err=output is Format.JSON)


def _variant(words: str) -> dict[str, Any]:
    from zhiyin.errors import UsageError

    name, found, rest = words.partition("=")
    pipeline, weighted, weight = rest.rpartition(":") if ":" in rest else (rest, "", "")
    if not (found and name and pipeline):
        raise UsageError(f"'{words}' is no variant", fix="write NAME=PIPELINE or NAME=PIPELINE:WEIGHT")
    told: dict[str, Any] = {"name": name, "pipeline": pipeline}
    return told | {"weight": _share(weight, words)} if weighted else told


def _guard(words: str) -> dict[str, Any]:
    metric, found, share = words.rpartition(":")
    if not found or metric == "events":
        return {"metric": words}
    return {"metric": metric, "tolerance": _share(share, words)}


def _share(text: str, words: str) -> float:
    from zhiyin.errors import UsageError

    try:
        return float(text)
    except ValueError:
        raise UsageError(f"'{text}' in '{words}' is no number", fix="write, for example, lists:0.05") from None
