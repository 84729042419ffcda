"""Zhiyin (知音): a personalised recommender that a team hosts itself.

from zhiyin import Engine
Engine.open("my-project").recommend("user id", 10)
"""

from __future__ import annotations

from importlib import import_module
from importlib.metadata import version
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zhiyin.config import Settings
    from zhiyin.errors import ZhiyinError
    from zhiyin.recommend import Engine
    from zhiyin.store import open_store

__version__ = version("zhiyin")

__all__ = ["Engine", "Settings", "ZhiyinError", "__version__", "open_store"]

_HOMES = {
    "Engine": "zhiyin.recommend",
    "Settings": "zhiyin.config",
    "ZhiyinError": "zhiyin.errors",
    "open_store": "zhiyin.store",
}


def __getattr__(name: str) -> Any:
    """Names load their modules when they are first used, so that ``import zhiyin`` stays quick."""
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    raise AttributeError(f"module 'zhiyin' has no attribute '{name}'")
