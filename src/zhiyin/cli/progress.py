"""Progress on the command line: bars on a terminal, plain lines elsewhere, nothing with --quiet."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from zhiyin.ports import Progress, Silent


class Lines:
    """Plain lines on stderr: one when a task starts and one when it ends."""

    @contextmanager
    def task(self, name: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        began = time.perf_counter()
        done = 0
        next_word = began + 10.0

        def advance(count: int) -> None:
            nonlocal done, next_word
            done += count
            if time.perf_counter() >= next_word:
                next_word = time.perf_counter() + 10.0
                self.say(f"{name} ... {done:,}{f' of {total:,}' if total else ''}")

        yield advance
        self.say(f"{name}: {time.perf_counter() - began:.1f} s")

    def say(self, line: str) -> None:
        print(line, file=sys.stderr, flush=True)


class Bars:
    """Bars of the rich library on stderr."""

    def __init__(self) -> None:
        from rich.console import Console

        self._console = Console(stderr=True)

    @contextmanager
    def task(self, name: str, total: int | None = None) -> Iterator[Callable[[int], None]]:
        from rich.progress import Progress as RichProgress

        with RichProgress(console=self._console, transient=False) as bars:
            bar = bars.add_task(name, total=total)

            def advance(count: int) -> None:
                bars.advance(bar, count)

            yield advance
            bars.update(bar, total=total or 1, completed=total or 1)

    def say(self, line: str) -> None:
        self._console.print(line, markup=False, highlight=False)


def make_progress(quiet: bool) -> Progress:
    """Progress for a command: ``quiet`` wins, then whether stderr is a terminal."""
    if quiet:
        return Silent()
    return Bars() if sys.stderr.isatty() else Lines()
