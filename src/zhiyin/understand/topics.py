"""Topics of texts from a few labelled examples each: labels spread over the texts that have none.

Two answers are multiplied: labels that flow along a graph of the texts (``text_graph``), and a logistic regression that
draws straight borders from the examples alone. Texts are seen through several sets of vectors at once (``fusion``).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from zhiyin.errors import NotEnoughData
from zhiyin.types import Floats, Ints
from zhiyin.understand.fusion import Fusion
from zhiyin.understand.text_graph import TextGraph

SMALL = 1e-12
UNKNOWN = -1


class TopicSettings(BaseModel):
    """Chosen on a validation catalogue: see ``benchmarks/zh_topics.py``."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)

    neighbours: int = Field(20, ge=1, le=1000)
    """Nearest others that a text is joined to."""
    power: float = Field(4.0, gt=0, le=64)
    """Weight of a join: cosine to this power; a cosine below 0 joins nothing."""
    spread: float = Field(0.98, gt=0, lt=1)
    """Share of its label that a text takes from its neighbours in one step; the rest is its own example."""
    steps: int = Field(100, ge=1, le=10_000)
    """Steps that labels flow."""
    borders: float = Field(0.5, ge=0, le=4)
    """Power of the logistic regression's probability in the product; 0 leaves it out."""
    softness: float = Field(3.0, gt=0)
    """Inverse of its ridge penalty (C in scikit-learn)."""
    balance: float = Field(0.5, ge=0, le=1)
    """How far topics are made equally large: 1 wholly, 0 not at all."""
    graph_texts: int = Field(30_000, ge=100)
    """Texts in the graph, examples first; the others take their labels from it. Time grows with the square."""


class TopicClassifier:
    """``fit`` with the examples and, where they are at hand, the texts without a label; ``predict`` for texts that come
    later. Where every text is an example there is no graph, and the regression answers alone. The same input gives the
    same output: nothing is drawn at random.

    A label is a number from 0 to topics - 1; -1 says that it is not known. Every topic needs one example at least.
    """

    probabilities: Floats
    """Float32 [n, topics] of the fitted texts, rows sum to 1; an example's own topic has 1."""
    topics: int

    def __init__(self, settings: TopicSettings | None = None) -> None:
        self.settings = settings or TopicSettings()

    def fit(
        self,
        views: Sequence[Floats],
        labels: Ints,
        weights: Sequence[float] | None = None,
        graph: TextGraph | None = None,
    ) -> Self:
        """``views`` are float32 [n, d] each, ``labels`` int [n]; ``weights`` says how much each view counts. ``graph``
        is one made before of the same texts by ``graph_of``; it does not depend on the labels.

        Raises NotEnoughData where a topic has no example or there is only one topic, ModelError for unlike views.
        """
        s = self.settings
        self._fusion = Fusion(views, weights)
        texts = self._fusion(views)
        labels = np.asarray(labels)
        examples = np.flatnonzero(labels > UNKNOWN)
        self.topics = int(labels.max(initial=UNKNOWN)) + 1
        counts = np.bincount(labels[examples], minlength=self.topics)
        if self.topics < 2 or not counts.all():
            raise NotEnoughData(
                "every topic needs an example, and there must be two topics at least", fix="label a text of each topic"
            )
        self._borders = self._regression(texts[examples], labels[examples])
        self._graph = None
        self._scale = np.ones(self.topics, dtype=np.float32)
        if len(examples) == len(labels):
            self.probabilities = self._predict(texts)
        else:
            inside = self._inside(labels)
            self._graph = graph or TextGraph(texts[inside], s.neighbours, s.power)
            seeds = np.zeros((len(labels), self.topics), dtype=np.float32)
            # A topic with more examples is not a larger topic.
            seeds[examples, labels[examples]] = 1 / counts[labels[examples]]
            self._labels = self._graph.spread(seeds[inside], s.spread, s.steps)
            self._scale = _balance(self._product(self._labels, texts[inside]), s.balance)
            outside = np.setdiff1d(np.arange(len(labels)), inside)
            self.probabilities = np.empty((len(labels), self.topics), dtype=np.float32)
            self.probabilities[inside] = self._final(self._labels, texts[inside])
            self.probabilities[outside] = self._predict(texts[outside])
        self.probabilities[examples] = np.eye(self.topics, dtype=np.float32)[labels[examples]]
        return self

    def graph_of(self, views: Sequence[Floats], weights: Sequence[float] | None = None) -> TextGraph:
        """The graph of texts, to be used for several sets of labels; there may be ``graph_texts`` of them."""
        return TextGraph(Fusion(views, weights)(views), self.settings.neighbours, self.settings.power)

    def predict(self, views: Sequence[Floats]) -> Floats:
        """Float32 [m, topics] for texts that were not there in ``fit``, rows sum to 1. A text without vectors gets the
        same probability everywhere."""
        return self._predict(self._fusion(views))

    def _predict(self, texts: Floats) -> Floats:
        if not len(texts):
            return np.zeros((0, self.topics), dtype=np.float32)
        flowed = None if self._graph is None else self._graph.gather(texts, self._labels)
        return self._final(flowed, texts)

    def _final(self, flowed: Floats | None, texts: Floats) -> Floats:
        return _shares(self._product(flowed, texts) * self._scale * texts.any(axis=1, keepdims=True))

    def _product(self, flowed: Floats | None, texts: Floats) -> Floats:
        """Both answers multiplied, [m, topics]; the regression alone without a graph."""
        power = self.settings.borders if flowed is not None else 1.0
        product = np.ones((len(texts), self.topics), dtype=np.float32) if flowed is None else _shares(flowed)
        if power:
            product = product * self._borders.predict_proba(texts).astype(np.float32) ** np.float32(power)
        return _shares(product)

    def _inside(self, labels: Ints) -> NDArray[Any]:
        """Rows of the texts in the graph: all, or the examples and an even sample of the others."""
        if len(labels) <= self.settings.graph_texts:
            return np.arange(len(labels))
        examples, others = np.flatnonzero(labels > UNKNOWN), np.flatnonzero(labels == UNKNOWN)
        room = max(self.settings.graph_texts - len(examples), 0)
        sample = others[np.linspace(0, len(others) - 1, room).astype(int)]
        return np.sort(np.concatenate((examples, sample)))

    def _regression(self, texts: Floats, labels: NDArray[Any]) -> Any:
        from sklearn.linear_model import LogisticRegression

        return LogisticRegression(C=self.settings.softness, class_weight="balanced", max_iter=1000).fit(texts, labels)


def _balance(shares: Floats, strength: float, rounds: int = 100) -> Floats:
    """What to multiply topics with so that they come out equally large, to the power ``strength``: [topics]."""
    scale = np.ones(shares.shape[1])
    for _ in range(rounds if strength else 0):
        sizes = _shares((shares * scale).astype(np.float32)).mean(axis=0)
        scale = scale / (sizes * len(scale) + SMALL)
    powered: Floats = (scale**strength).astype(np.float32)
    return powered


def _shares(values: Floats) -> Floats:
    """Rows that sum to 1; a row without anything is shared out equally."""
    shares: Floats = ((values + SMALL) / (values + SMALL).sum(axis=1, keepdims=True)).astype(np.float32)
    return shares
