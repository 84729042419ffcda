"""The network in torch, for learning. ``forward`` does the same in numpy, for asking."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from zhiyin.candidates.sequence.params import SequenceParams
from zhiyin.types import Floats

START = 0.02
"""Standard deviation of what has no better start."""
WIDER = 4
"""Width of the layer between, in each block, as a multiple of ``factors``."""


class Block(nn.Module):
    """Pre-norm: x + attention(norm(x)), then x + gelu network(norm(x)); an event sees itself and those before it."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.mix, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, WIDER * width), nn.Linear(WIDER * width, width)
        self.drop = nn.Dropout(dropout)

    def forward(self, x: Tensor) -> Tensor:
        people, steps, width = x.shape
        parts = self.mix(self.norm1(x)).view(people, steps, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        seen = functional.scaled_dot_product_attention(parts[0], parts[1], parts[2], is_causal=True)
        x = x + self.drop(self.out(seen.transpose(1, 2).reshape(people, steps, width)))
        changed: Tensor = self.drop(self.down(functional.gelu(self.up(self.norm2(x)))))
        return x + changed


class Network(nn.Module):
    """``items`` [n, factors] are both what a history is made of and what its state is compared with: by the cosine
    times exp(``sharpness``)."""

    def __init__(self, items: Floats, params: SequenceParams) -> None:
        super().__init__()
        width = params.factors
        self.items = nn.Parameter(torch.from_numpy(items).clone())
        self.places = nn.Parameter(torch.randn(params.length, width) * START)
        self.sharpness = nn.Parameter(torch.tensor([-math.log(params.temperature)]))
        self.blocks = nn.ModuleList(Block(width, params.heads, params.dropout) for _ in range(params.blocks))
        self.norm, self.drop = nn.LayerNorm(width), nn.Dropout(params.dropout)

    def forward(self, vectors: Tensor, lengths: Tensor) -> Tensor:
        """States after each event, [B, T, factors], exp(``sharpness``) long. ``vectors`` [B, T, factors] are those of
        the items, ``lengths`` [B] the events of each history.

        Places are counted from the end, 0 the latest. What lies behind a history's end means nothing.
        """
        ago = lengths[:, None] - 1 - torch.arange(vectors.shape[1])
        x = self.drop(vectors + functional.embedding(ago.clamp(min=0), self.places))
        for block in self.blocks:
            x = block(x)
        return direction(self.norm(x)) * self.sharpness.exp()


def direction(vectors: Tensor) -> Tensor:
    """Each vector with length 1."""
    return functional.normalize(vectors, dim=-1, eps=1e-12)
