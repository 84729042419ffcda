"""A causal model and its tokenizer, loaded by transformers, and what the rest needs to know of them."""

from __future__ import annotations

import inspect
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
    from transformers import utils

    logging: Any = utils.logging
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

    @property
    def chats(self) -> bool:
        """Whether the model was taught to answer in turns."""
        return bool(getattr(self.tokenizer, "chat_template", None))

    @cached_property
    def _takes(self) -> frozenset[str]:
        return frozenset(inspect.signature(self.model.forward).parameters)

    def forward(self, **given: Any) -> Any:
        """Run the model; positions and what to keep are left out for families that take no such thing."""
        optional = {"position_ids", "logits_to_keep"} - self._takes
        return self.model(**{name: value for name, value in given.items() if name not in optional})

    @cached_property
    def _marks(self) -> list[str]:
        """Texts that the tokenizer reads as control tokens."""
        return sorted((mark for mark in self.tokenizer.all_special_tokens if len(mark) > 1), key=len, reverse=True)

    def harmless(self, text: str) -> str:
        """``text`` with a space inside whatever would be read as a control token: texts are data."""
        for mark in self._marks:
            text = text.replace(mark, f"{mark[:1]} {mark[1:]}")
        return text

    def prompt_ids(self, system: str, user: str) -> list[int]:
        """Tokens of a prompt: by the model's chat template, else as plain text. At least one."""
        system, user = self.harmless(system), self.harmless(user)
        if not self.chats:
            return self.text_ids("\n\n".join(part for part in (system, user) if part))
        turns = [{"role": "system", "content": system}] if system else []
        turns.append({"role": "user", "content": user})
        try:
            text = self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        except Exception:  # templates raise their own: some know no system turn
            turns = [{"role": "user", "content": f"{system}\n\n{user}"}]
            text = self.tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True)
        ids: list[int] = self.tokenizer(text, add_special_tokens=False)["input_ids"]
        return ids or [self.start]

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
            model: Any = AutoModelForCausalLM.from_pretrained(
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
