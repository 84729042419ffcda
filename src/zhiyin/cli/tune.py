"""``zhiyin tune``: search parameters longer than training does, and write what holds."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer

from zhiyin.cli.common import Format, FormatOption, ProjectOption, QuietOption, open_project, print_json
from zhiyin.cli.evaluate import ProtocolChoice
from zhiyin.cli.progress import make_progress
from zhiyin.errors import ConfigError, ZhiyinError


class Interrupted(ZhiyinError):
    """Stopped by a signal. What was finished is kept."""


def tune(
    seconds: Annotated[float, typer.Option(min=0.1, help="Time for searching, all models together.")] = 600.0,
    trials: Annotated[int, typer.Option(min=1, help="Trials of each model, earlier calls counted.")] = 60,
    model: Annotated[
        list[str] | None, typer.Option(metavar="NAME", help="Only this model; may be repeated.", show_default="all")
    ] = None,
    protocol: Annotated[ProtocolChoice, typer.Option(help="How events are split.")] = ProtocolChoice.LEAVE_ONE_OUT,
    out: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Where to write.", show_default="tuned.toml in the project")
    ] = None,
    apply: Annotated[bool, typer.Option("--apply", help="Write what was found into zhiyin.toml too.")] = False,
    force: Annotated[bool, typer.Option("--force", help="Write it even if it is no better.")] = False,
    output: FormatOption = Format.TEXT,
    quiet: QuietOption = False,
    project: ProjectOption = Path(),
) -> None:
    """Search parameters on half of validation, confirm them on the other half, write those that are better.

    A call that was stopped, or that ran out of time, is taken up again by the same command.
    """
    try:
        from zhiyin.tuning.run import check_names, line_of
        from zhiyin.tuning.run import tune as run
    except ModuleNotFoundError as missing:
        if (missing.name or "").split(".")[0] != "optuna":
            raise
        raise ConfigError("tuning needs the package optuna", fix="run 'make install' again, or install it") from missing
    from zhiyin.prepare import prepare

    progress = make_progress(quiet)
    names = check_names(model or ())
    with open_project(project) as opened, _stoppable():
        prepared = prepare(opened.store, opened.settings, progress)
        tuned = run(
            prepared,
            opened.settings,
            project,
            progress,
            models=names,
            protocol=protocol.value,
            seconds=seconds,
            trials=trials,
            out=out,
            apply=apply,
            force=force,
        )
    if output is Format.JSON:
        print_json(
            {
                "models": {one.name: one.to_dict() for one in tuned.outcomes},
                "written": tuned.written,
                "file": None if tuned.path is None else str(tuned.path),
                "applied": tuned.applied,
            }
        )
        return
    for one in tuned.outcomes:
        typer.echo(line_of(one))
    if tuned.path is None:
        typer.echo("Nothing is written: nothing found is better on people it was not chosen by (--force writes it)")
    elif tuned.applied:
        typer.echo(f"Wrote {tuned.path} and zhiyin.toml: {', '.join(tuned.written)}. Next: zhiyin train")
    else:
        typer.echo(f"Wrote {tuned.path}: {', '.join(tuned.written)}. Next: zhiyin tune --apply, then zhiyin train")


@contextmanager
def _stoppable() -> Iterator[None]:
    """Ctrl-C and SIGTERM end the work between two lines of the journal; the error says how to go on."""
    main = threading.current_thread() is threading.main_thread()

    def stop(*_: Any) -> None:
        raise KeyboardInterrupt

    earlier = signal.signal(signal.SIGTERM, stop) if main else None
    try:
        yield
    except KeyboardInterrupt as stopped:
        raise Interrupted(
            "stopped; the trials that were finished are kept", fix="run the same command again to go on"
        ) from stopped
    finally:
        if main:
            signal.signal(signal.SIGTERM, earlier)
