"""Few-shot topics: two moons of points that a straight line cannot part, later texts, refusals, and letters alone."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from zhiyin.errors import ModelError, NotEnoughData
from zhiyin.types import Floats, Ints
from zhiyin.understand.fusion import Fusion
from zhiyin.understand.letters import LetterVectors
from zhiyin.understand.text_graph import TextGraph
from zhiyin.understand.topics import TopicClassifier, TopicSettings

FEW = TopicSettings(neighbours=5, power=8, borders=0, balance=0)


def bands(count: int = 300) -> tuple[Floats, Ints]:
    """Points along two bent bands on a sphere, side by side; the topic is the band."""
    random = np.random.default_rng(0)
    topic = np.arange(count) % 2
    along = random.uniform(0, 2.5, count)
    angle = 0.25 + 0.5 * topic + random.normal(0, 0.03, count)
    points = np.stack([np.cos(angle) * np.cos(along), np.cos(angle) * np.sin(along), np.sin(angle)], axis=1)
    return points.astype(np.float32), topic.astype(np.int32)


def with_examples(topic: Ints, examples: list[int]) -> Ints:
    labels = np.full(len(topic), -1, dtype=np.int32)
    labels[examples] = topic[examples]
    return labels


def share(found: Floats, topic: Ints) -> float:
    return float((found.argmax(axis=1) == topic).mean())


def test_labels_flow_along_the_bands() -> None:
    points, topic = bands()
    along = np.arctan2(points[:, 1], points[:, 0])
    # One example at either end of each band: opposite ends, so that the nearest example is often of the other topic.
    first = int(np.argmin(np.where(topic == 0, along, 9)))
    second = int(np.argmax(np.where(topic == 1, along, -9)))
    model = TopicClassifier(FEW).fit([points], with_examples(topic, [first, second]))
    nearest = (points @ points[[first, second]].T).argmax(axis=1)
    assert (nearest == topic).mean() < 0.7
    assert share(model.probabilities, topic) > 0.95
    np.testing.assert_allclose(model.probabilities.sum(axis=1), 1, rtol=1e-5)
    assert (model.probabilities[[first, second]] == np.eye(2)).all()


def test_later_texts_and_a_sample_in_the_graph() -> None:
    points, topic = bands(600)
    labels = with_examples(topic, list(range(20)))
    whole = TopicClassifier(FEW).fit([points[:400]], labels[:400])
    assert share(whole.predict([points[400:]]), topic[400:]) > 0.95
    sampled = TopicClassifier(FEW.model_copy(update={"graph_texts": 200})).fit([points], labels)
    assert sampled.probabilities.shape == (600, 2)
    assert share(sampled.probabilities, topic) > 0.95


def test_the_same_again_and_a_graph_made_before() -> None:
    points, topic = bands()
    labels = with_examples(topic, list(range(10)))
    model = TopicClassifier()
    first = model.fit([points], labels).probabilities
    assert (first == TopicClassifier().fit([points], labels).probabilities).all()
    assert (first == TopicClassifier().fit([points], labels, graph=model.graph_of([points])).probabilities).all()


def test_examples_alone_are_a_regression() -> None:
    points, topic = bands(40)
    model = TopicClassifier().fit([points], topic)
    assert share(model.predict([bands(200)[0]]), bands(200)[1]) > 0.9


def test_balance_makes_topics_alike() -> None:
    random = np.random.default_rng(1)
    points = random.standard_normal((500, 4)).astype(np.float32)
    labels = np.full(500, -1, dtype=np.int32)
    labels[:4] = [0, 0, 0, 1]
    sizes: list[float] = []
    for balance in (0.0, 1.0):
        settings = TopicSettings(balance=balance)
        sizes.append(float(TopicClassifier(settings).fit([points], labels).probabilities[:, 0].mean()))
    assert abs(sizes[1] - 0.5) < 0.02
    assert abs(sizes[1] - 0.5) < abs(sizes[0] - 0.5)


def test_a_text_without_vectors_says_nothing() -> None:
    points, topic = bands()
    points[50] = 0
    model = TopicClassifier().fit([points], with_examples(topic, list(range(10))))
    np.testing.assert_allclose(model.probabilities[50], 0.5, atol=1e-3)
    np.testing.assert_allclose(model.predict([np.zeros((1, 3), dtype=np.float32)]), 0.5, atol=1e-3)
    assert model.predict([np.zeros((0, 3), dtype=np.float32)]).shape == (0, 2)


@pytest.mark.parametrize("labels", [[-1, -1, -1, -1], [0, 0, -1, -1], [0, 2, -1, -1]])
def test_every_topic_needs_an_example(labels: list[int]) -> None:
    with pytest.raises(NotEnoughData, match="every topic needs an example"):
        TopicClassifier().fit([np.eye(4, dtype=np.float32)], np.array(labels, dtype=np.int32))


def test_views_must_be_of_the_same_texts() -> None:
    with pytest.raises(ModelError, match="views must be of the same texts"):
        Fusion([np.eye(4, dtype=np.float32), np.eye(3, dtype=np.float32)])


def test_fusion_by_hand() -> None:
    left = np.array([[1, 0], [0, 1], [0, 0]], dtype=np.float32)
    right = np.array([[2.0], [4.0], [0.0]], dtype=np.float32)
    fused = Fusion([left, right], [1.0, 2.0])([left, right])
    half = 0.5**0.5
    expected: NDArray[np.float64] = np.array([[half, -half, -2], [-half, half, 2], [0, 0, 0]]) / 5**0.5
    np.testing.assert_allclose(fused, expected, atol=1e-6)


def test_flow_on_a_line() -> None:
    """Four nodes in a row: the label of the first reaches the second before the third."""
    angles = np.array([0, 0.3, 0.6, 1.5])
    nodes = np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)
    reached = TextGraph(nodes, 1, 1.0).spread(np.eye(4, 1, dtype=np.float32), 0.5, 2)[:, 0]
    assert reached[0] > reached[1] > reached[2] > 0
    assert reached[3] == 0


def test_letters_bring_like_spelling_together() -> None:
    texts = [
        "股市大盘今日下跌",
        "A股大盘收盘下跌",
        "球队昨夜赢得比赛",
        "球队输掉昨夜比赛",
        "red shoes sale",
        "red shoes",
    ]
    letters = LetterVectors().fit(texts)
    rows = Fusion([letters(texts)])([letters(texts)])
    cosines = rows @ rows.T
    np.fill_diagonal(cosines, -1)
    assert cosines.argmax(axis=1).tolist() == [1, 0, 3, 2, 5, 4]
    assert not letters(["", "ξψ"]).any()
    assert not LetterVectors().fit(["", ""])(["", "a"]).any()
