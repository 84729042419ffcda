"""Language models: one port, several adapters, and everything that a call needs round it."""

from zhiyin.llm.client import Client
from zhiyin.llm.opening import client_of, open_models

__all__ = ["Client", "client_of", "open_models"]
