"""How many processors products of matrices may use."""

from __future__ import annotations

import functools
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import ParamSpec, TypeVar

from threadpoolctl import ThreadpoolController

P = ParamSpec("P")
R = TypeVar("R")


class _Limit:
    """Counts who is inside: the first sets the limit, and the last takes it away. By themselves two that overlap would
    leave the limit of the first behind for good."""

    def __init__(self) -> None:
        self._lock, self._inside, self._set = threading.Lock(), 0, ExitStack()

    @functools.cached_property
    def _controller(self) -> ThreadpoolController:
        return ThreadpoolController()

    @contextmanager
    def __call__(self) -> Iterator[None]:
        with self._lock:
            if self._inside == 0:
                self._set.enter_context(self._controller.limit(limits=1, user_api="blas"))
            self._inside += 1
        try:
            yield
        finally:
            with self._lock:
                self._inside -= 1
                if self._inside == 0:
                    self._set.close()


_limit = _Limit()


def one_thread() -> AbstractContextManager[None]:
    """BLAS keeps to one thread: for small products, which a second does not speed up. Where the processors are busy,
    its threads wait for each other many times longer than they work."""
    return _limit()


def single_threaded(function: Callable[P, R]) -> Callable[P, R]:
    """``function``, its products on one thread."""

    @functools.wraps(function)
    def limited(*given: P.args, **named: P.kwargs) -> R:
        with one_thread():
            return function(*given, **named)

    return limited
