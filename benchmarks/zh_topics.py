"""Topics of Chinese headlines from a few examples each, and from none.

    .venv/bin/python -m benchmarks zh_topics
    .venv/bin/python -m benchmarks.zh_topics --tune           # the table that the defaults were chosen by

Needs the data folder ``shared/data`` beside the repository: 10,000 headlines, ten topics. 2,000 of them, drawn once,
are the validation catalogue: every setting was chosen on these. Figures are for the other 8,000: examples are drawn
from them by seed, and accuracy is measured on the rest of them.

``--gemma`` also asks Gemma 3 270M; give it where you have read and accept its licence. ``--cache DIR`` keeps vectors.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks.data import SHARED
from benchmarks.tables import markdown
from zhiyin.config import EncoderSettings, LlmSettings
from zhiyin.errors import LlmError, ZhiyinError
from zhiyin.llm import open_models
from zhiyin.ports import Options, Silent
from zhiyin.store import open_store
from zhiyin.types import Floats, Ints, Job
from zhiyin.understand.cache import encode_catalogue
from zhiyin.understand.encoder import make_encoder
from zhiyin.understand.fusion import Fusion
from zhiyin.understand.letters import LetterVectors
from zhiyin.understand.text_graph import TextGraph
from zhiyin.understand.topics import TopicClassifier, TopicSettings

HEADLINES = SHARED / "zh_news_titles"
CHINESE = ["财经", "房产", "股票", "教育", "科技", "社会", "时政", "体育", "游戏", "娱乐"]
"""Names of the topics, in the order of class.txt."""
VALIDATION = 2000
SPLIT_SEED = 20260101
SEEDS = range(5)
TUNING_SEEDS = range(100, 110)
COUNTS = (10, 20, 50, 100)
ASKED = 500
"""Headlines shown to a language model: it is slow."""
USE, E5, LETTERS = "multilingual", "e5", "letters"
WEIGHTS = {USE: 1.0, E5: 1.2, LETTERS: 0.6}
PROMPT = "新闻分类。类别：" + "、".join(CHINESE) + "。\n\n新闻标题：{title}\n类别："
NEUTRAL = "无"


@dataclass
class Catalogue:
    """Headlines, their topics, and the vectors that see them."""

    texts: list[str]
    topics: Ints
    views: dict[str, Floats]

    @cached_property
    def graphs(self) -> dict[tuple[Any, ...], TextGraph]:
        return {}

    def fused(self, names: Sequence[str]) -> tuple[list[Floats], list[float]]:
        return [self.views[name] for name in names], [WEIGHTS[name] for name in names]

    def draws(self, count: int, seeds: Sequence[int]) -> list[NDArray[Any]]:
        """Rows of ``count`` examples of each topic, for each seed."""
        found = []
        for seed in seeds:
            random = np.random.default_rng(seed)
            rows = [np.flatnonzero(self.topics == topic) for topic in range(len(CHINESE))]
            found.append(np.concatenate([random.choice(row, count, replace=False) for row in rows]))
        return found


Method = Callable[[Catalogue, Ints], Floats]
"""Probabilities [n, topics], given labels with -1 where unknown."""


def spreading(names: Sequence[str], **changes: Any) -> Method:
    """The classifier with its defaults but for ``changes``, the unlabelled headlines at hand."""
    settings = TopicSettings(**changes)

    def run(catalogue: Catalogue, labels: Ints) -> Floats:
        views, weights = catalogue.fused(names)
        model = TopicClassifier(settings)
        key = (*names, settings.neighbours, settings.power)
        if key not in catalogue.graphs:
            catalogue.graphs[key] = model.graph_of(views, weights)
        return model.fit(views, labels, weights, catalogue.graphs[key]).probabilities

    return run


def alone(names: Sequence[str]) -> Method:
    """The classifier fitted on the examples alone: for texts that come one by one."""

    def run(catalogue: Catalogue, labels: Ints) -> Floats:
        views, weights = catalogue.fused(names)
        rows = np.flatnonzero(labels >= 0)
        model = TopicClassifier().fit([view[rows] for view in views], labels[rows], weights)
        return model.predict(views)

    return run


def accuracies(catalogue: Catalogue, method: Method, count: int, seeds: Sequence[int]) -> list[float]:
    found = []
    for rows in catalogue.draws(count, seeds):
        labels = np.full(len(catalogue.topics), -1, dtype=np.int32)
        labels[rows] = catalogue.topics[rows]
        right = method(catalogue, labels).argmax(axis=1) == catalogue.topics
        right[rows] = False
        found.append(float(right.sum() / (len(right) - len(rows))))
    return found


def shown(values: Sequence[float]) -> str:
    return f"{np.mean(values):.3f} ({min(values):.3f}-{max(values):.3f})"


def by_name(vectors: Floats, names: Floats, topics: Ints) -> float:
    """Accuracy of the topic whose name lies nearest, both sides centred on the headlines."""
    fusion = Fusion([vectors])
    return float(((fusion([vectors]) @ fusion([names]).T).argmax(axis=1) == topics).mean())


def methods(views: Sequence[str]) -> dict[str, Method]:
    """Every row of the table, by name; only those whose vectors are here."""
    every = list(views)
    rows: dict[str, Method] = {f"regression, {USE}": alone([USE])}
    if E5 in every:
        rows[f"regression, {E5}"] = alone([E5])
    rows["regression, " + " + ".join(every)] = alone(every)
    rows[f"graph, {USE}"] = spreading([USE], borders=0)
    rows[f"graph x regression, {USE} + {LETTERS}"] = spreading([USE, LETTERS])
    if E5 in every:
        rows[f"graph, {E5}"] = spreading([E5], borders=0)
        rows[f"graph x regression, {E5} + {LETTERS}"] = spreading([E5, LETTERS])
    name = "graph x regression, " + " + ".join(every)
    rows[f"{name}, balance 0"] = spreading(every, balance=0)
    rows[f"**{name}** (the default)"] = spreading(every)
    rows[f"{name}, balance 1"] = spreading(every, balance=1)
    return rows


def tuning(views: Sequence[str]) -> dict[str, Method]:
    """One setting changed at a time."""
    every = list(views)
    rows = {"defaults": spreading(every), "examples alone": alone(every)}
    tried: dict[str, Sequence[Any]] = {
        "neighbours": (10, 40),
        "power": (2.0, 8.0),
        "spread": (0.9, 0.95, 0.99),
        "borders": (0.0, 0.25, 1.0),
        "softness": (1.0, 10.0),
        "balance": (0.0, 1.0),
    }
    for name, values in tried.items():
        rows |= {f"{name} {value}": spreading(every, **{name: value}) for value in values}
    return rows


def read() -> tuple[list[str], Ints]:
    lines = (HEADLINES / "dev.txt").read_text(encoding="utf-8").splitlines()
    pairs = [line.split("\t") for line in lines]
    return [text for text, _ in pairs], np.array([int(topic) for _, topic in pairs], dtype=np.int32)


def make(texts: Sequence[str], encoders: dict[str, Any], store: Any) -> dict[str, Floats]:
    views = {name: encode_catalogue(texts, encoder, store, Silent()) for name, encoder in encoders.items()}
    views[LETTERS] = LetterVectors().fit(texts)(texts)
    return views


def likelihood_rows(catalogue: Catalogue, store: Any, models: Sequence[str], seconds: float) -> list[list[str]]:
    """Zero-shot: the topic whose name is likeliest after the headline, raw and against a headline that says nothing."""
    random = np.random.default_rng(SPLIT_SEED)
    rows = random.choice(len(catalogue.texts), min(ASKED, len(catalogue.texts)), replace=False)
    titles = [catalogue.texts[row] for row in rows]
    lines = []
    for name in models:
        settings = LlmSettings(provider="embedded", model=name, accept_licences=[name], batch_seconds=seconds)
        client = open_models(settings, store)
        asked = [Options("zh-topics", PROMPT.format(title=title), tuple(CHINESE)) for title in [NEUTRAL, *titles]]
        began = time.perf_counter()
        answers = client.likelihoods(Job.ITEMS, asked, seconds=seconds)
        took = time.perf_counter() - began
        failed = [answer for answer in answers if isinstance(answer, LlmError)]
        if failed:
            print(f"skipped {name}: {failed[0].line}")
            continue
        logs = np.stack([answer.logs for answer in answers if not isinstance(answer, LlmError)])
        for label, scores in (("raw", logs[1:]), ("calibrated", logs[1:] - logs[0])):
            right = float((scores.argmax(axis=1) == catalogue.topics[rows]).mean())
            cell = f"{right:.3f} on {len(rows)} headlines, {len(rows) / took:.1f} a second"
            lines.append([f"likelihood of the topic's name, {name}, {label}", cell])
    return lines


def main() -> None:
    parser = argparse.ArgumentParser(description="Few-shot and zero-shot topics of Chinese headlines.")
    parser.add_argument("--quick", action="store_true", help="a slice, without the slow models")
    parser.add_argument("--tune", action="store_true", help="settings one by one on the validation headlines")
    parser.add_argument("--gemma", action="store_true", help="also ask Gemma 3 270M, whose licence you accept")
    parser.add_argument("--no-llm", action="store_true", help="ask no language model")
    parser.add_argument("--cache", type=Path, help="folder in which vectors and answers are kept")
    parser.add_argument("--seconds", type=float, default=3600.0, help="deadline for each language model")
    given = parser.parse_args()
    if not HEADLINES.is_dir():
        print(f"skipped: the data folder {HEADLINES} is not here")
        return
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.cache or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        store = open_store("sqlite:///topics.db", folder)
        try:
            report(given, store)
        finally:
            store.close()


def report(given: argparse.Namespace, store: Any) -> None:
    texts, topics = read()
    order = np.random.default_rng(SPLIT_SEED).permutation(len(texts))
    held = np.sort(order[:VALIDATION] if given.tune else order[VALIDATION : VALIDATION + 600 if given.quick else None])
    encoders: dict[str, Any] = {}
    for name in (USE,) if given.quick else (USE, E5):
        try:
            encoders[name] = make_encoder(EncoderSettings.model_validate({"model": name}), ["文字"])
        except ZhiyinError as missing:
            print(f"without {name}: {missing.line}")
    chosen = [texts[row] for row in held]
    catalogue = Catalogue(chosen, topics[held], make(chosen, encoders, store))
    views = list(catalogue.views)
    if given.tune:
        print(f"{len(held):,} validation headlines, 10 examples a topic, seeds {TUNING_SEEDS}")
        values = {name: accuracies(catalogue, run, 10, TUNING_SEEDS) for name, run in tuning(views).items()}
        print(markdown(["settings", "accuracy"], [[name, shown(found)] for name, found in values.items()]))
        return
    counts, seeds = ((5, 10), range(2)) if given.quick else (COUNTS, SEEDS)
    print(
        f"{len(held):,} headlines, ten topics; accuracy on those without a label; "
        f"mean (lowest-highest) of {len(seeds)} seeds"
    )
    rows = []
    for name, run in methods(views).items():
        rows.append([name, *(shown(accuracies(catalogue, run, count, seeds)) for count in counts)])
        print(rows[-1], file=sys.stderr, flush=True)
    print("\n" + markdown(["method", *(f"{count} examples a topic" for count in counts)], rows))
    lines = []
    english = (HEADLINES / "class.txt").read_text(encoding="utf-8").split()
    for name, encoder in encoders.items():
        for language, names in (("English", english), ("Chinese", CHINESE)):
            right = by_name(catalogue.views[name], encoder.encode(names), catalogue.topics)
            lines.append([f"nearest name in {language}, {name}", f"{right:.3f}"])
    if not given.quick and not given.no_llm:
        models = ["smollm2-135m-instruct", *(["gemma-3-270m"] if given.gemma else [])]
        lines += likelihood_rows(catalogue, store, models, given.seconds)
    print("\n" + markdown(["without examples", "accuracy"], lines))


if __name__ == "__main__":
    main()
