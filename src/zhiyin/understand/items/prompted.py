"""Reading items with a language model that follows instructions: one question an item, answered as JSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from zhiyin.errors import LlmError
from zhiyin.ports import LanguageModels, Prompt, Render
from zhiyin.types import ItemFeatures, Job
from zhiyin.understand.items.asking import Asked, Read
from zhiyin.understand.items.attributes import SYNONYMS
from zhiyin.understand.items.audience import NAMES
from zhiyin.understand.items.context import Hints
from zhiyin.understand.items.grounding import PROPOSAL_CHARACTERS, SUMMARY_CHARACTERS, checked, grounded_name
from zhiyin.understand.items.grow import Cluster
from zhiyin.understand.items.language import language
from zhiyin.understand.items.source import ItemSource
from zhiyin.understand.items.taxonomy import Taxonomy
from zhiyin.understand.texts import shorten

FEATURES, NAMING = "item_features", "item_taxonomy"
CHARACTERS = 3000
"""Beginning of what is said of an item that the model is shown."""
NAMING_SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {"name": {"type": "string", "maxLength": PROPOSAL_CHARACTERS}},
    "required": ["name"],
    "additionalProperties": False,
}


class PromptedReader:
    """``models`` must answer ``complete`` for items."""

    def __init__(self, models: LanguageModels, render: Render, taxonomy: Taxonomy) -> None:
        self._models = models
        self._render = render
        self._taxonomy = taxonomy

    def versions(self) -> str:
        spoken = (self._render(FEATURES, language=one, item="", topics=(), audience=()).name for one in ("en", "zh"))
        return "+".join(spoken)

    def read(
        self, sources: Sequence[ItemSource], hints: Sequence[Hints], ruled: Sequence[ItemFeatures], asked: Asked
    ) -> list[Read | LlmError]:
        """What the model says of each item and the item's text bears out. An item without text is not asked about."""
        rows = [row for row, source in enumerate(sources) if source.whole.strip()]
        topics = [{self._taxonomy.name(key): key for key in hint.choices} for hint in hints]
        prompts = [self._prompt(sources[row], list(topics[row])) for row in rows]
        found: list[Read | LlmError] = [Read(rule) for rule in ruled]
        for row, answer in zip(rows, self._models.complete(Job.ITEMS, prompts) if prompts else [], strict=True):
            if isinstance(answer, LlmError):
                asked.fail(answer)
                found[row] = answer
                continue
            asked.calls += not answer.cached
            asked.tokens_in += answer.tokens_in
            asked.tokens_out += answer.tokens_out
            found[row] = checked(answer.data, sources[row], ruled[row], topics[row], asked.dropped)
        return found

    def name_clusters(self, clusters: Sequence[Cluster], asked: Asked) -> list[str]:
        """A name for each cluster, in words that its titles or terms use; its first term where there is none."""
        prompts = [
            self._render(
                NAMING, language=_spoken(" ".join(one.titles)), schema=NAMING_SCHEMA, titles=one.titles, terms=one.terms
            )
            for one in clusters
        ]
        names = []
        for one, answer in zip(clusters, self._models.complete(Job.ITEMS, prompts) if prompts else [], strict=True):
            name = one.terms[0]
            if isinstance(answer, LlmError):
                asked.fail(answer)
            else:
                asked.calls += not answer.cached
                asked.tokens_in += answer.tokens_in
                asked.tokens_out += answer.tokens_out
                said = " ".join(str(answer.data.get("name", "")).split())
                if grounded_name(said, one.titles, one.terms):
                    name = said
                else:
                    asked.dropped["topic name not in the texts"] += 1
            names.append(name)
        return names

    def _prompt(self, source: ItemSource, topics: Sequence[str]) -> Prompt:
        return self._render(
            FEATURES,
            language=_spoken(source.text),
            schema=features_schema(topics),
            item=shorten(source.whole, CHARACTERS),
            topics=topics,
            audience=NAMES,
        )


def _spoken(text: str) -> str:
    return "zh" if language(text) == "zh" else "en"


def features_schema(topics: Sequence[str]) -> dict[str, Any]:
    """JSON schema of an answer; topics and audiences are bounded by it already."""
    words: dict[str, Any] = {"type": "string"}
    return {
        "type": "object",
        "properties": {
            "language": {"type": "string", "maxLength": 8},
            "topics": {"type": "array", "maxItems": 4, "items": {**words, "enum": list(topics)} if topics else words},
            "proposal": {"type": "string", "maxLength": PROPOSAL_CHARACTERS},
            "audience": {"type": "array", "maxItems": 3, "items": {**words, "enum": list(NAMES)}},
            "attributes": {
                "type": "array",
                "maxItems": 12,
                "items": {
                    "type": "object",
                    "properties": {
                        "name": {**words, "enum": [*SYNONYMS, "maker"]},
                        "value": {**words, "maxLength": 80},
                    },
                    "required": ["name", "value"],
                    "additionalProperties": False,
                },
            },
            "summary": {"type": "string", "maxLength": SUMMARY_CHARACTERS},
        },
        "required": ["language", "topics", "proposal", "audience", "attributes", "summary"],
        "additionalProperties": False,
    }
