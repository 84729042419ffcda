"""Likelihoods from a completions endpoint that repeats the prompt with its log-probabilities (vLLM does)."""

from __future__ import annotations

from typing import Any

import numpy as np
from pydantic import BaseModel, Field

from zhiyin.ports import Likelihoods, Options
from zhiyin.types import Tier


class _Logprobs(BaseModel):
    tokens: list[str]
    token_logprobs: list[float | None]


class _Choice(BaseModel):
    index: int
    logprobs: _Logprobs


class _Usage(BaseModel):
    prompt_tokens: int = Field(0, ge=0)


class _Completions(BaseModel):
    choices: list[_Choice]
    usage: _Usage | None = None


def completions_request(model: str, asked: Options) -> dict[str, Any]:
    """The prefix alone, then with each option. One token is written, as some servers insist, and not looked at."""
    prompts = [asked.prefix, *(asked.prefix + option for option in asked.options)]
    return {"model": model, "prompt": prompts, "max_tokens": 1, "echo": True, "logprobs": 1, "temperature": 0}


def read_likelihoods(body: bytes, asked: Options, tier: Tier, model_id: str) -> Likelihoods | str:
    """The likelihoods in a server's answer, or why they are not in it.

    An option's tokens are those after the longest beginning that its tokens share with the prefix's: where the last
    sign of the prefix melts with the option into one token, that token counts to the option.
    """
    try:
        got = _Completions.model_validate_json(body)
    except ValueError:
        return "the server does not give the likelihood of a prompt"
    choices = sorted(got.choices, key=lambda choice: choice.index)
    if len(choices) != len(asked.options) + 1:
        return f"{len(choices)} answers to {len(asked.options) + 1} prompts"
    lists = [(choice.logprobs.tokens[:-1], choice.logprobs.token_logprobs[:-1]) for choice in choices]
    prefix, logs, counts = lists[0][0], [], []
    for tokens, values in lists[1:]:
        start = 0
        while start < min(len(prefix), len(tokens)) and prefix[start] == tokens[start]:
            start += 1
        own = values[start:]
        if len(values) != len(tokens) or not own or any(value is None for value in own):
            return "the server does not give the likelihood of every token"
        logs.append(min(0.0, sum(value for value in own if value is not None)))
        counts.append(len(own))
    computed = got.usage.prompt_tokens if got.usage else sum(len(tokens) for tokens, _ in lists)
    return Likelihoods(
        np.array(logs, dtype=np.float32), np.array(counts, dtype=np.int32), tier, model_id, False, computed
    )
