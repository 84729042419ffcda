"""The stages of a list by name, for whoever watches: ``with stage("candidates"): ...``."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

Observer = Callable[[str], AbstractContextManager[object]]

_NOTHING = nullcontext()
_observer: Observer | None = None


def observe(observer: Observer | None) -> None:
    """Have every stage in this process go through ``observer``; None: nobody watches."""
    global _observer
    _observer = observer


def stage(name: str) -> AbstractContextManager[object]:
    return _NOTHING if _observer is None else _observer(name)
