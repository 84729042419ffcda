"""Training of the network; needs torch (``make install-llm``)."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np

from zhiyin.ports import Progress
from zhiyin.scenarios.community.moderation.classifier.model import masked
from zhiyin.scenarios.community.moderation.classifier.network import FIRST, LONGEST, SHORTEST, UNKNOWN, WIDTHS, Network
from zhiyin.types import Longs

SIGNS, FILTERS = 64, 96
"""Width of a sign's vector, and filters of each width of window."""
SEEN = 5
"""A sign met in fewer texts than this is unknown."""
EPOCHS, BATCH, RATE = 7, 64, 2e-3
STEPS = 400
"""Few texts are read so much more often that there are this many steps."""
WARMING = 200
"""Steps in which the rate rises, an eighth of all at most."""
DROPPED_SIGNS, DROPPED_INPUT, DROPPED_OUTPUT = 0.15, 0.25, 0.5
HIDDEN_NAMES = 0.3
"""Share of the texts that are read, each time, without the names of groups."""
SMOOTHED = 0.05
"""Labels are this far from 0 and 1: some are wrong."""


def train_network(
    texts: Sequence[str],
    labels: Longs,
    names: re.Pattern[str] | None,
    seed: int,
    progress: Progress,
    epochs: int | None = None,
) -> Network:
    """``texts`` as the classifier reads them, ``labels`` 0 or 1. ``epochs`` None goes by how many texts there are."""
    import torch
    from torch import nn
    from torch.nn import functional

    torch.manual_seed(seed)
    counts = Counter(sign for text in texts for sign in set(text))
    alphabet = "".join(sorted(sign for sign, count in counts.items() if count >= SEEN))
    rows = {sign: row for row, sign in enumerate(alphabet, FIRST)}

    def read(text: str) -> list[int]:
        return [rows.get(sign, UNKNOWN) for sign in text[:LONGEST]]

    whole = [read(text) for text in texts]
    hidden = [read(masked(text, names)) for text in texts]

    signs = nn.Embedding(len(alphabet) + FIRST, SIGNS, padding_idx=0)
    nn.init.normal_(signs.weight, 0, 0.1)
    with torch.no_grad():
        signs.weight[0] = 0
    filters = nn.ModuleList([nn.Conv1d(SIGNS, FILTERS, width, padding=width // 2) for width in WIDTHS])
    out = nn.Linear(FILTERS * len(WIDTHS) + SIGNS, 1)
    weights = [*signs.parameters(), *filters.parameters(), *out.parameters()]

    def forward(ids: torch.Tensor) -> torch.Tensor:
        there = (ids > 0).unsqueeze(-1).float()
        x = signs(ids) * (torch.rand(ids.shape) > DROPPED_SIGNS).unsqueeze(-1)
        x = functional.dropout(x, DROPPED_INPUT)
        mean = (x * there).sum(1) / there.sum(1).clamp(min=1)
        read = []
        for one in filters:
            found = functional.relu(one(x.transpose(1, 2)))[:, :, : ids.shape[1]]
            read.append(found.masked_fill((ids == 0).unsqueeze(1), 0).amax(2))
        said: torch.Tensor = out(functional.dropout(torch.cat([*read, mean], 1), DROPPED_OUTPUT))
        return said.squeeze(1)

    optimiser = torch.optim.AdamW(weights, lr=RATE, weight_decay=1e-2)
    each = max(1, -(-len(texts) // BATCH))
    epochs = max(EPOCHS, -(-STEPS // each)) if epochs is None else epochs
    steps = max(1, epochs * each)
    warming = max(1, min(WARMING, steps // 8))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min(1.0, (step + 1) / warming) * max(0.02, 1 - step / steps)
    )
    random = np.random.default_rng(seed)
    with progress.task("network", steps) as done:
        for _ in range(epochs):
            # Texts of about the same length go together.
            order = np.argsort([len(row) for row in whole] + random.uniform(0, 8, len(whole)), kind="stable")
            batches = [order[start : start + BATCH] for start in range(0, len(order), BATCH)]
            for place in random.permutation(len(batches)):
                chosen = batches[place]
                taken = [(hidden if random.random() < HIDDEN_NAMES else whole)[row] for row in chosen]
                ids = torch.zeros(len(taken), max(SHORTEST, *map(len, taken)), dtype=torch.long)
                for row, one in enumerate(taken):
                    ids[row, : len(one)] = torch.tensor(one, dtype=torch.long)
                wanted = torch.tensor(labels[chosen] * (1 - 2 * SMOOTHED) + SMOOTHED, dtype=torch.float32)
                loss = functional.binary_cross_entropy_with_logits(forward(ids), wanted)
                optimiser.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                nn.utils.clip_grad_norm_(weights, 1.0)
                optimiser.step()
                schedule.step()
                done(1)
    arrays: dict[str, Any] = {"signs": signs.weight, "out": out.weight[0], "bias": out.bias}
    for width, window in zip(WIDTHS, filters, strict=True):
        arrays |= {f"filters{width}": window.weight, f"biases{width}": window.bias}
    return Network(alphabet, {name: array.detach().numpy().astype(np.float32) for name, array in arrays.items()})
