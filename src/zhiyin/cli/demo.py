"""``zhiyin demo``: the whole way on MovieLens-100K, from a fetched data set to lists with reasons."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zhiyin.cli.common import QuietOption, open_project
from zhiyin.cli.progress import make_progress
from zhiyin.config import FILE_NAME
from zhiyin.errors import UsageError

if TYPE_CHECKING:
    from zhiyin.recommend import Engine

ASSET = "movielens-100k"
SEARCH_SECONDS = 100.0
ITEMS = 1682
"""Items of that data set."""
NEWCOMER = "somebody new"
REQUEST = "我喜欢看科幻电影，最近看了《星际穿越》和《流浪地球》"
"""A request whose titles are not in that data set: "I like science fiction, and have just seen Interstellar and The
Wandering Earth"."""


def demo(
    folder: Annotated[Path, typer.Option("--project", metavar="DIR", help="Project folder to make or reuse.")] = Path(
        "demo"
    ),
    quiet: QuietOption = False,
) -> None:
    """Fetch MovieLens-100K, import, train, evaluate, recommend, explain, ask in words."""
    from zhiyin import assets
    from zhiyin.cli.explain import show as show_explanation
    from zhiyin.cli.init import init
    from zhiyin.cli.lists import show_list
    from zhiyin.cli.profile import page
    from zhiyin.evaluate.run import evaluate
    from zhiyin.evaluate.table import as_text
    from zhiyin.ingest import ingest
    from zhiyin.recommend import Engine
    from zhiyin.train import train

    progress = make_progress(quiet)
    data = assets.get(ASSET, progress)
    if not (folder / FILE_NAME).exists():
        init(folder)
    with open_project(folder) as project:
        if project.store.counts()["items"] not in (0, ITEMS):
            raise UsageError(f"{folder} holds other data", fix="choose another folder with --project")
        heading("Import")
        report = ingest(
            project.store,
            project.settings,
            folder,
            events=[data / "ml-100k.inter"],
            items=[data / "ml-100k.item"],
            users=[data / "ml-100k.user"],
            columns={},
            progress=progress,
        )
        for line in report.lines():
            typer.echo(line)
        heading("Train")
        # A short search, that leaves out what takes minutes: the transformer, where torch is installed.
        brief = project.settings.train.model_copy(update={"search_seconds": SEARCH_SECONDS})
        settings = project.settings.model_copy(update={"train": brief})
        trained = train(project.store, settings, folder, progress)
        typer.echo(trained.prepared.cleaning.line())
        typer.echo(f"Served: {trained.choice.served}, the best of {len(trained.choice.scores)} on validation")
        heading("Evaluate")
        result = evaluate(trained.prepared, settings, folder, progress)
        typer.echo(as_text(result.models, result.protocol))
    with Engine.open(folder) as engine:
        heading("Recommend")
        user = typical_user(engine)
        answer = engine.recommend(user)
        show_list(answer)
        typer.echo("")
        show_list(engine.recommend(NEWCOMER, 5))
        heading("Explain")
        show_explanation(engine.explain(user, answer.items[0].item_id))
        heading("Profile")
        typer.echo(page(engine.profile(user)))
        heading(f"Ask in words: {REQUEST}")
        show_list(engine.recommend(None, 5, query=REQUEST))
    heading("Next")
    for words in (
        f'zhiyin recommend {user} --query "funny films from the 90s, no musicals" --project {folder}',
        f'zhiyin profile {user} --edit "less horror, more slow science fiction" --project {folder}',
        f"zhiyin report --project {folder}",
        "zhiyin --help",
    ):
        typer.echo(f"  {words}")


def heading(words: str) -> None:
    typer.secho(f"\n== {words}", bold=True)


def typical_user(engine: Engine) -> str:
    """The person whose number of events is the median (the first of them by id)."""
    counts = engine.store.events().group_by("user_id").len().sort("len", "user_id")
    return str(counts["user_id"][len(counts) // 2])
