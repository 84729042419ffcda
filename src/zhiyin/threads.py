"""How many processors products of matrices may use."""

from __future__ import annotations

import functools
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any, ParamSpec, TypeVar

from threadpoolctl import ThreadpoolController

P = ParamSpec("P")
R = TypeVar("R")


@functools.cache
def _controller() -> ThreadpoolController:
    return ThreadpoolController()


def one_thread() -> AbstractContextManager[Any]:
    """BLAS keeps to one thread: for small products, which a second does not speed up. Where the processors are busy,
    its threads wait for each other many times longer than they work."""
    found: AbstractContextManager[Any] = _controller().limit(limits=1, user_api="blas")
    return found


def single_threaded(function: Callable[P, R]) -> Callable[P, R]:
    """``function``, its products on one thread."""

    @functools.wraps(function)
    def limited(*given: P.args, **named: P.kwargs) -> R:
        with one_thread():
            return function(*given, **named)

    return limited
