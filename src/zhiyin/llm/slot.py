"""A model that is loaded by the first call that needs it, and the breaker that guards it."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from zhiyin.errors import LlmError, LlmOff, LlmTimeout, ZhiyinError
from zhiyin.llm.breaker import Breaker
from zhiyin.types import Tier

if TYPE_CHECKING:
    from zhiyin.llm.adapter import Adapter


class Slot:
    """``identify`` gives the model's id without loading it, ``load`` the model. What either raises is why there is no
    model, and is given with every call from then on.

    Loading goes on in a thread of its own. Where the slot is not ``patient``, a call whose deadline passes meanwhile
    ends without an answer, and a later one finds the model there; a patient one waits, and the time does not count.
    Shared by threads.
    """

    def __init__(
        self,
        tier: Tier,
        identify: Callable[[], str],
        load: Callable[[], Adapter],
        breaker: Breaker,
        patient: bool = False,
    ) -> None:
        self.tier = tier
        self.patient = patient
        self.breaker = breaker
        self.turn = threading.Lock()
        """Held by whoever asks a model of this process: it does one thing at a time."""
        self._identify = identify
        self._load = load
        self._lock = threading.Lock()
        self._loader: threading.Thread | None = None
        self._adapter: Adapter | None = None
        self._model_id: str | None = None
        self._off: LlmError | None = None

    @staticmethod
    def of(adapter: Adapter, breaker: Breaker) -> Slot:
        """A slot with a model that is there already."""
        return Slot(adapter.tier, lambda: adapter.model_id, lambda: adapter, breaker)

    @property
    def model_id(self) -> str | None:
        """None where there is no model; ``off`` says why."""
        with self._lock:
            if self._model_id is None and self._off is None:
                try:
                    self._model_id = self._identify()
                except Exception as failure:  # whatever the model's library raises, the work goes on without it
                    self._off = off(failure)
            return None if self._off else self._model_id

    @property
    def off(self) -> LlmError | None:
        """Why there is no model, as far as is known."""
        return self._off

    @property
    def loaded(self) -> bool:
        return self._adapter is not None

    def adapter(self, seconds: float | None = None) -> Adapter:
        """The model, loaded. Raises LlmOff where it cannot be had and LlmTimeout where that takes too long."""
        if self.model_id is None:
            assert self._off is not None
            raise self._off
        with self._lock:
            if self._adapter is None and self._off is None and self._loader is None:
                # No daemon: the end of the process waits for it, as libraries do not bear being cut off.
                self._loader = threading.Thread(target=self._run, name="zhiyin-llm-load")
                self._loader.start()
            loader = self._loader
        if loader is not None:
            loader.join(seconds)
        if self._adapter is not None:
            return self._adapter
        raise self._off or LlmTimeout("the model is still being loaded", where=self._model_id)

    def close(self) -> None:
        """Waits for a load that is under way."""
        if self._loader is not None:
            self._loader.join()
        if self._adapter is not None:
            self._adapter.close()

    def _run(self) -> None:
        started = time.monotonic()
        try:
            self._adapter = self._load()
        except Exception as failure:  # as above
            self._off = off(failure)
        self.seconds_to_load = time.monotonic() - started


def off(failure: Exception) -> LlmError:
    """Why a model cannot be had, as the error that calls give."""
    if isinstance(failure, LlmError):
        return failure
    if isinstance(failure, ZhiyinError):
        return LlmOff(failure.what, where=failure.where, fix=failure.fix)
    if isinstance(failure, ImportError):
        return LlmOff(f"a package is missing: {failure}", fix="make install-llm")
    return LlmOff(f"the model cannot be loaded: {type(failure).__name__}: {failure}", where="[llm] model")
