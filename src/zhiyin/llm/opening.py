"""The language models that the settings ask for. Nothing is loaded here: the first call that needs a model loads it."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec
from typing import TYPE_CHECKING, cast

from zhiyin.config import LlmSettings
from zhiyin.errors import LlmOff
from zhiyin.llm.breaker import Breaker
from zhiyin.llm.embedded.files import PACKAGES
from zhiyin.llm.slot import Slot
from zhiyin.ports import LanguageModels, NoLanguageModels, Progress, Store
from zhiyin.types import Tier

if TYPE_CHECKING:
    from zhiyin.llm.adapter import Adapter
    from zhiyin.llm.client import Client
    from zhiyin.llm.log import CallLog, WithCalls


def open_models(
    settings: LlmSettings, store: Store, progress: Progress | None = None, *, patient: bool = True
) -> LanguageModels:
    """What ``settings`` ask for, answers kept in ``store``; ``progress`` shows the fetching of a model's files.

    ``patient`` lets the first call wait until a model of this process is loaded, without counting that: right for a
    command, wrong for a server, which loads its model before it serves and must never wait.

    Raises nothing: a model that cannot be had makes its calls LlmOff with the reason.
    """
    if settings.provider == "none":
        return NoLanguageModels()
    from zhiyin.llm.client import Client

    calls = cast("WithCalls", store).calls
    if settings.provider == "embedded":
        main = Slot(
            Tier.EMBEDDED, lambda: _identify(settings), lambda: _load(settings, progress), _breaker(settings), patient
        )
    else:
        from zhiyin.llm.openai import OpenAi, identify

        main = Slot(Tier.REMOTE, lambda: identify(settings), lambda: OpenAi(settings), _breaker(settings))
    return Client(settings, calls, main, _reranker(settings))


def client_of(adapter: Adapter, settings: LlmSettings, calls: CallLog, now: Callable[[], int] | None = None) -> Client:
    """A client round a model that is there already."""
    from zhiyin.llm.client import Client

    slot = Slot.of(adapter, _breaker(settings))
    return Client(settings, calls, slot, slot if "rerank" in adapter.abilities else None, now)


def _breaker(settings: LlmSettings) -> Breaker:
    return Breaker(settings.breaker_failures, settings.breaker_seconds)


def _reranker(settings: LlmSettings) -> Slot | None:
    if settings.rerank_url is None:
        return None
    from zhiyin.llm.reranker import Reranker, identify

    return Slot(Tier.REMOTE, lambda: identify(settings), lambda: Reranker(settings), _breaker(settings))


def missing_packages() -> list[str]:
    """Packages of a model in this process that are not installed."""
    return [name for name in PACKAGES if find_spec(name) is None]


def _identify(settings: LlmSettings) -> str:
    if missing := missing_packages():
        raise LlmOff(f"the package {missing[0]} is missing", where="[llm] provider", fix="make install-llm")
    from zhiyin.llm import embedded

    return embedded.identify(settings)


def _load(settings: LlmSettings, progress: Progress | None) -> Adapter:
    from zhiyin.llm import embedded

    return embedded.load(settings, progress)
