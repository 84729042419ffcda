"""What reading items adds: the linear core with item features off and on, and new items that have only a title.

    python -m benchmarks item_features [--quick] [--keep DIR] [--embedded N]

Amazon Beauty, in the setting of ``cold_items``: one item in ten is held out with all its events and asked for by text
alone. The same fit is measured warm (the ordinary next event), with short histories (the last 1 to 3 events kept, drawn
by seed) and cold. All models have default parameters; the way in which features enter, and its weight, are chosen on
validation, and the test part is looked at once. With ``--embedded N`` the small model in this process reads N of the
items that have only a title. ``--keep`` keeps the project, so that text vectors and what was read are there the next
time. Needs the folder ``shared/data`` beside the repository.
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from benchmarks.cold_items import NDCG, SEED, Setting, draw, held_out, taken
from benchmarks.data import DATA_SETS, Missing, load, make_project
from benchmarks.tables import figure, markdown
from zhiyin.candidates.base import Recommender
from zhiyin.candidates.content import ContentKNN
from zhiyin.candidates.fill import Filled
from zhiyin.candidates.linear import LinearCore, LinearParams
from zhiyin.candidates.matrix import user_items
from zhiyin.candidates.popular import WindowedPopularity
from zhiyin.candidates.solvers import Solution, solve
from zhiyin.cli.common import open_project
from zhiyin.cli.progress import make_progress
from zhiyin.config import EncoderSettings, LlmSettings
from zhiyin.errors import ModelError
from zhiyin.evaluate.intervals import bootstrap_difference
from zhiyin.evaluate.measure import Measurement, measure
from zhiyin.llm import open_models
from zhiyin.llm.prompts import render
from zhiyin.ports import LanguageModels, NoLanguageModels, Progress, Silent
from zhiyin.prepare import Prepared, prepare
from zhiyin.preprocess.splits import Trial, leave_one_out
from zhiyin.store.sql import SqlStore
from zhiyin.types import Floats, Histories, IdMap, Interactions, ItemFeatures, Job, Tier, TrainingData
from zhiyin.understand.cache import encode_catalogue
from zhiyin.understand.encoder import make_encoder
from zhiyin.understand.items import (
    ItemSource,
    Reader,
    Reading,
    enriched_text,
    feature_similarity,
    feature_vectors,
    item_sources,
    read_catalogue,
)
from zhiyin.understand.items.asking import Asked
from zhiyin.understand.items.context import Context, Encode
from zhiyin.understand.items.features import joined_vectors
from zhiyin.understand.items.reading import read_items
from zhiyin.understand.items.taxonomy import Taxonomy

GROUPS = ("warm", "short", "cold")
OFF = "off"
SHARES = (0.2, 0.4)
SCALES = (5.0, 20.0)
MODEL_SECONDS = 600.0


class FeatureCore(LinearCore):
    """The linear core with ``scale`` times the items' feature similarity added to its Gram matrix."""

    similarity: sparse.csr_array
    scale: float

    def _solve(self, data: TrainingData) -> Solution:
        chosen = user_items(data.interactions.histories, data.interactions.n_items)
        params = self.params
        return solve(
            sparse.csr_array((chosen.T @ chosen) + self.scale * self.similarity),
            data.catalogue.vectors,
            text_scale=params.text_scale,
            text_power=params.text_power,
            regularisation=params.regularisation,
            keep=params.keep,
            method=params.solver,
            memory_gib=params.memory_gib,
        )


@dataclass(frozen=True)
class Variant:
    """One way for features to enter: other text vectors, or a similarity beside them."""

    name: str
    vectors: Floats
    similarity: sparse.csr_array | None = None
    scale: float = 0.0

    def fit(self, data: TrainingData, params: LinearParams) -> LinearCore:
        data = replace(data, catalogue=replace(data.catalogue, vectors=self.vectors))
        if self.similarity is None:
            return LinearCore(params).fit(data)
        model = FeatureCore(params)
        model.similarity, model.scale = self.similarity, self.scale
        return model.fit(data)


@dataclass(frozen=True)
class World:
    """The data set, its sources in the order of the catalogue, and what was read in them."""

    prepared: Prepared
    sources: list[ItemSource]
    reading: Reading
    encode: Encode
    store: SqlStore
    seconds: float


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks item_features", description="What reading items adds.")
    parser.add_argument("--data", choices=sorted(DATA_SETS), default="amazon_beauty", help="the data set read")
    parser.add_argument("--quick", action="store_true", help="a small slice: to see that it runs")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the project here for the next run")
    parser.add_argument("--embedded", type=int, default=0, metavar="N", help="items read by the small model (0: none)")
    parser.add_argument("--model", action="store_true", help="the small model reads every item of the first table too")
    parser.add_argument(
        "--part", choices=("core", "titles", "both"), default="both", help="one of the two tables alone"
    )
    parser.add_argument("--solver", choices=("auto", "local"), default="auto", help="local: quicker, not exact")
    parser.add_argument("--not-encoded", action="store_true", help="leave out the way that encodes all texts again")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as scratch:
        try:
            run(given, Path(given.keep or scratch), make_progress(given.quick))
        except Missing as absent:
            print(f"skipped: {absent.line}")


def run(given: argparse.Namespace, folder: Path, progress: Progress) -> None:
    quick: bool = given.quick
    project = folder / ("slice project" if quick else "project")
    if not project.exists():
        folder.mkdir(parents=True, exist_ok=True)
        make_project(load(given.data, quick, folder / "slice"), project, quick, progress)
    with open_project(project) as opened:
        assert isinstance(opened.store, SqlStore)
        prepared = prepare(opened.store, opened.settings, progress)
        settings = LlmSettings(provider="embedded", batch_seconds=MODEL_SECONDS)
        models = open_models(settings, opened.store, progress) if given.model else None
        world = read(prepared, opened.store, progress, models)
        params = LinearParams(solver=given.solver)
        if given.part != "titles":
            features_on_and_off(world, params, encoded=not given.not_encoded)
        if given.part == "core":
            return
        if given.embedded:
            titles_only(world, params, open_models(settings, opened.store, progress), given.embedded)
        else:
            titles_only(world, params, NoLanguageModels(), 0)


def read(prepared: Prepared, store: SqlStore, progress: Progress, models: LanguageModels | None = None) -> World:
    encoder = make_encoder(EncoderSettings(), prepared.catalogue.texts)
    assert encoder is not None

    def encode(texts: Sequence[str]) -> Floats:
        return encode_catalogue(texts, encoder, store)

    order = prepared.interactions.items
    sources = sorted(item_sources(store.items()), key=lambda source: order.row(source.item_id))
    began = time.perf_counter()
    reading = read_catalogue(
        sources,
        store.features,
        vectors=prepared.catalogue.vectors,
        encode=encode,
        models=models,
        render=render,
        progress=progress,
    )
    return World(prepared, sources, reading, encode, store, time.perf_counter() - began)


def features_on_and_off(world: World, params: LinearParams, *, encoded: bool) -> None:
    """Choose on validation how features enter, then measure off and on once on the test part."""
    reading, prepared = world.reading, world.prepared
    kinds = {
        name: sum(bool(getattr(one, name)) for one in reading.features) for name in ("topics", "attributes", "audience")
    }
    brands = sum("brand" in one.attributes for one in reading.features)
    model = sum(one.tier is not Tier.NONE for one in reading.features)
    readers = f"the small model ({model:,}) and rules" if model else "rules"
    print(f"\n### Items read by {readers}: {reading.line()}; {world.seconds:.0f} s\n")
    print(
        f"Of {len(reading.features):,} items: "
        + ", ".join(f"{count:,} with {name}" for name, count in kinds.items())
        + f", {brands:,} with a brand."
    )
    split = leave_one_out(prepared.interactions)
    first, second = draw(prepared.interactions.n_items)
    tuning = held_out(split, prepared.catalogue, held=first | second, asked=second, test=False)
    testing = held_out(split, prepared.catalogue, held=first, asked=first, test=True)
    variants = []
    on_validation = {}
    for way in ways(world, encoded):
        try:
            on_validation[way.name] = measured(way.fit(tuning.data, params), tuning)
            variants.append(way)
        except ModelError as unfit:
            print(f"\nLeft out, {way.name}: {unfit.what}")
    print("\n### Validation, NDCG@10\n")
    print(
        markdown(
            ("features", *GROUPS),
            [[name, *(figure(one[group].means[NDCG]) for group in GROUPS)] for name, one in on_validation.items()],
        )
    )
    best = {group: highest(on_validation, group) for group in GROUPS}
    print("\n" + " ".join(f"Best {group}: {name}." for group, name in best.items()), flush=True)
    wanted = dict.fromkeys([OFF, best["warm"], best["cold"]])
    on_test = {one.name: measured(one.fit(testing.data, params), testing) for one in variants if one.name in wanted}
    print("\n### Test, NDCG@10, and the paired difference to features off\n")
    rows = []
    for name, one in on_test.items():
        cells = [with_interval(one[group]) for group in GROUPS]
        rows.append([name, *cells, *(gap(one[group], on_test[OFF][group]) if name != OFF else "-" for group in GROUPS)])
    print(markdown(("features", *GROUPS, *(f"{group} minus off" for group in GROUPS)), rows))
    sizes = ", ".join(f"{group} {on_test[OFF][group].users:,}" for group in GROUPS)
    print(f"\nUsers: {sizes}. Ranges are 95 % bootstrap intervals over users.", flush=True)


def highest(measurements: dict[str, dict[str, Measurement]], group: str) -> str:
    return max(measurements, key=lambda name: measurements[name][group].means[NDCG])


def ways(world: World, encoded: bool) -> list[Variant]:
    catalogue, features = world.prepared.catalogue, world.reading.features
    assert catalogue.vectors is not None
    told = [
        enriched_text(text, one, world.reading.taxonomy) for text, one in zip(catalogue.texts, features, strict=True)
    ]
    flat, similar = feature_vectors(features), feature_similarity(features)
    return [
        Variant(OFF, catalogue.vectors),
        *([Variant("in the encoded text", world.encode(told))] if encoded else []),
        *(Variant(f"{share:.0%} of the cosine", joined_vectors(catalogue.vectors, flat, share)) for share in SHARES),
        *(Variant(f"{scale:g} x similarity beside the text", catalogue.vectors, similar, scale) for scale in SCALES),
    ]


def measured(model: Recommender, setting: Setting) -> dict[str, Measurement]:
    ranker = Filled(model, WindowedPopularity().fit(setting.data))
    trials = {"warm": setting.warm, "short": shortened(setting.warm), "cold": setting.cold}
    return {name: measure(ranker, trial, setting.data.catalogue, seed=SEED) for name, trial in trials.items()}


def shortened(trial: Trial) -> Trial:
    """The last one to three events of each history, how many drawn by seed."""
    full = trial.histories
    kept = np.minimum(full.lengths, np.random.default_rng(SEED).integers(1, 4, len(full)))
    indptr = np.concatenate(([0], np.cumsum(kept))).astype(np.int64)
    picks = np.repeat(full.indptr[1:] - kept - indptr[:-1], kept) + np.arange(indptr[-1])
    return replace(
        trial, histories=Histories(indptr, full.items[picks], full.weights[picks], full.times[picks], full.users)
    )


def titles_only(world: World, params: LinearParams, models: LanguageModels, asked: int) -> None:
    """New items arrive with a title alone: placed by it, and by what is read in it."""
    prepared, taxonomy = world.prepared, world.reading.taxonomy
    split = leave_one_out(prepared.interactions)
    held, _ = draw(prepared.interactions.n_items)
    testing = held_out(split, prepared.catalogue, held=held, asked=held, test=True)
    late = Late(testing, params)
    bare = [ItemSource(world.sources[row].item_id, world.sources[row].title) for row in late.new]
    vectors = world.encode([source.title for source in bare])
    known = [world.sources[row] for row in late.kept]
    context = Context.of(taxonomy, known, None, world.encode)
    rows: list[tuple[str, Measurement]] = [
        ("popular", late.measured(WindowedPopularity().fit(late.data))),
        ("content kNN, title and categories", late.content(late.vectors_of(late.new))),
        ("content kNN, title", late.content(vectors)),
        ("linear, title and categories", late.placed(late.vectors_of(late.new))),
        ("linear, title", late.placed(vectors)),
    ]
    by_rules = read_titles(bare, vectors, context, world, NoLanguageModels())
    rows.append(
        ("linear, title and what rules read in it", late.placed(told(by_rules.features, bare, taxonomy, world)))
    )
    rows.append(
        ("content kNN, title and what rules read in it", late.content(told(by_rules.features, bare, taxonomy, world)))
    )
    readings = {"rules": by_rules}
    seconds = 0.0
    part = min(asked, len(bare))
    if part and models.can_score(Job.ITEMS):
        began = time.perf_counter()
        by_model = read_titles(bare[:part], vectors[:part], context, world, models)
        seconds = time.perf_counter() - began
        features = [*by_model.features, *by_rules.features[part:]]
        rows.append(
            (
                f"linear, title and what the small model reads in {part:,}",
                late.placed(told(features, bare, taxonomy, world)),
            )
        )
        readings["small model"] = by_model
    base = next(one for name, one in rows if name == "linear, title")
    print(f"\n### {len(bare):,} new items with a title alone, test, NDCG@10\n")
    print(
        markdown(
            ("model", "cold", "minus linear, title"),
            [[name, with_interval(one), gap(one, base) if one is not base else "-"] for name, one in rows],
        )
    )
    print(f"\nUsers: {base.users:,}. The items arrive after training, as in `cold_items`.")
    truth = [finest(world.sources[row], taxonomy) for row in late.new[: part or len(bare)]]
    print("\n### Topic read in the title against the finest category that was withheld\n")
    print(
        markdown(
            ("reader", "first topic right", "of items", "right within those read"),
            [accuracy(name, one, truth) for name, one in readings.items()],
        )
    )
    if seconds:
        one = by_model.asked
        tokens, each = 1000 * one.tokens_in / part, 1000 * seconds / part
        print(
            f"\nSmall model: {one.calls:,} calls, {one.tokens_in:,} tokens computed in {seconds:.0f} s for {part:,} "
            f"items: {tokens:,.0f} tokens and {each:.0f} s per 1,000 items; failed {dict(one.failed)}."
        )


def read_titles(
    sources: Sequence[ItemSource], vectors: Floats, context: Context, world: World, models: LanguageModels
) -> Reading:
    return read_items(
        sources, context, world.store.features, vectors, world.encode, Reader(models, render), Asked(), Silent()
    )


def told(features: Sequence[ItemFeatures], sources: Sequence[ItemSource], taxonomy: Taxonomy, world: World) -> Floats:
    return world.encode(
        [enriched_text(source.title, one, taxonomy) for source, one in zip(sources, features, strict=True)]
    )


def finest(source: ItemSource, taxonomy: Taxonomy) -> str | None:
    """The topic with the fewest items among those of the categories."""
    found = [key for kind in source.categories if (key := taxonomy.find(kind))]
    return min(found, key=lambda key: (taxonomy.by_id[key].items, key), default=None)


def accuracy(name: str, reading: Reading, truth: Sequence[str | None]) -> list[str]:
    firsts = [next(iter(one.topics), None) for one in reading.features[: len(truth)]]
    right = sum(first == wanted for first, wanted in zip(firsts, truth, strict=True) if wanted)
    within = sum(bool(wanted and wanted in one.topics) for wanted, one in zip(truth, reading.features, strict=False))
    known = sum(wanted is not None for wanted in truth)
    return [name, f"{right / max(1, known):.3f}", f"{known:,}", f"{within / max(1, known):.3f}"]


class Late:
    """The linear model fitted without the held-out items, which then arrive with vectors of any making."""

    def __init__(self, setting: Setting, params: LinearParams) -> None:
        held, whole = setting.held, setting.data.interactions
        self.kept, self.new = np.flatnonzero(~held), np.flatnonzero(held)
        order = np.concatenate((self.kept, self.new))
        self._place = np.empty(len(held), dtype=np.int32)
        self._place[order] = np.arange(len(held), dtype=np.int32)
        self._whole = setting.data.catalogue
        self._catalogue = taken(self._whole, order)
        train = Interactions(
            whole.users, IdMap([whole.items.ids[row] for row in self.kept]), self._moved(whole.histories)
        )
        self._model = LinearCore(params).fit(
            replace(setting.data, interactions=train, catalogue=taken(self._whole, self.kept))
        )
        self.data = replace(
            setting.data,
            interactions=Interactions(
                whole.users, IdMap([whole.items.ids[row] for row in order]), self._moved(whole.histories)
            ),
            catalogue=self._catalogue,
        )
        trial = setting.cold
        self._trial = replace(
            trial,
            train=self.data.interactions,
            histories=self._moved(trial.histories),
            targets=self._moved(trial.targets),
        )
        self._filler = WindowedPopularity().fit(self.data)

    def vectors_of(self, rows: NDArray[np.int64]) -> Floats:
        assert self._whole.vectors is not None
        found: Floats = self._whole.vectors[rows]
        return found

    def placed(self, vectors: Floats) -> Measurement:
        """The linear model with the new items placed by ``vectors``."""
        return self.measured(self._model.with_newcomers(self.vectors_of(self.kept), vectors))

    def content(self, vectors: Floats) -> Measurement:
        both = np.concatenate((self.vectors_of(self.kept), vectors))
        return self.measured(ContentKNN().fit(replace(self.data, catalogue=replace(self._catalogue, vectors=both))))

    def measured(self, model: Recommender) -> Measurement:
        return measure(Filled(model, self._filler), self._trial, self._catalogue, seed=SEED)

    def _moved(self, histories: Histories) -> Histories:
        return replace(histories, items=self._place[histories.items])


def with_interval(one: Measurement) -> str:
    return figure(one.means[NDCG], one.intervals[NDCG].low, one.intervals[NDCG].high)


def gap(one: Measurement, other: Measurement) -> str:
    found = bootstrap_difference(one.per_user[NDCG], other.per_user[NDCG])
    return f"{found.mean:+.4f} ({found.low:+.4f} to {found.high:+.4f})"


if __name__ == "__main__":
    main()
