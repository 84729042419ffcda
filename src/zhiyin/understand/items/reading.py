"""Reading a whole catalogue: the taxonomy grown, every item read by the tier in use, nothing read twice.

What was read is kept under the reader (tier, model, prompts) and a hash of all else that decides the outcome for that
item: its text, and the part of the catalogue that matters for it. So a change of one text reads that item alone, and a
second run over the same catalogue asks a language model nothing.
"""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from zhiyin.errors import LlmBudget, LlmError, LlmOff, LlmRefused
from zhiyin.ports import LanguageModels, NoLanguageModels, Progress, Render, Silent
from zhiyin.types import Floats, ItemFeatures, Job, Tier
from zhiyin.understand.items.asking import Asked, Read
from zhiyin.understand.items.coded import from_json, to_json
from zhiyin.understand.items.context import Context, Encode, Hints
from zhiyin.understand.items.grow import Cluster, first_terms, grow
from zhiyin.understand.items.likelihood import LikelihoodReader
from zhiyin.understand.items.prompted import PromptedReader
from zhiyin.understand.items.rules import READER, read_by_rules
from zhiyin.understand.items.source import ItemSource
from zhiyin.understand.items.taxonomy import Taxonomy, TaxonomySettings, TopicRows, load_taxonomy

BATCH = 64
"""Items asked about at once, and stored before the next: a run that is killed loses no more than these."""
GROWN = "taxonomy@1"
"""Reader under which it is noted that the taxonomy was grown from a catalogue."""
HOPELESS = (LlmOff, LlmBudget, LlmRefused)
"""Errors that asking on would only repeat."""


class FeatureRows(TopicRows, Protocol):
    """The part of the store that keeps what was read."""

    def features(self, reader: str, keys: Sequence[str]) -> dict[str, str]: ...

    def put_features(self, reader: str, given: dict[str, str]) -> None: ...


@dataclass(frozen=True)
class Reading:
    """``features`` in the order of the sources; ``tier`` of each says who read it, which is "none" where the model
    failed. ``read`` items were read now, ``kept`` were known. ``asked`` is what it cost and what was not accepted."""

    features: list[ItemFeatures]
    taxonomy: Taxonomy
    reader: str
    read: int
    kept: int
    asked: Asked
    proposals: Counter[str] = field(default_factory=Counter)

    def line(self) -> str:
        """One line for a person."""
        failed = "".join(f", {count:,} without the model ({kind})" for kind, count in sorted(self.asked.failed.items()))
        cost = f", {self.asked.calls:,} calls, {self.asked.tokens_in + self.asked.tokens_out:,} tokens"
        topics = len(self.taxonomy.active)
        told = f"{self.read:,} items read, {self.kept:,} known, {topics:,} topics"
        return told + (cost if self.asked.calls else "") + failed


def read_catalogue(
    sources: Sequence[ItemSource],
    rows: FeatureRows,
    *,
    settings: TaxonomySettings | None = None,
    vectors: Floats | None = None,
    encode: Encode | None = None,
    models: LanguageModels | None = None,
    render: Render | None = None,
    seed: int = 0,
    progress: Progress | None = None,
) -> Reading:
    """Grow the taxonomy in ``rows`` from ``sources``, the whole catalogue, and read every item.

    ``vectors`` float32 [len(sources), d] are the items' text vectors and ``encode`` makes more of the same; without
    them topics come from categories and words alone. ``models`` reads where it is given with ``render``; a failure of
    it leaves an item as rules read it, marked by its tier, and is tried again next time.
    """
    settings, progress = settings or TaxonomySettings(), progress or Silent()
    asked = Asked()
    reader = Reader(models, render)
    taxonomy = load_taxonomy(rows)
    marker = _fingerprint(sources, settings, encode is not None, reader.name(taxonomy), seed)
    grown = marker in rows.features(GROWN, [marker])
    if not grown:
        with progress.task("Growing the taxonomy"):
            name = reader.naming(taxonomy, asked)
            taxonomy = grow(taxonomy, sources, settings, vectors=vectors, encode=encode, name=name, seed=seed)
            rows.put_topics(taxonomy.to_rows())
    reading = read_items(
        sources, Context.of(taxonomy, sources, settings, encode), rows, vectors, encode, reader, asked, progress
    )
    if not grown:
        more = grow(taxonomy, sources, settings, vectors=vectors, encode=encode, proposals=reading.proposals, seed=seed)
        if len(more.active) > len(taxonomy.active):
            rows.put_topics(more.to_rows())
            context = Context.of(more, sources, settings, encode)
            reading = read_items(sources, context, rows, vectors, encode, reader, asked, progress)
        if not asked.failed:
            rows.put_features(GROWN, {marker: "{}"})
    return reading


class Reader:
    """The tier in use: without models, or without a way to make prompts, that of rules."""

    def __init__(self, models: LanguageModels | None = None, render: Render | None = None) -> None:
        self.models = models or NoLanguageModels()
        self.render = render
        self.tier = self.models.tier(Job.ITEMS) if render is not None else Tier.NONE
        if self.tier is Tier.EMBEDDED and not self.models.can_score(Job.ITEMS):
            self.tier = Tier.NONE
        self._last: tuple[Taxonomy, LikelihoodReader | PromptedReader] | None = None

    def name(self, taxonomy: Taxonomy) -> str:
        """Id of the reader in the store."""
        model = self.models.model(Job.ITEMS)
        if (asker := self._asker(taxonomy)) is None or model is None:
            return READER
        return f"{self.tier}/{model}/{asker.versions()}/{READER}"

    def naming(self, taxonomy: Taxonomy, asked: Asked) -> Callable[[Sequence[Cluster]], list[str]]:
        asker = self._asker(taxonomy)
        if isinstance(asker, PromptedReader):
            return lambda clusters: asker.name_clusters(clusters, asked)
        if isinstance(asker, LikelihoodReader):
            return lambda clusters: asker.choose_terms(
                [one.titles for one in clusters], [one.terms for one in clusters], asked
            )
        return first_terms

    def read(
        self,
        taxonomy: Taxonomy,
        sources: Sequence[ItemSource],
        hints: Sequence[Hints],
        ruled: Sequence[ItemFeatures],
        asked: Asked,
    ) -> list[Read | LlmError]:
        asker = self._asker(taxonomy)
        if asker is None:
            return [Read(one) for one in ruled]
        found = asker.read(sources, hints, ruled, asked)
        return [Read(one) if isinstance(one, ItemFeatures) else one for one in found]

    def _asker(self, taxonomy: Taxonomy) -> LikelihoodReader | PromptedReader | None:
        if self.render is None or self.tier is Tier.NONE:
            return None
        # Kept, for it remembers what calibrates its options.
        if self._last is None or self._last[0] is not taxonomy:
            kind = LikelihoodReader if self.tier is Tier.EMBEDDED else PromptedReader
            self._last = (taxonomy, kind(self.models, self.render, taxonomy))
        return self._last[1]


def read_items(
    sources: Sequence[ItemSource],
    context: Context,
    rows: FeatureRows,
    vectors: Floats | None,
    encode: Encode | None,
    reader: Reader,
    asked: Asked,
    progress: Progress,
) -> Reading:
    """Features of ``sources`` within ``context``; what is known by their keys is not read again."""
    name = reader.name(context.taxonomy)
    hints = context.hints(sources, vectors)
    keys = [context.key(source, hint) for source, hint in zip(sources, hints, strict=True)]
    known = {key: from_json(told) for key, told in rows.features(name, keys).items()}
    first = {key: row for row, key in reversed(list(enumerate(keys)))}
    missing = [row for key, row in first.items() if key not in known]
    missing.sort()
    kept = len(known)
    hopeless = False
    with progress.task("Reading items", total=len(missing)) as advance:
        for start in range(0, len(missing), BATCH):
            part = missing[start : start + BATCH]
            these, hint = [sources[row] for row in part], [hints[row] for row in part]
            ruled = read_by_rules(these, hint, encode)
            found: Sequence[Read | LlmError] = [Read(one) for one in ruled]
            skipped = hopeless
            if not skipped:
                found = reader.read(context.taxonomy, these, hint, ruled, asked)
                errors = [one for one in found if isinstance(one, LlmError)]
                # An error for every item that was asked about: the rest is not asked.
                hopeless = bool(errors) and all(isinstance(one, HOPELESS) for one in errors)
            else:
                asked.failed["not asked"] += len(part)
            good = {keys[row]: one for row, one in zip(part, found, strict=True) if isinstance(one, Read)}
            if not skipped:
                rows.put_features(name, {key: to_json(one) for key, one in good.items()})
            known |= good
            known |= {keys[row]: Read(one) for row, one in zip(part, ruled, strict=True) if keys[row] not in good}
            advance(len(part))
    reads = [known[key] for key in keys]
    proposals = Counter(one.proposal for one in reads if one.proposal)
    return Reading([one.features for one in reads], context.taxonomy, name, len(missing), kept, asked, proposals)


def _fingerprint(
    sources: Sequence[ItemSource], settings: TaxonomySettings, encoded: bool, reader: str, seed: int
) -> str:
    told = [sorted(source.content for source in sources), settings.model_dump(), encoded, reader, seed]
    return hashlib.sha256(json.dumps(told, ensure_ascii=False).encode("utf-8")).hexdigest()
