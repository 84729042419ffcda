"""Start the service: granian's processes, each with the application of one project folder."""

from __future__ import annotations

import ipaddress
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

from zhiyin.config import ServeSettings, load_settings
from zhiyin.errors import UsageError
from zhiyin.store import open_store

LOOPBACK = ("localhost", "127.0.0.1", "::1")
SET_DEATH_SIGNAL = 1
"""PR_SET_PDEATHSIG of prctl(2)."""
THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS")


def serve(project: Path, host: str, port: int, workers: int, say: Callable[[str], None] = print) -> None:
    """Answer until told to stop (SIGTERM, SIGINT). ``port`` 0 takes a free one. ``say`` is told where it answers.

    Raises UsageError where others could reach a service without keys, or the port is taken; ConfigError and StoreError
    where the project is no use."""
    settings = load_settings(project)
    store = open_store(settings.store.url, project)
    try:
        keyless = not store.keys.any()
    finally:
        store.close()
    if keyless and not is_loopback(host):
        raise UsageError(
            f"no API key is configured, and {host} can be reached by others",
            where="--host",
            fix="make a key with 'zhiyin keys create', or serve 127.0.0.1",
        )
    port = _free(host, port)
    with tempfile.TemporaryDirectory(prefix="zhiyin-metrics-") as folder:
        # The processes count into files of one folder; products of matrices keep to one thread, for the processes share
        # the machine. Both are read when the libraries are loaded, which is done once, before there are processes.
        os.environ["PROMETHEUS_MULTIPROC_DIR"] = folder
        for name in THREADS:
            os.environ.setdefault(name, "1")
        import zhiyin.serve.app  # noqa: F401

        who = "; no API key is configured, so it answers this machine alone" if keyless else ""
        say(f"Zhiyin answers at http://{_shown(host)}:{port} ({workers} processes), see /docs{who}")
        _granian(project.resolve(), host, port, workers, settings.serve.shutdown_seconds)


def _granian(project: Path, host: str, port: int, workers: int, shutdown: float) -> None:
    from granian import Granian
    from granian.constants import Interfaces, Loops

    server = Granian(
        f"{__name__}:application",
        address=host,
        port=port,
        interface=Interfaces.ASGI,
        loop=Loops.uvloop,
        workers=workers,
        respawn_failed_workers=True,
        respawn_interval=0.5,
        workers_kill_timeout=max(1, round(shutdown)),
        log_enabled=False,
    )
    server.serve(target_loader=partial(application, project, workers), wrap_loader=False)


def application(project: Path, workers: int, *_: Any) -> Any:
    """The application of one process. It ends with the one that started it: left alone it would hold the port."""
    _end_with_parent()
    from zhiyin.serve.app import make_app
    from zhiyin.serve.logs import set_up

    set_up(load_settings(project).serve.log_level)
    return make_app(project, workers)


def _end_with_parent() -> None:
    """SIGTERM when the parent is gone (Linux; elsewhere there is no such thing)."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(SET_DEATH_SIGNAL, signal.SIGTERM)
        if os.getppid() == 1:  # it went away before this was asked for
            os.kill(os.getpid(), signal.SIGTERM)


def _free(host: str, port: int) -> int:
    """``port``, or a free one for 0. Raises UsageError where it cannot be had."""
    try:
        with socket.create_server((host, port), family=_family(host)) as listening:
            return int(listening.getsockname()[1])
    except OSError as refused:
        what = f"cannot listen on {host}, port {port}: {refused.strerror or refused}"
        raise UsageError(what, fix="stop what listens there, or choose another with --host and --port") from refused


def _family(host: str) -> socket.AddressFamily:
    return socket.AF_INET6 if ":" in host else socket.AF_INET


def _shown(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def is_loopback(host: str) -> bool:
    if host in LOOPBACK:
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def address(settings: ServeSettings, host: str | None, port: int | None) -> tuple[str, int]:
    return host or settings.host, settings.port if port is None else port
