"""What every command shares: options, the open project, the end of a failed run."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn

import typer

from zhiyin.config import Settings, load_settings
from zhiyin.errors import ZhiyinError

if TYPE_CHECKING:
    from zhiyin.store.sql import SqlStore

ProjectOption = Annotated[
    Path,
    typer.Option("--project", metavar="DIR", help="Project folder holding zhiyin.toml.", show_default="this folder"),
]


class Format(StrEnum):
    TEXT = "text"
    JSON = "json"


FormatOption = Annotated[Format, typer.Option("--format", help="Text for people, JSON for programs.")]
QuietOption = Annotated[bool, typer.Option("--quiet", help="Show no progress.")]


def with_search(settings: Settings, search: bool) -> Settings:
    """``settings``, without the search where a flag says so."""
    if search:
        return settings
    return settings.model_copy(update={"train": settings.train.model_copy(update={"search": False})})


def print_json(value: Any) -> None:
    """One JSON document on stdout, readable by people too."""
    typer.echo(json.dumps(value, ensure_ascii=False, indent=2))


def note_default(project: Path, surface: str) -> None:
    """Say it on stderr where no pipeline is called ``surface``. That is no mistake where lists are told apart by the
    place they are shown in, and one where a name is misspelt."""
    from zhiyin.pipeline import surfaces

    known = surfaces(project)
    if surface not in known:
        typer.echo(f"No pipeline '{surface}': the default re-ranks. There are {', '.join(known)}.", err=True)


def fail(error: ZhiyinError) -> NoReturn:
    """Print the error on one line and leave with its exit code."""
    print(f"zhiyin: {error.line}", file=sys.stderr)
    sys.exit(error.exit_code)


@dataclass(frozen=True)
class Project:
    """An open project folder."""

    folder: Path
    settings: Settings
    store: SqlStore


@contextmanager
def open_project(folder: Path) -> Iterator[Project]:
    """Settings and store of ``folder``. Raises ConfigError where it is no project."""
    from zhiyin.store import open_store

    settings = load_settings(folder)
    store = open_store(settings.store.url, folder)
    try:
        yield Project(folder, settings, store)
    finally:
        store.close()
