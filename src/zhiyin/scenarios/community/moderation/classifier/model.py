"""The classifier: several readers of one text, weighed against each other and calibrated on texts held out of training.

A model is a folder of ``model.json`` and ``model.safetensors``. Readers that are not at hand (no sentence encoder) are
left out, and the others are weighed as was measured without them.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError

from zhiyin.errors import ModelError
from zhiyin.ports import Encoder
from zhiyin.scenarios.community.moderation.classifier.grams import Grams
from zhiyin.scenarios.community.moderation.classifier.network import Network, unpacked
from zhiyin.scenarios.community.moderation.classifier.second import Second
from zhiyin.scenarios.community.moderation.classifier.sentences import Sentences
from zhiyin.scenarios.community.moderation.classifier.transformer import Transformer
from zhiyin.scenarios.community.moderation.view import Views, views
from zhiyin.types import Floats

FORMAT = 1
SHIPPED = Path(__file__).parent / "shipped"
GROUP = "某群"
"""Stands for every name of a group where a reader must not go by which group it is."""
GRAMS, MASKED, NETWORK, SENTENCES, TRANSFORMER = "grams", "masked", "network", "sentences", "transformer"
SECOND = "second"
WORST = 12.0
"""Log-odds beyond this say no more."""
BROKEN = (OSError, ValueError, KeyError, TypeError, AttributeError, IndexError, RecursionError, SafetensorError)
"""What reading a damaged model may end in."""
EVIDENCE = 12
"""Signs of a text that are shown as evidence at most."""


@dataclass(frozen=True)
class Weighing:
    """Log-odds = ``bias`` + the sum of ``weights`` [readers] times what each of ``readers`` says."""

    readers: tuple[str, ...]
    weights: tuple[float, ...]
    bias: float
    curve: tuple[tuple[float, float, float], ...]
    """On texts held out: precision, the probability from which on it holds, the recall then; precision rising."""

    def threshold(self, precision: float) -> float:
        """The least probability from which on ``precision`` was reached on texts held out; 1.01 where it never was."""
        return next((least for reached, least, _ in self.curve if reached >= precision), 1.01)

    def recall(self, precision: float) -> float:
        return next((recall for reached, _, recall in self.curve if reached >= precision), 0.0)


@dataclass(frozen=True)
class Read:
    """``probability`` that a text offends, by ``weighing``; ``said`` by each reader (log-odds). ``second``: log-odds of
    the second reading, None where the text does not speak about contempt, or the model reads once."""

    probability: float
    weighing: Weighing
    said: dict[str, float]
    second: float | None = None


class Classifier:
    """Opened by ``open_classifier``. ``encoder`` may be None, and so may ``second``."""

    def __init__(
        self,
        described: dict[str, Any],
        grams: Grams,
        masked: Grams,
        networks: Sequence[Network],
        sentences: Sentences | None,
        encoder: Encoder | None,
        second: Second | None = None,
        transformer: Transformer | None = None,
    ) -> None:
        self.described = described
        self.second = second
        self._grams, self._masked, self._networks, self._sentences = grams, masked, networks, sentences
        self._transformer = transformer
        self._encoder = encoder if sentences is not None else None
        self._weighings = {
            tuple(one["readers"]): Weighing(
                tuple(one["readers"]), tuple(one["weights"]), one["bias"], tuple(map(tuple, one["curve"]))
            )
            for one in described["weighings"]
        }
        if any(len(one.readers) != len(one.weights) for one in self._weighings.values()):
            raise ValueError("readers and their weights do not match")
        if self.readers not in self._weighings:
            what = f"the model was never weighed for the readers {', '.join(self.readers)}"
            raise ModelError(what, fix="train it again with 'zhiyin moderate train'")

    @property
    def name(self) -> str:
        """Which model: part of every decision."""
        return str(self.described["name"])

    @property
    def languages(self) -> list[str]:
        return list(self.described["languages"])

    @property
    def distant(self) -> float:
        """Log-odds that it loses of texts that name no group and speak to nobody, of which it was taught few."""
        return float(self.described.get("distant", 0.0))

    @property
    def readers(self) -> tuple[str, ...]:
        rest = [
            (NETWORK, bool(self._networks)),
            (SENTENCES, self._encoder is not None),
            (TRANSFORMER, self._transformer is not None),
        ]
        return (GRAMS, MASKED, *(name for name, there in rest if there))

    @property
    def weighing(self) -> Weighing:
        return self._weighings[self.readers]

    @cached_property
    def _names(self) -> re.Pattern[str] | None:
        return names_pattern(self.described["groups"])

    def read(self, views: Sequence[Views]) -> list[Read]:
        """One for each text; the transformer and the encoder are asked once for all."""
        texts = [one.tight.text for one in views]
        at_once: dict[str, list[float]] = {}
        if self._transformer is not None and texts:
            at_once[TRANSFORMER] = self._transformer.scores(texts).tolist()
        if self._encoder is not None and self._sentences is not None and texts:
            at_once[SENTENCES] = self._sentences.scores(self._encoder.encode(texts)).tolist()
        found = []
        for place, text in enumerate(texts):
            said = {GRAMS: self._grams.score(text), MASKED: self._masked.score(masked(text, self._names))}
            if self._networks:
                said[NETWORK] = sum(one.score(text) for one in self._networks) / len(self._networks)
            said |= {name: odds[place] for name, odds in at_once.items()}
            second = None if self.second is None else self.second.odds(text)
            found.append(Read(self._weighed(said), self.weighing, said, second))
        return found

    def evidence(self, views: Views) -> tuple[int, int] | None:
        """Where in the original the run of signs stands that speaks most for an offence; None where none does."""
        added = self._grams.by_sign(views.tight.text)
        found = best_run(added)
        return None if found is None else views.tight.span(*found)

    def _weighed(self, said: dict[str, float]) -> float:
        weighing = self.weighing
        odds = weighing.bias + sum(
            weight * float(np.clip(said[name], -WORST, WORST))
            for name, weight in zip(weighing.readers, weighing.weights, strict=True)
        )
        return 1 / (1 + math.exp(-max(-30.0, min(30.0, odds))))


def _within(stored: dict[str, Any], part: str) -> dict[str, Any]:
    return {key.removeprefix(f"{part}."): value for key, value in stored.items() if key.startswith(f"{part}.")}


def best_run(added: Floats) -> tuple[int, int] | None:
    """The run of at most ``EVIDENCE`` places with the largest sum; None where no place adds anything."""
    if not len(added) or float(added.max()) <= 0:
        return None
    sums = np.concatenate(([0.0], np.cumsum(added, dtype=np.float64)))
    best, where = 0.0, None
    for start in range(len(added)):
        ends = sums[start + 1 : start + 1 + EVIDENCE] - sums[start]
        place = int(ends.argmax())
        if ends[place] > best + 1e-9:
            best, where = float(ends[place]), (start, start + place + 1)
    return where


def names_pattern(names: Sequence[str]) -> re.Pattern[str] | None:
    ordered = sorted(names, key=len, reverse=True)
    return re.compile("|".join(map(re.escape, ordered))) if ordered else None


def masked(text: str, names: re.Pattern[str] | None) -> str:
    return text if names is None else names.sub(GROUP, text)


def open_classifier(folder: Path, encoder: Encoder | None = None) -> Classifier:
    """The model in ``folder``. Raises ModelError where it cannot be read."""
    from safetensors.numpy import load_file

    where, fix = str(folder), "train it again with 'zhiyin moderate train'"
    try:
        described = json.loads((folder / "model.json").read_text(encoding="utf-8"))
        if described.get("format") != FORMAT:
            raise ModelError(f"the model has the format {described.get('format')}, not {FORMAT}", where=where, fix=fix)
        if missing := {"name", "languages", "groups", "encoder"} - described.keys():
            raise ValueError(f"{', '.join(sorted(missing))} is missing")
        stored = load_file(folder / "model.safetensors")
        for name, array in stored.items():
            if array.dtype.kind == "f" and not np.isfinite(array).all():
                raise ValueError(f"'{name}' has numbers that are none")
        parts = {part: _within(stored, part) for part in (GRAMS, MASKED, NETWORK, SENTENCES, TRANSFORMER, SECOND)}
        grams, hidden = (
            Grams(parts[name]["known"], parts[name]["weights"], *described[name]) for name in (GRAMS, MASKED)
        )
        places = sorted({key.split(".")[0] for key in parts[NETWORK]})
        networks = [Network(described["alphabet"], unpacked(_within(parts[NETWORK], place))) for place in places]
        sentences = Sentences(unpacked(parts[SENTENCES])) if parts[SENTENCES] else None
        second = None
        if parts[SECOND]:
            told = described[SECOND]
            second = Second(tuple(told["words"]), **parts[SECOND], scale=told["scale"], bias=told["bias"])
        transformer = Transformer(parts[TRANSFORMER]) if parts[TRANSFORMER] else None
        found = Classifier(described, grams, hidden, networks, sentences, encoder, second, transformer)
        # What is missing or of another size is noticed here, not by whoever asks first.
        found.read([views("试")])
        return found
    except BROKEN as broken:
        raise ModelError(f"the model cannot be read: {broken!r}", where=where, fix=fix) from broken
