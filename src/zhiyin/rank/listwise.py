"""Orders that a model was asked for: shuffled before, checked after."""

from __future__ import annotations

import hashlib
from typing import Any

import numpy as np

from zhiyin.errors import LlmNonsense
from zhiyin.ports import Answer


def shuffles(n: int, times: int, key: str) -> list[list[int]]:
    """``times`` orders of 0..n-1, the same for the same ``key`` (a person's id) on every machine."""
    digest = hashlib.sha256(key.encode("utf-8", "surrogatepass")).digest()
    random = np.random.default_rng(int.from_bytes(digest[:8], "big"))
    return [random.permutation(n).tolist() for _ in range(times)]


def schema(n: int) -> dict[str, Any]:
    """JSON schema of an answer: every number from 1 to ``n``, best first."""
    numbers = {
        "type": "array",
        "items": {"type": "integer", "minimum": 1, "maximum": n},
        "minItems": n,
        "maxItems": n,
    }
    return {
        "type": "object",
        "properties": {"order": numbers},
        "required": ["order"],
        "additionalProperties": False,
    }


def order_in(answer: Answer, n: int) -> list[int]:
    """The order in an answer, as places 0..n-1, best first. Raises LlmNonsense where it is no permutation of 1..n: a
    schema cannot say that numbers differ."""
    numbers = answer.data.get("order") if isinstance(answer.data, dict) else None
    whole = [number for number in numbers if type(number) is int] if isinstance(numbers, list) else []
    if isinstance(numbers, list) and len(whole) == len(numbers) and sorted(whole) == list(range(1, n + 1)):
        return [number - 1 for number in whole]
    raise LlmNonsense(f"the answer is no order of the {n} candidates")
