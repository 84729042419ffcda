"""Greedy answers of several prompts at once, within a JSON schema where one is given.

The grammar (llguidance) says before each token which ones may follow; the likeliest of those is taken. Tokens that it
leaves no choice about, as the names of a schema's fields, are not asked for but read along with the next ones.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from zhiyin.errors import LlmError, LlmNonsense, LlmRefused
from zhiyin.llm.embedded.loading import Loaded
from zhiyin.llm.embedded.prefixes import Prefixes, cache_of
from zhiyin.llm.embedded.tree import common
from zhiyin.ports import Prompt

ROWS = 8
"""Prompts answered side by side."""
TOKENS = 4096
"""Tokens of prompts side by side, padding counted."""

Check = Callable[[int], None]


@dataclass
class Row:
    """One prompt on its way: ``ids`` are its tokens, ``out`` those of the answer so far, ``unread`` those that the
    model has not read yet."""

    place: int
    prompt: Prompt
    ids: list[int]
    matcher: Any = None
    out: list[int] = field(default_factory=list)
    unread: list[int] = field(default_factory=list)
    done: bool = False
    given: bool = False
    """Whether its answer was given out."""

    @property
    def full(self) -> bool:
        return len(self.out) >= self.prompt.maximum_tokens


class Decoder:
    def __init__(self, loaded: Loaded, prefixes: Prefixes, keeps_state: bool) -> None:
        self._loaded = loaded
        self._prefixes = prefixes
        self._keeps_state = keeps_state

    def row(self, place: int, prompt: Prompt) -> Row:
        """The prompt as tokens, with its grammar. Raises LlmRefused."""
        row = Row(place, prompt, self._loaded.prompt_ids(prompt.system, prompt.user))
        if len(row.ids) + prompt.maximum_tokens > self._loaded.maximum:
            raise LlmRefused(
                f"{len(row.ids)} tokens and {prompt.maximum_tokens} to come: the model reads {self._loaded.maximum}",
                where=prompt.name,
                fix="shorten the prompt",
            )
        if prompt.schema is not None:
            row.matcher = self._matcher(prompt.name, prompt.schema)
            self._force(row)
        return row

    def batches(self, rows: Sequence[Row]) -> Iterator[list[Row]]:
        """Rows of like length together. Padding would shift what a sliding layer sees: such models take one a time."""
        left = sorted(rows, key=lambda row: len(row.ids))
        most = 1 if self._loaded.window else ROWS
        while left:
            size = max(1, min(most, TOKENS // len(left[-1].ids)))
            yield left[-size:]
            del left[-size:]

    def run(self, rows: list[Row], check: Check) -> Iterator[Row]:
        """Answer ``rows``; give each when it is done. ``check`` is called with the number of tokens before each run of
        the model, and may raise."""
        import torch

        header = self._shared(rows)
        state, _ = self._prefixes.state(rows[0].ids[:header], check)
        cache = cache_of(state, len(rows)) if self._keeps_state else None
        mask = torch.ones((len(rows), header), dtype=torch.long)
        tokens = torch.zeros((len(rows), 0), dtype=torch.long)
        for row in rows:
            row.unread = row.ids[header:] + row.unread
        yield from (row for row in rows if row.done)  # the grammar left no choice at all
        while not all(row.done for row in rows):
            width = max(1, max(len(row.unread) for row in rows))
            block, seen = (torch.zeros((len(rows), width), dtype=torch.long) for _ in range(2))
            for at, row in enumerate(rows):
                if row.unread:
                    block[at, -len(row.unread) :] = torch.tensor(row.unread)
                    seen[at, -len(row.unread) :] = 1
                row.unread = []
            mask = torch.cat([mask, seen], dim=1)
            tokens = torch.cat([tokens, block], dim=1)
            check(len(rows) * width if width > 1 else 0)
            logits = self._read(block if cache is not None else tokens, mask, cache)
            for at, row in enumerate(rows):
                if not row.done:
                    self._next(row, logits[at])
                    if row.done:
                        yield row

    def finish(self, row: Row) -> tuple[str, Any] | LlmError:
        """The answer's text and, with a schema, its data."""
        text: str = self._loaded.tokenizer.decode(row.out, skip_special_tokens=True)
        if row.prompt.schema is None:
            return text.strip(), None
        if not row.matcher.is_accepting() and not row.matcher.is_stopped():
            return LlmNonsense(
                f"the answer is cut off at {row.prompt.maximum_tokens} tokens",
                where=row.prompt.name,
                fix="allow more tokens, or bound the lengths in the schema",
            )
        try:
            return text, json.loads(text)
        except ValueError as broken:
            return LlmNonsense(f"the answer is no JSON: {broken}", where=row.prompt.name)

    def _shared(self, rows: list[Row]) -> int:
        """Tokens that all prompts begin with, short of the last one of any."""
        if not self._keeps_state:
            return 0
        return min(len(rows[0].ids) - 1, *(min(common(rows[0].ids, row.ids), len(row.ids) - 1) for row in rows))

    def _read(self, block: Any, mask: Any, cache: Any) -> Any:
        """Logits of the last token of each row, float32 [rows, vocabulary]."""
        import torch

        width = block.shape[1]
        positions = (mask.cumsum(-1) - 1).clamp(min=0)[:, -width:]
        more = {"cache": cache, "use_cache": True} if cache is not None else {"use_cache": False}
        with torch.inference_mode():
            logits = self._loaded.forward(
                input_ids=block, attention_mask=mask, position_ids=positions, logits_to_keep=1, **more
            ).logits[:, -1]
        return logits.float()

    def _next(self, row: Row, logits: Any) -> None:
        """Take the likeliest token that may follow."""
        if row.matcher is not None:
            logits = logits.masked_fill(~self._allowed(row.matcher), float("-inf"))
        token = int(logits.argmax())
        if token in self._loaded.stops:
            row.done = True
            return
        row.out.append(token)
        row.unread.append(token)
        if row.matcher is not None:
            row.matcher.consume_token(token)
            self._force(row)
        row.done = row.done or row.full or self._ended(row)

    def _allowed(self, matcher: Any) -> Any:
        """Tokens that may follow: bool [vocabulary]. (The library's own routine for torch compiles itself first.)"""
        import llguidance.numpy as guide
        import torch

        words = guide.allocate_token_bitmask(1, self._loaded.vocabulary)
        guide.fill_next_token_bitmask(matcher, words)
        bits = np.unpackbits(words[0].view(np.uint8), count=self._loaded.vocabulary, bitorder="little")
        return torch.from_numpy(bits).bool()

    def _force(self, row: Row) -> None:
        """Take the tokens that the grammar leaves no choice about."""
        forced = [] if row.matcher.is_stopped() else row.matcher.compute_ff_tokens()
        for token in forced:
            if row.full or token in self._loaded.stops:
                break
            row.matcher.consume_token(token)
            row.out.append(token)
            row.unread.append(token)
        row.done = row.matcher.is_stopped()

    def _ended(self, row: Row) -> bool:
        """A model that knows no end of an answer goes on with the next example: a blank line ends its answer."""
        if row.prompt.schema is not None or self._loaded.chats:
            return False
        text: str = self._loaded.tokenizer.decode(row.out, skip_special_tokens=True)
        return "\n\n" in text.lstrip("\n")

    @cached_property
    def _guide(self) -> Any:
        from llguidance.hf import from_tokenizer

        return from_tokenizer(
            self._loaded.tokenizer, n_vocab=self._loaded.vocabulary, eos_token=self._loaded.stops or None
        )

    def _matcher(self, name: str, schema: dict[str, Any]) -> Any:
        from llguidance import LLMatcher

        try:
            # Without free white space: a small model may go on with spaces for ever.
            grammar = LLMatcher.grammar_from_json_schema(schema, overrides={"whitespace_flexible": False})
            matcher = LLMatcher(self._guide, grammar)
            fault = matcher.get_error()
        except Exception as refused:  # the library raises bare exceptions of its own
            fault = str(refused)
        if fault:
            raise LlmRefused(f"the schema cannot be used: {fault}", where=name, fix="simplify the schema")
        return matcher
