"""The encoder of Devlin et al. 2019, "BERT", arXiv:1810.04805, in numpy: layers normalised after each of their parts.

Every array is [b, ...], so that numpy takes one product per text, and the last bits of what comes out do not depend on
how many texts there are.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from zhiyin.types import Floats

PRODUCTS = ("q", "k", "v", "ao", "fi", "fo")
"""Parts of a layer with a weight that is multiplied by: queries, keys, values, attention out, dense in and out."""
NORMALS = ("aln", "oln")
"""Parts that normalise: after the attention, and after the dense ones."""


def layer(
    x: Floats, w: Mapping[str, Floats], at: str, heads: int, epsilon: np.float32, bend: Callable[[Floats], Floats]
) -> Floats:
    """One layer over ``x`` [b, tokens, d]: everything attends to everything, then a dense part that goes through
    ``bend``. ``w`` names weights "{at}.q.w" [in, out] and biases "{at}.q.b" of ``PRODUCTS`` and ``NORMALS``."""
    texts, length, wide = x.shape
    width = wide // heads
    queries, keys, values = (
        dense(x, w, f"{at}.{part}").reshape(texts, length, heads, width).transpose(0, 2, 1, 3) for part in "qkv"
    )
    scores = queries @ keys.transpose(0, 1, 3, 2) * np.float32(width**-0.5)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    weights /= weights.sum(axis=-1, keepdims=True)
    seen = (weights @ values).transpose(0, 2, 1, 3).reshape(texts, length, wide)
    x = normalise(x + dense(seen, w, f"{at}.ao"), w, f"{at}.aln", epsilon)
    return normalise(x + dense(bend(dense(x, w, f"{at}.fi")), w, f"{at}.fo"), w, f"{at}.oln", epsilon)


def dense(x: Floats, w: Mapping[str, Floats], at: str) -> Floats:
    product: Floats = x @ w[f"{at}.w"]
    product += w[f"{at}.b"]
    return product


def normalise(x: Floats, w: Mapping[str, Floats], at: str, epsilon: np.float32) -> Floats:
    """Layer normalisation over the last axis."""
    centred = x - x.mean(axis=-1, keepdims=True)
    variance = np.square(centred).mean(axis=-1, keepdims=True)
    normal: Floats = centred / np.sqrt(variance + epsilon) * w[f"{at}.w"] + w[f"{at}.b"]
    return normal


def gelu(x: Floats) -> Floats:
    """x times the chance that a standard normal variable is below x (Hendrycks and Gimpel 2016); ``x`` is used up."""
    from scipy.special import erf

    x *= np.float32(0.5) * (1 + erf(x * np.float32(2**-0.5)))
    return x


def quick_gelu(x: Floats) -> Floats:
    """The same with a logistic curve, x / (1 + exp(-1.702 x)), a tenth of the work; ``x`` is used up."""
    fallen = x * np.float32(-1.702)
    np.exp(np.minimum(fallen, 80, out=fallen), out=fallen)
    fallen += 1
    x /= fallen
    return x


def is_product(name: str) -> bool:
    """Whether ``name``, such as "l0.q.w", is of a weight that is multiplied by."""
    return name.endswith(tuple(f".{part}.w" for part in PRODUCTS))


def tokenizer_of(pieces: Sequence[tuple[str, float]], unknown: int) -> Any:
    """Word pieces with their log-probabilities, as XLM-RoBERTa takes a text apart; ``unknown`` is the place of that."""
    from tokenizers import Tokenizer, models, pre_tokenizers

    made = Tokenizer(models.Unigram(list(pieces), unk_id=unknown, byte_fallback=False))
    made.pre_tokenizer = pre_tokenizers.Metaspace(replacement="▁", prepend_scheme="always")
    return made
