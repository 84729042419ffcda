"""A real service in processes of its own, for tests and benchmarks."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Self

import httpx

COMMAND = "from zhiyin.cli import main; main()"


def free_port() -> int:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return int(listening.getsockname()[1])


class Service:
    """``zhiyin serve`` over the project folder ``project``, from ``with`` to its end. ``environment`` is set on top of
    ours. What it says goes to ``log``."""

    def __init__(
        self,
        project: Path,
        *,
        workers: int = 1,
        environment: Mapping[str, str] | None = None,
        port: int | None = None,
        seconds: float = 60.0,
    ) -> None:
        self.project, self.port, self._workers, self._seconds = project, port or free_port(), workers, seconds
        self.url = f"http://127.0.0.1:{self.port}"
        self._environment = {**os.environ, **(environment or {})}
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115  # closed at the end of ``with``
        self._process: subprocess.Popen[str] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.kill()
            self._log.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        try:
            self.stop()
        finally:
            self._log.close()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        self._log.seek(0)
        return self._log.read()

    def start(self) -> float:
        """Start it, and wait until it is ready; the seconds that took. Raises AssertionError where it ends first, or
        does not come up in time."""
        began = time.monotonic()
        words = ["serve", "--project", str(self.project), "--port", str(self.port), "--workers", str(self._workers)]
        self._process = subprocess.Popen(
            [sys.executable, "-c", COMMAND, *words],
            env=self._environment,
            stdout=self._log,
            stderr=self._log,
            text=True,
            start_new_session=True,
        )
        while time.monotonic() - began < self._seconds:
            assert self._process.poll() is None, f"the service ended: {self.log[-2000:]}"
            try:
                if httpx.get(f"{self.url}/api/health/ready", timeout=2).status_code == 200:
                    return time.monotonic() - began
            except httpx.TransportError:
                pass
            time.sleep(0.02)
        raise AssertionError(f"the service is not ready after {self._seconds:g} s: {self.log[-2000:]}")

    def kill(self) -> None:
        """kill -9, all its processes at once."""
        if self._process is not None and self._process.poll() is None:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()

    def stop(self, seconds: float = 30.0) -> int:
        """Tell it to stop, as an operator does; its exit code."""
        assert self._process is not None
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(seconds)
            except subprocess.TimeoutExpired:
                self.kill()
                raise
        return int(self._process.returncode)
