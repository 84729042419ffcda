"""Training: one part of the texts teaches the readers, another, held out, weighs them and sets the thresholds. Of few
texts each part is held out in turn, for a tenth of them says too little.

Texts that are the same stay on the same side. Choices of settings were made on COLD's training part alone, see
docs/moderation.md.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhiyin.errors import NotEnoughData
from zhiyin.ports import Encoder, Progress, Silent
from zhiyin.scenarios.community.moderation.classifier.grams import Grams, hashes_of
from zhiyin.scenarios.community.moderation.classifier.model import (
    FORMAT,
    GRAMS,
    MASKED,
    NETWORK,
    SECOND,
    SENTENCES,
    TRANSFORMER,
    WORST,
    masked,
    names_pattern,
)
from zhiyin.scenarios.community.moderation.classifier.network import Network, packed, unpacked
from zhiyin.scenarios.community.moderation.classifier.second import learn_second
from zhiyin.scenarios.community.moderation.classifier.sentences import Sentences
from zhiyin.scenarios.community.moderation.classifier.transformer import Transformer
from zhiyin.scenarios.community.moderation.view import views
from zhiyin.types import Floats, Longs

FEWEST = 200
"""Labelled texts, of which each label has at least a tenth."""
HELD = 0.12
"""Share of the texts that is held out."""
MANY, PARTS = 5000, 4
"""Of fewer texts so many parts are held out, one after the other, until all were."""
SEEN = 3
"""A run of signs met in fewer texts than this is not counted."""
RIDGE = 0.1
"""C of the regression on log-count ratios."""
TIMES = 2
"""Readers that begin at random learn so often; their mean counts."""
HIDDEN, DECAY, EPOCHS = 256, 3.0, 10
"""Of the layer over sentence vectors."""
PRECISIONS = tuple(round(0.5 + 0.01 * step, 2) for step in range(50))

Flags = NDArray[np.bool_]


def train_classifier(
    folder: Path,
    texts: Sequence[str],
    labels: Sequence[int],
    *,
    name: str,
    languages: Sequence[str],
    groups: Sequence[str],
    encoder: Encoder | None = None,
    network: bool | None = None,
    transformers: tuple[Mapping[str, Any], Mapping[str, Any]] | None = None,
    again: Sequence[tuple[str, int]] = (),
    distant: float = 0.0,
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Write a model into ``folder`` and give its description. ``groups`` are names that one of the readers does not
    see. ``network`` None trains one where torch is here. ``transformers``: what ``Transformer`` stores, of one that was
    not taught the texts of ``held_out`` and of one that was taught all; for ``MANY`` texts or more. ``again``: texts
    that speak about contempt with the labels of somebody who read them, where ``labels`` go by words; none for a model
    that reads once. ``distant``: log-odds that are not believed of texts that name no group and speak to nobody, where
    few such were taught. The name in the description is ``name`` and a short hash of what was learned. Raises
    NotEnoughData."""
    progress = progress or Silent()
    wanted = np.array(labels, dtype=np.int64)
    if transformers is not None and len(texts) < MANY:
        what = f"{len(texts)} labelled texts are too few to weigh a transformer"
        raise NotEnoughData(what, fix=f"give at least {MANY}, or train without one")
    if len(texts) < FEWEST or min(int(wanted.sum()), int((1 - wanted).sum())) < len(texts) / 10:
        what = f"{len(texts)} labelled texts, {int(wanted.sum())} of them offending"
        raise NotEnoughData(what, fix=f"give at least {FEWEST}, a tenth of them or more with each label")
    with progress.task("reading", len(texts)) as done:
        plain = []
        for text in texts:
            plain.append(views(text).tight.text)
            done(1)
    fewest = min(len({text for text, one in zip(plain, wanted, strict=True) if one == label}) for label in (0, 1))
    if fewest < FEWEST // 10:
        what = f"only {fewest} labelled texts of one label differ"
        raise NotEnoughData(what, fix=f"give at least {FEWEST // 10} different ones with each label")
    names = names_pattern(groups)
    if network is None:
        network = importlib.util.find_spec("torch") is not None
    vectors = None if encoder is None else encoder.encode(plain, progress)
    texts_ = _Texts(plain, [masked(text, names) for text in plain], vectors, wanted, names, network, seed)
    parts = held_out(plain, seed)
    read = [texts_.said(texts_.taught(~held, 1, progress), held) for held in parts]
    said = {name: np.concatenate([one[name] for one in read]) for name in read[0]}
    if transformers is not None:
        (held,) = parts
        said[TRANSFORMER] = Transformer(transformers[0]).scores([plain[row] for row in np.flatnonzero(held)])
    labels_held = np.concatenate([wanted[held] for held in parts])
    # Weighed as they were without the texts held out, the readers learn once more, from all of them.
    arrays, last = texts_.taught(np.ones(len(plain), dtype=np.bool_), TIMES, progress)
    if transformers is not None:
        arrays |= {f"{TRANSFORMER}.{key}": array for key, array in transformers[1].items()}
    described: dict[str, Any] = {
        "format": FORMAT,
        "name": name,
        "languages": list(languages),
        "distant": distant,
        "seed": seed,
        "texts": len(plain),
        "held": len(labels_held),
        "encoder": None if encoder is None else encoder.model_id,
        "groups": list(groups),
        "alphabet": last.alphabet,
        GRAMS: [last.grams.scale, last.grams.bias],
        MASKED: [last.masked.scale, last.masked.bias],
        "weighings": [_weighing(some, said, labels_held) for some in _sets(said)],
    }
    if again:
        second = learn_second([views(text).tight.text for text, _ in again], [label for _, label in again], seed)
        described[SECOND] = second.described
        arrays |= {f"{SECOND}.known": second.known, f"{SECOND}.weights": second.weights}
    described["name"] = f"{name}-{_hash(arrays)}"
    _write(folder, described, arrays)
    return described


def held_out(texts: Sequence[str], seed: int) -> list[Flags]:
    """Which texts are held out: once, or each once."""
    drawn = np.array([zlib.crc32(f"{seed}:{text}".encode()) / 2**32 for text in texts])
    if len(texts) >= MANY:
        return [drawn < HELD]
    return [(drawn * PARTS).astype(int) == part for part in range(PARTS)]


@dataclass(frozen=True)
class _Learned:
    grams: Grams
    masked: Grams
    networks: Sequence[Network]
    sentences: Sentences | None
    alphabet: str


@dataclass(frozen=True)
class _Texts:
    """All labelled texts as readers take them."""

    plain: list[str]
    hidden: list[str]
    vectors: Floats | None
    labels: Longs
    names: re.Pattern[str] | None
    network: bool
    seed: int

    def taught(self, chosen: Flags, times: int, progress: Progress) -> tuple[dict[str, Any], _Learned]:
        """What the readers learn from the ``chosen`` texts: arrays to store, and the readers as they are read back.
        Those that begin at random learn so many ``times``, and their mean counts."""
        arrays: dict[str, Any] = {}
        pair = [_grams(texts, self.labels, chosen, self.seed) for texts in (self.plain, self.hidden)]
        for part, one in zip((GRAMS, MASKED), pair, strict=True):
            arrays |= {f"{part}.known": one.known, f"{part}.weights": one.weights}
        networks = []
        if self.network:
            from zhiyin.scenarios.community.moderation.classifier.network_training import train_network

            learned = [text for text, in_ in zip(self.plain, chosen, strict=True) if in_]
            for place in range(times):
                made = train_network(learned, self.labels[chosen], self.names, self.seed + place, progress)
                stored = packed(made.arrays)
                arrays |= {f"{NETWORK}.{place}.{key}": value for key, value in stored.items()}
                networks.append(Network(made.alphabet, unpacked(stored)))
        sentences = None
        if self.vectors is not None:
            stored = packed(_sentences(self.vectors[chosen], self.labels[chosen], self.seed, times).arrays)
            arrays |= {f"{SENTENCES}.{key}": value for key, value in stored.items()}
            sentences = Sentences(unpacked(stored))
        alphabet = networks[0].alphabet if networks else ""
        return arrays, _Learned(pair[0], pair[1], networks, sentences, alphabet)

    def said(self, learned: tuple[dict[str, Any], _Learned], held: Flags) -> dict[str, Any]:
        """What each reader says of the texts ``held`` out."""
        _, readers = learned
        plain, hidden = (
            [text for text, out in zip(texts, held, strict=True) if out] for texts in (self.plain, self.hidden)
        )
        said: dict[str, Any] = {
            GRAMS: np.array([readers.grams.score(text) for text in plain]),
            MASKED: np.array([readers.masked.score(text) for text in hidden]),
        }
        if readers.networks:
            said[NETWORK] = np.array([np.mean([one.score(text) for one in readers.networks]) for text in plain])
        if readers.sentences is not None and self.vectors is not None:
            said[SENTENCES] = readers.sentences.scores(self.vectors[held])
        return said


def _grams(texts: Sequence[str], labels: Longs, taught: Flags, seed: int) -> Grams:
    from scipy import sparse
    from sklearn.linear_model import LogisticRegression

    runs = [np.unique(hashes_of(text)[0]) for text, in_ in zip(texts, taught, strict=True) if in_]
    known, counts = np.unique(np.concatenate(runs), return_counts=True)
    known = known[counts >= SEEN]
    columns = []
    for one in runs:
        places = np.minimum(np.searchsorted(known, one), len(known) - 1)
        columns.append(places[known[places] == one])
    # liblinear takes places of 32 bits alone.
    ends = np.concatenate(([0], np.cumsum([len(one) for one in columns]))).astype(np.int32)
    flat = np.concatenate(columns).astype(np.int32)
    counted = sparse.csr_array((np.ones(len(flat)), flat, ends), shape=(len(runs), len(known)))
    wanted = labels[taught]
    for_, against = 1 + wanted @ counted, 1 + (1 - wanted) @ counted
    ratios = np.log((for_ / for_.sum()) / (against / against.sum()))
    fitted = LogisticRegression(C=RIDGE, solver="liblinear", random_state=seed).fit(
        sparse.csr_matrix((ratios[flat], flat, ends), shape=counted.shape), wanted
    )
    weights = fitted.coef_[0] * ratios
    scale = max(float(np.abs(weights).max()), 1e-8) / 127
    rounded = np.round(weights / scale).astype(np.int8)
    kept = rounded != 0
    return Grams(known[kept], rounded[kept], scale, float(fitted.intercept_[0]))


def _sentences(vectors: Floats, labels: Longs, seed: int, times: int) -> Sentences:
    import warnings

    from sklearn.exceptions import ConvergenceWarning
    from sklearn.neural_network import MLPClassifier

    mean, spread = vectors.mean(axis=0), np.maximum(vectors.std(axis=0), 1e-6)
    layers = [
        MLPClassifier(
            (HIDDEN,), alpha=DECAY, max_iter=EPOCHS, batch_size=128, learning_rate_init=5e-4, random_state=seed + place
        )
        for place in range(times)
    ]
    with warnings.catch_warnings():
        # It is stopped before it has converged, on purpose.
        warnings.simplefilter("ignore", ConvergenceWarning)
        for layer in layers:
            layer.fit((vectors - mean) / spread, labels)
    # The standardisation goes into the layer; of several the mean counts.
    hidden = np.concatenate([layer.coefs_[0] for layer in layers], axis=1) / spread[:, None]
    arrays = {
        "hidden": hidden,
        "hidden_bias": np.concatenate([layer.intercepts_[0] for layer in layers]) - mean @ hidden,
        "out": np.concatenate([layer.coefs_[1][:, 0] for layer in layers]) / times,
        "bias": np.mean([layer.intercepts_[1] for layer in layers], axis=0),
    }
    return Sentences({key: value.astype(np.float32) for key, value in arrays.items()})


def _sets(said: dict[str, Any]) -> list[tuple[str, ...]]:
    """The readers that may be at hand together: those with files of their own always, the encoder or not."""
    whole = tuple(said)
    return [whole] + ([tuple(one for one in whole if one != SENTENCES)] if SENTENCES in said else [])


def _weighing(readers: tuple[str, ...], said: dict[str, Any], labels: Longs) -> dict[str, Any]:
    """Logistic regression over what the readers said of texts held out: weights and calibration at once."""
    from sklearn.linear_model import LogisticRegression

    given = np.clip(np.stack([said[name] for name in readers], axis=1), -WORST, WORST)
    heard = np.ones(len(readers), dtype=bool)
    while True:
        fitted = LogisticRegression(C=1.0).fit(given * heard, labels)
        # A reader that speaks against what it was taught was taught too little: it is not heard.
        wrong = heard & (fitted.coef_[0] < 0)
        if not wrong.any():
            break
        heard &= ~wrong
    weights = fitted.coef_[0] * heard
    odds = given @ weights + fitted.intercept_[0]
    return {
        "readers": list(readers),
        "weights": weights.tolist(),
        "bias": float(fitted.intercept_[0]),
        "accuracy": float(((odds > 0) == labels).mean()),
        "curve": curve(1 / (1 + np.exp(-odds)), labels),
    }


def curve(probabilities: NDArray[np.float64], labels: Longs) -> list[list[float]]:
    """For rising precisions: the precision, the least probability from which on all texts together reach it, and the
    share of the offending ones found; precisions that are never reached are left out."""
    order = np.argsort(-probabilities, kind="stable")
    hits = np.cumsum(labels[order])
    reached = hits / np.arange(1, len(order) + 1)
    made = []
    for precision in PRECISIONS:
        places = np.flatnonzero(reached >= precision)
        # Of a handful of texts a precision says nothing.
        if len(places) and hits[places[-1]] >= 20:
            last = places[-1]
            least, recall = float(probabilities[order[last]]), float(hits[last] / labels.sum())
            made.append([precision, round(least, 4), round(recall, 4)])
    return made


def _hash(arrays: Mapping[str, Any]) -> str:
    """Eight hexadecimal digits that differ where what was learned does."""
    digest = hashlib.sha256()
    for name in sorted(arrays):
        digest.update(name.encode())
        digest.update(np.ascontiguousarray(arrays[name]).tobytes())
    return digest.hexdigest()[:8]


def _write(folder: Path, described: dict[str, Any], arrays: dict[str, Any]) -> None:
    from safetensors.numpy import save_file

    folder.mkdir(parents=True, exist_ok=True)
    save_file({key: np.ascontiguousarray(value) for key, value in arrays.items()}, folder / "model.safetensors")
    text = json.dumps(described, ensure_ascii=False, indent=1)
    (folder / "model.json").write_text(text + "\n", encoding="utf-8")
