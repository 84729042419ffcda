"""The command line: one module per command, registered here in the order a newcomer meets them."""

from __future__ import annotations

import typer

from zhiyin.cli.common import fail
from zhiyin.errors import ZhiyinError

app = typer.Typer(
    name="zhiyin",
    help="Zhiyin (知音): recommendations that a team hosts itself. Run inside a project folder, or with --project DIR.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)


def _register() -> None:
    from zhiyin.cli import (
        ads,
        assets,
        bundles,
        circles,
        demo,
        doctor,
        dump,
        evaluate,
        experiments,
        explain,
        import_,
        init,
        items,
        keys,
        moderate,
        pages,
        pipelines,
        profile,
        recommend,
        report,
        restore,
        serve,
        similar,
        simulate,
        tenants,
        topics,
        train,
        tune,
        write,
    )

    app.command("demo")(demo.demo)
    app.command("init")(init.init)
    app.command("import")(import_.import_)
    app.command("train")(train.train)
    app.command("evaluate")(evaluate.evaluate)
    app.command("tune")(tune.tune)
    app.command("recommend")(recommend.recommend)
    app.command("similar")(similar.similar)
    app.command("profile")(profile.profile)
    app.command("explain")(explain.explain)
    app.command("items")(items.items)
    app.command("report")(report.report)
    app.command("serve")(serve.serve)
    app.command("dump")(dump.dump)
    app.command("restore")(restore.restore)
    app.command("simulate")(simulate.simulate)
    app.command("doctor")(doctor.doctor)
    app.add_typer(pipelines.app, name="pipelines")
    app.add_typer(pages.app, name="pages")
    app.add_typer(experiments.app, name="experiments")
    app.add_typer(circles.app, name="circles")
    app.add_typer(topics.app, name="topics")
    app.add_typer(moderate.app, name="moderate")
    app.add_typer(write.app, name="write")
    app.add_typer(ads.app, name="ads")
    app.add_typer(bundles.app, name="bundles")
    app.add_typer(assets.app, name="assets")
    app.add_typer(keys.app, name="keys")
    app.add_typer(tenants.app, name="tenants")


_register()


def main(words: list[str] | None = None) -> None:
    """Entry point; ``words`` stand for the command line.

    A ZhiyinError becomes one line on stderr; exit code 1 = the work failed, 2 = wrong usage.
    """
    try:
        app(words)
    except ZhiyinError as error:
        fail(error)
