"""Language models: one port, several adapters, and everything that a call needs round it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from zhiyin.llm.opening import client_of, open_models

if TYPE_CHECKING:
    from zhiyin.llm.client import Client

__all__ = ["Client", "client_of", "open_models"]


def __getattr__(name: str) -> Any:
    """The client is loaded when it is first used: who has no model needs none of it."""
    if name == "Client":
        from zhiyin.llm.client import Client

        return Client
    raise AttributeError(f"module 'zhiyin.llm' has no attribute '{name}'")
