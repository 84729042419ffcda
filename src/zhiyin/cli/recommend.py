"""``zhiyin recommend``: one person's list, or everybody's to a file."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zhiyin.cli.common import Format, FormatOption, ProjectOption, QuietOption, note_default, print_json
from zhiyin.cli.progress import make_progress
from zhiyin.errors import UsageError
from zhiyin.types import DEFAULT_SURFACE

if TYPE_CHECKING:
    import polars as pl


def recommend(
    user: Annotated[str | None, typer.Argument(metavar="[USER]", help="Whom to recommend to; may be unknown.")] = None,
    query: Annotated[
        str | None,
        typer.Option(metavar="TEXT", help="What is asked for, in plain words, English or Chinese."),
    ] = None,
    k: Annotated[int, typer.Option("-k", min=1, max=10_000, help="Length of the list.")] = 10,
    exclude: Annotated[list[str] | None, typer.Option(help="An item that must not come out; may be repeated.")] = None,
    surface: Annotated[
        str, typer.Option(metavar="NAME", help="Where the list is shown: the pipeline that re-ranks it.")
    ] = DEFAULT_SURFACE,
    trace: Annotated[bool, typer.Option("--trace", help="Say what each stage of the pipeline moved, and why.")] = False,
    everyone: Annotated[bool, typer.Option("--all", help="Write the list of every stored user; needs --out.")] = False,
    out: Annotated[Path | None, typer.Option(metavar="F", help="File for --all: .csv, .jsonl or .parquet.")] = None,
    output: FormatOption = Format.TEXT,
    quiet: QuietOption = False,
    project: ProjectOption = Path(),
) -> None:
    """Recommend items to a person, with reasons."""
    from zhiyin.recommend import Engine

    if everyone == (user is not None or query is not None):
        fix = "zhiyin recommend USER, zhiyin recommend --query TEXT, or zhiyin recommend --all --out F"
        raise UsageError("give one USER, a --query, or --all", fix=fix)
    if everyone != (out is not None):
        raise UsageError("--all and --out go together", fix="zhiyin recommend --all --out lists.parquet")
    if out is not None:
        from zhiyin.cli.frames import check_name, write_frames

        if output is Format.JSON:
            raise UsageError("--format speaks of one person's list", fix="end the name of --out in .jsonl")
        check_name(out)
        engine = Engine.open(project)
        note_default(project, surface)
        with make_progress(quiet).task("Recommending", total=engine.store.counts()["users"]) as advance:
            lines = write_frames(out, counted(engine.recommend_all(k, exclude=exclude or (), surface=surface), advance))
        typer.echo(f"{lines:,} recommendations in {out}")
        return
    engine = Engine.open(project)
    answer = engine.recommend(user, k, query=query, exclude=exclude or (), surface=surface, trace=trace)
    note_default(project, surface)
    if output is Format.JSON:
        print_json(answer.to_dict())
    else:
        from zhiyin.cli.lists import show_list

        show_list(answer)


def counted(frames: Iterable[pl.DataFrame], advance: Callable[[int], None]) -> Iterator[pl.DataFrame]:
    for frame in frames:
        yield frame
        advance(frame["user_id"].n_unique())
