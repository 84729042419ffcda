"""What a piece of work costs: seconds by the clock, and how far it raised this process's memory.

Needs nothing but the standard library, so that the processes of the peers measure in the same way as Zhiyin's own.
"""

from __future__ import annotations

import ctypes
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import isnan
from pathlib import Path

STATUS = Path("/proc/self/status")
FORGET = Path("/proc/self/clear_refs")


@dataclass
class Cost:
    """``seconds`` of the work; ``mib`` is the peak of resident memory in it above what the process held before, with
    its libraries and data loaded, and ``kept`` what it still held more at the end. NaN until the work is done; memory
    is NaN where the system does not tell."""

    seconds: float = float("nan")
    mib: float = float("nan")
    kept: float = float("nan")


@contextmanager
def watched() -> Iterator[Cost]:
    """Measure what is done inside. What the allocator keeps from earlier work goes back to the system first: a model
    that uses it again would seem to need nothing."""
    cost = Cost()
    before = _start()
    began = time.perf_counter()
    yield cost
    cost.seconds = time.perf_counter() - began
    cost.mib, cost.kept = _above(before, "VmHWM"), _above(before, "VmRSS")


def _above(before: float, name: str) -> float:
    more = _held(name) - before
    return more if isnan(more) else max(0.0, more)


def _start() -> float:
    """Forget the peak of the past; MiB held now, NaN where the peak cannot be set back."""
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (AttributeError, OSError):
        pass  # another libc; big arrays go back to the system all the same
    else:
        trim(0)
    try:
        FORGET.write_text("5")
    except OSError:
        return float("nan")
    return _held("VmRSS")


def _held(name: str) -> float:
    """MiB in the line ``name`` of the process's status; NaN where there is none."""
    try:
        lines = STATUS.read_text().splitlines()
    except OSError:
        return float("nan")
    found = [line for line in lines if line.startswith(f"{name}:")]
    return int(found[0].split()[1]) / 1024 if found else float("nan")
