"""A small language model in this process: transformers on the processor, files as safetensors or GGUF."""

from __future__ import annotations

from typing import TYPE_CHECKING

from zhiyin.config import LlmSettings
from zhiyin.llm.embedded.files import identify
from zhiyin.ports import Progress

if TYPE_CHECKING:
    from zhiyin.llm.embedded.model import EmbeddedModel

__all__ = ["identify", "load"]


def load(settings: LlmSettings, progress: Progress | None = None) -> EmbeddedModel:
    """The model that ``settings`` name, ready to be asked. Raises LlmOff."""
    from zhiyin.llm.embedded.model import EmbeddedModel

    return EmbeddedModel(settings, progress)
