"""``zhiyin serve``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from zhiyin.cli.common import ProjectOption
from zhiyin.config import load_settings

HostOption = Annotated[str | None, typer.Option("--host", help="Address to listen on; [serve] host by default.")]
PortOption = Annotated[int | None, typer.Option("--port", min=0, max=65_535, help="Port; [serve] port by default.")]
WorkersOption = Annotated[int | None, typer.Option("--workers", min=1, max=256, help="Processes; [serve] workers.")]


def serve(
    host: HostOption = None, port: PortOption = None, workers: WorkersOption = None, project: ProjectOption = Path()
) -> None:
    """Answer over HTTP: /v1 (ours, see /docs) and /api (as Gorse does). Stops on SIGTERM or Ctrl-C."""
    from zhiyin.serve.run import address, serve

    settings = load_settings(project).serve
    at, number = address(settings, host, port)
    serve(project, at, number, workers or settings.workers, typer.echo)
