"""The machine-readable outcome of an evaluation."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from zhiyin.evaluate.measure import Measurement
from zhiyin.evaluate.protocol import Protocol


def report(models: Mapping[str, Measurement], protocol: Protocol, served: str | None) -> dict[str, Any]:
    """What ``zhiyin evaluate --format json`` prints; ``served`` names the model that would be served, if any."""
    return {
        "protocol": protocol.to_dict(),
        "split": protocol.split,
        "users": protocol.users,
        "served": served,
        "models": {name: measured.to_dict() for name, measured in models.items()},
    }
