"""``zhiyin simulate``: the feedback loop over this project's catalogue, with simulated people."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zhiyin.cli.common import Format, FormatOption, ProjectOption, QuietOption, open_project, print_json
from zhiyin.cli.progress import make_progress


def simulate(
    rounds: Annotated[int, typer.Option(metavar="N", help="Rounds of lists, clicks and training.")] = 20,
    people: Annotated[int, typer.Option(metavar="N", help="Simulated people.")] = 200,
    by: Annotated[str, typer.Option(metavar="M", help="What explores: uniform, thompson or linucb.")] = "thompson",
    rate: Annotated[float, typer.Option(metavar="SHARE", help="Chance that a slot is given away.")] = 0.5,
    surface: Annotated[str, typer.Option(metavar="NAME", help="Whose pipeline re-ranks.")] = "feed",
    past: Annotated[
        bool, typer.Option("--past", help="Keep the project's own events beside those of the simulated people.")
    ] = False,
    seed: Annotated[int, typer.Option(metavar="N", help="Decides everything that is drawn.")] = 0,
    out: Annotated[Path, typer.Option(metavar="DIR", help="Folder for the page, pictures and figures.")] = Path(
        "simulation"
    ),
    output: FormatOption = Format.TEXT,
    quiet: QuietOption = False,
    project: ProjectOption = Path(),
) -> None:
    """Let simulated people click and the engine learn, with and without exploration; the project stays as it is."""
    from pydantic import ValidationError

    from zhiyin.errors import UsageError
    from zhiyin.feedback.people import PeopleParams
    from zhiyin.simulate import SimulationParams
    from zhiyin.simulate import simulate as run
    from zhiyin.simulation_page import figures_of, lines_of, write_all

    try:
        params = SimulationParams(
            rounds=rounds,
            people=PeopleParams(people=people),
            by=by,
            past=past,
            rate=rate,
            seed=seed,
        )
    except ValidationError as invalid:
        first = invalid.errors()[0]
        where = f"--{first['loc'][-1]}" if first["loc"] else None
        raise UsageError(first["msg"], where=where, fix="see 'zhiyin simulate --help'") from invalid
    with open_project(project) as opened:
        told = run(opened.store, opened.settings, project, params, surface, make_progress(quiet))
        paths = write_all(out, told, opened.settings.name)
    if output is Format.JSON:
        print_json(told.to_dict() | {"figures": figures_of(told).to_dict()})
        return
    typer.echo("\n".join(lines_of(told)))
    typer.echo(f"Wrote {', '.join(str(path) for path in paths)}")
