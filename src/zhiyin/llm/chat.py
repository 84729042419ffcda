"""Chat completions: the form of the request that a server takes, JSON by schema, one round of repair."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, Field

from zhiyin.errors import LlmError, LlmNonsense
from zhiyin.llm.adapter import spent, tokens_of
from zhiyin.llm.kinds import bytes_of
from zhiyin.llm.remote import status_of
from zhiyin.llm.schema import fault, read_json
from zhiyin.ports import Prompt

MODES = ("json_schema", "json_object", "plain")
UNPROCESSABLE = (400, 415, 422, 501)
SHOWN = 300
"""Characters of an error that the repair round shows."""

ORDER = "Answer with JSON alone that satisfies this JSON schema: "
REPAIR = "That answer cannot be used: {fault}. "


class Message(BaseModel):
    content: str | None = None
    refusal: str | None = None


class Choice(BaseModel):
    message: Message
    finish_reason: str | None = None


class Usage(BaseModel):
    prompt_tokens: int = Field(0, ge=0)
    completion_tokens: int = Field(0, ge=0)


class Completion(BaseModel):
    """The part of a server's answer that is read."""

    choices: list[Choice] = Field(min_length=1)
    usage: Usage | None = None


@dataclass(frozen=True)
class Shape:
    """The form of the request. ``mode`` is an index in MODES. Servers differ in what they take; what one refuses is
    left out from then on."""

    mode: int = 0
    limit: str = "max_tokens"
    temperature: bool = True
    seed: bool = True
    told: bool = False
    """Whether the schema stands in the prompt too: some servers take ``response_format`` and do not heed it."""

    def request(self, prompt: Prompt, messages: list[dict[str, str]]) -> dict[str, Any]:
        whole: dict[str, Any] = {"messages": messages, self.limit: prompt.maximum_tokens}
        if self.temperature:
            whole["temperature"] = 0
        if self.seed:
            whole["seed"] = 0
        if prompt.schema is None:
            return whole
        if MODES[self.mode] == "json_schema":
            named = {"name": "answer", "schema": prompt.schema, "strict": is_strict(prompt.schema)}
            whole["response_format"] = {"type": "json_schema", "json_schema": named}
            if not self.told:
                return whole
        if MODES[self.mode] == "json_object":
            whole["response_format"] = {"type": "json_object"}
        order = {"role": "system", "content": ORDER + json.dumps(prompt.schema, ensure_ascii=False)}
        if messages[0]["role"] == "system":
            order["content"] = f"{messages[0]['content']}\n{order['content']}"
            messages = messages[1:]
        return whole | {"messages": [order, *messages]}

    def after(self, failure: Exception, schema: bool) -> Shape | None:
        """The form to try after a refusal; None where there is none left."""
        if status_of(failure) not in UNPROCESSABLE:
            return None
        said = str(getattr(getattr(failure, "response", None), "text", ""))
        if self.temperature and "temperature" in said:
            return dataclasses.replace(self, temperature=False)
        if self.limit == "max_tokens" and ("max_tokens" in said or "max_completion_tokens" in said):
            return dataclasses.replace(self, limit="max_completion_tokens")
        if self.seed and "seed" in said:
            return dataclasses.replace(self, seed=False)
        if schema and self.mode + 1 < len(MODES):
            return dataclasses.replace(self, mode=self.mode + 1)
        return None


@dataclass(frozen=True)
class Said:
    """What the model said, and the tokens of all rounds."""

    text: str
    data: Any
    read: int
    written: int


Messages = list[dict[str, str]]
Post = Callable[[Messages], Awaitable[bytes | LlmError]]
"""Sends messages and gives the body of the answer."""


async def ask(post: Post, prompt: Prompt, where: str, unheeded: Callable[[], None]) -> Said | LlmError:
    """The answer to ``prompt``; with a schema, JSON that satisfies it or LlmNonsense after one repair. ``unheeded`` is
    called where the first answer does not satisfy it."""
    messages = [{"role": "system", "content": prompt.system}] if prompt.system else []
    messages.append({"role": "user", "content": prompt.user})
    first = await _round(post, prompt, messages, where)
    if isinstance(first, LlmError) or prompt.schema is None:
        return first
    data, wrong = _judge(first.text, prompt.schema)
    if wrong is None:
        return dataclasses.replace(first, data=data)
    unheeded()
    order = ORDER + json.dumps(prompt.schema, ensure_ascii=False)
    messages += [
        {"role": "assistant", "content": first.text},
        {"role": "user", "content": REPAIR.format(fault=wrong[:SHOWN]) + order},
    ]
    second = await _round(post, prompt, messages, where)
    if isinstance(second, LlmError):
        read, written = tokens_of(second)
        return spent(second, first.read + read, first.written + written)
    read, written = first.read + second.read, first.written + second.written
    data, wrong = _judge(second.text, prompt.schema)
    if wrong is not None:
        return spent(_nonsense(f"{wrong}, after one repair", where), read, written)
    return Said(second.text, data, read, written)


async def _round(post: Post, prompt: Prompt, messages: Messages, where: str) -> Said | LlmError:
    body = await post(messages)
    if isinstance(body, LlmError):
        return body
    try:
        got = Completion.model_validate_json(body)
    except ValueError:
        return _nonsense("the server's answer is no chat completion", where)
    choice = got.choices[0]
    text = choice.message.content or ""
    usage = got.usage or Usage(
        prompt_tokens=bytes_of(*(message["content"] for message in messages)) // 3,
        completion_tokens=bytes_of(text) // 3,
    )
    wrong = None
    if choice.message.refusal or choice.finish_reason == "content_filter":
        wrong = "the model refuses to answer"
    elif choice.finish_reason == "length":
        wrong = f"the answer is cut off after {prompt.maximum_tokens} tokens"
    elif not text.strip():
        wrong = "the answer is empty"
    if wrong is not None:
        return spent(_nonsense(wrong, where), usage.prompt_tokens, usage.completion_tokens)
    return Said(text, None, usage.prompt_tokens, usage.completion_tokens)


def _judge(text: str, schema: dict[str, Any]) -> tuple[Any, str | None]:
    """The JSON in ``text`` and what is wrong with it."""
    try:
        data = read_json(text)
    except ValueError as none:
        return None, str(none)
    return data, fault(data, schema)


def _nonsense(what: str, where: str) -> LlmError:
    return LlmNonsense(what, where=where, fix="try a larger model, or leave the job out of [llm] jobs")


def is_strict(schema: Any) -> bool:
    """Whether every object in ``schema`` names all its fields as required and allows no others: what servers ask of a
    schema that they are to enforce to the letter."""
    if isinstance(schema, list):
        return all(map(is_strict, schema))
    if not isinstance(schema, dict):
        return True
    if schema.get("type") == "object" and (
        schema.get("additionalProperties") is not False
        or set(schema.get("required", ())) != set(schema.get("properties", ()))
    ):
        return False
    return all(map(is_strict, schema.values()))
