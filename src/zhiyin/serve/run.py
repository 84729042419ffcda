"""Start the service: granian's processes, each with the application of one project folder."""

from __future__ import annotations

import ipaddress
import os
from functools import partial
from pathlib import Path
from typing import Any

from zhiyin.config import ServeSettings, load_settings
from zhiyin.errors import UsageError
from zhiyin.store import open_store

LOOPBACK = ("localhost", "127.0.0.1", "::1")


def serve(project: Path, host: str, port: int, workers: int) -> None:
    """Answer until told to stop (SIGTERM, SIGINT). Raises UsageError where others could reach a service without keys,
    ConfigError and StoreError where the project is no use."""
    from granian import Granian
    from granian.constants import Interfaces, Loops

    settings = load_settings(project)
    store = open_store(settings.store.url, project)
    try:
        open_to_all = not store.keys.any()
    finally:
        store.close()
    if open_to_all and not _is_loopback(host):
        raise UsageError(
            f"no API key is configured, and {host} can be reached by others",
            where="--host",
            fix="make a key with 'zhiyin keys create', or serve 127.0.0.1",
        )
    server = Granian(
        f"{__name__}:application",
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        workers=workers,
        respawn_failed_workers=True,
        respawn_interval=0.5,
        workers_kill_timeout=max(1, round(settings.serve.shutdown_seconds)),
        log_enabled=False,
    )
    server.serve(target_loader=partial(application, project.resolve(), workers), wrap_loader=False)


def application(project: Path, workers: int, *_: Any) -> Any:
    """The application of one process."""
    # Products of matrices keep to one thread: the processes share the machine. Set before numpy is loaded.
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    from zhiyin.serve.app import make_app
    from zhiyin.serve.logs import set_up

    set_up(load_settings(project).serve.log_level)
    return make_app(project, workers)


def _is_loopback(host: str) -> bool:
    if host in LOOPBACK:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def address(settings: ServeSettings, host: str | None, port: int | None) -> tuple[str, int]:
    return host or settings.host, settings.port if port is None else port
