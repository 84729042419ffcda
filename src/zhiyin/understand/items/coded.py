"""Features as JSON text and back."""

from __future__ import annotations

import json

from zhiyin.types import ItemFeatures, Tier
from zhiyin.understand.items.asking import Read


def to_json(read: Read) -> str:
    """One JSON object."""
    return json.dumps({**features_dict(read.features), "proposal": read.proposal}, ensure_ascii=False)


def from_json(told: str) -> Read:
    """What ``to_json`` wrote. Raises ValueError, KeyError or TypeError for anything else."""
    parts = json.loads(told)
    return Read(
        ItemFeatures(
            language=str(parts["language"]),
            topics={str(key): float(weight) for key, weight in parts["topics"].items()},
            attributes={str(key): str(value) for key, value in parts["attributes"].items()},
            summary=str(parts["summary"]),
            audience=[str(name) for name in parts["audience"]],
            tier=Tier(parts["tier"]),
        ),
        str(parts.get("proposal", "")),
    )


def features_dict(features: ItemFeatures) -> dict[str, object]:
    return {
        "language": features.language,
        "topics": features.topics,
        "attributes": features.attributes,
        "summary": features.summary,
        "audience": features.audience,
        "tier": str(features.tier),
    }
