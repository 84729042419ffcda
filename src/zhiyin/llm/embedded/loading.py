"""A causal model and its tokenizer, loaded by transformers, and what the rest needs to know of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from zhiyin.errors import LlmOff
from zhiyin.llm.embedded.convert import converted
from zhiyin.llm.embedded.files import ModelFiles
from zhiyin.ports import Progress


@contextmanager
def quiet() -> Iterator[None]:
    """transformers without its progress bars and warnings: what matters is raised."""
    from transformers.utils import logging

    level, bars = logging.get_verbosity(), logging.is_progress_bar_enabled()
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    try:
        yield
    finally:
        logging.set_verbosity(level)
        if bars:
            logging.enable_progress_bar()


@dataclass(frozen=True)
class Loaded:
    """``model`` in evaluation mode, ``tokenizer`` a fast one."""

    model: Any
    tokenizer: Any

    @cached_property
    def config(self) -> Any:
        return self.model.config.get_text_config(decoder=True)

    @property
    def vocabulary(self) -> int:
        return int(self.config.vocab_size)

    @property
    def maximum(self) -> int:
        """Longest text in tokens."""
        return int(getattr(self.config, "max_position_embeddings", None) or 1 << 30)

    @property
    def window(self) -> int | None:
        """How far back a sliding layer looks; None where every layer sees everything."""
        found = getattr(self.config, "sliding_window", None)
        return int(found) if found and getattr(self.config, "use_sliding_window", True) else None

    @property
    def layer_kinds(self) -> list[str]:
        """Kinds of attention layers that want masks of their own; empty where one mask serves all."""
        return sorted(set(getattr(self.config, "layer_types", None) or []))

    @cached_property
    def stops(self) -> list[int]:
        """Tokens that end an answer."""
        found: list[int] = []
        for source in (getattr(self.model, "generation_config", None), self.config, self.tokenizer):
            ends = getattr(source, "eos_token_id", None)
            found += ends if isinstance(ends, list) else [] if ends is None else [ends]
        return list(dict.fromkeys(found))

    @cached_property
    def start(self) -> int:
        """The token that stands before a text that has none: the beginning, else an end."""
        first = self.tokenizer.bos_token_id
        return int(first if first is not None else (self.stops or [0])[0])

    @cached_property
    def special_first(self) -> list[int]:
        """Special tokens that the tokenizer puts before a text."""
        ids: list[int] = self.tokenizer("a")["input_ids"]
        plain: list[int] = self.tokenizer("a", add_special_tokens=False)["input_ids"]
        return ids[: ids.index(plain[0])] if plain and plain[0] in ids else []

    def text_ids(self, text: str) -> list[int]:
        """Tokens of a text from its beginning: at least one."""
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return [*self.special_first, *ids] or [self.start]

    def continuation_ids(self, text: str) -> list[int]:
        """Tokens of ``text`` as it goes on after something else. Some tokenizers put a mark before every text; behind
        a line break they do not."""
        anchor: list[int] = self.tokenizer("\n", add_special_tokens=False)["input_ids"]
        joint: list[int] = self.tokenizer("\n" + text, add_special_tokens=False)["input_ids"]
        if anchor and joint[: len(anchor)] == anchor:
            return joint[len(anchor) :]
        # The text's own beginning merges with the line break: it begins with one, and no mark can be meant.
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids


def load(files: ModelFiles, dtype: str, progress: Progress) -> Loaded:
    """The model of ``files`` in ``dtype`` ("float32" or "bfloat16"). Raises LlmOff."""
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    folder = converted(files, progress) if files.gguf else files.path
    try:
        with quiet():
            model = AutoModelForCausalLM.from_pretrained(
                folder,
                dtype=getattr(torch, dtype),
                use_safetensors=True,
                trust_remote_code=False,
                local_files_only=True,
            )
            tokenizer = AutoTokenizer.from_pretrained(folder, trust_remote_code=False, local_files_only=True)
    except Exception as broken:  # transformers raises whatever its readers meet
        raise LlmOff(
            f"the model cannot be loaded: {broken}",
            where=str(folder),
            fix="name a causal language model that transformers loads without code of its own",
        ) from broken
    if not getattr(tokenizer, "is_fast", False):
        raise LlmOff("the model has no fast tokenizer", where=str(folder), fix="add its tokenizer.json")
    model.eval()
    return Loaded(model, tokenizer)
