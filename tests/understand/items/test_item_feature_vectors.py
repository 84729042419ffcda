"""Features as words for an encoder and as vectors for the linear core."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from zhiyin.store import open_store
from zhiyin.types import ItemFeatures, Tier
from zhiyin.understand.items import enriched_text, feature_similarity, feature_vectors, features_text
from zhiyin.understand.items.asking import Read
from zhiyin.understand.items.coded import from_json, to_json
from zhiyin.understand.items.features import joined_vectors
from zhiyin.understand.items.taxonomy import Taxonomy, Topic

TAXONOMY = Taxonomy((Topic("t-1", "Hair Care"), Topic("t-2", "茶"), Topic("t-3", "Haircare", merged_into="t-1")))


def features(
    topic: str = "", brand: str = "", audience: tuple[str, ...] = (), language: str = "en", **more: str
) -> ItemFeatures:
    attributes = {**({"brand": brand} if brand else {}), **more}
    return ItemFeatures(language, {topic: 1.0} if topic else {}, attributes, "", list(audience), Tier.NONE)


def test_features_in_words_of_the_item_s_language() -> None:
    english = features("t-3", "OPI", ("women",), volume="5 ml")
    assert features_text(english, TAXONOMY) == "Hair Care. for women. OPI"
    chinese = features("t-2", "立顿", ("women",), "zh")
    assert features_text(chinese, TAXONOMY) == "茶。适合女性。立顿"
    assert features_text(features(), TAXONOMY) == ""


def test_a_text_is_told_only_what_it_does_not_say() -> None:
    one = features("t-1", "OPI", ("women",))
    assert enriched_text("opi red, hair care", one, TAXONOMY) == "opi red, hair care. for women"
    assert enriched_text("red", features(), TAXONOMY) == "red"
    assert enriched_text("", features("t-2"), TAXONOMY) == "茶"


def test_equal_features_are_alike_and_others_are_not() -> None:
    shelf = [
        features("t-1", "OPI"),
        features("t-1", "opi"),
        features("t-2", "立顿"),
        features("t-2", maker="立顿"),
        features(),
    ]
    similar = feature_similarity(shelf).toarray()
    assert np.allclose(similar, similar.T)
    assert np.allclose(similar.diagonal(), 0)
    assert similar[0, 1] > 0.99
    assert similar[2, 3] > 0.99
    assert similar[0, 2] == 0
    assert not similar[4].any()
    vectors = feature_vectors(shelf)
    assert np.allclose(np.linalg.norm(vectors, axis=1), [1, 1, 1, 1, 0])
    assert np.array_equal(vectors[0], vectors[1])
    assert np.array_equal(vectors, feature_vectors(shelf))


def test_few_neighbours_are_kept_and_pairs_are_mutual() -> None:
    shelf = [features("t-1", f"brand {n // 4}") for n in range(40)] + [features()]
    near = feature_similarity(shelf, neighbours=3)
    assert np.diff(near.indptr).max() <= 40
    assert near[0, 1] > near[0, 30]
    assert feature_similarity([]).shape == (0, 0)


def test_joined_vectors_share_the_cosine() -> None:
    texts = np.array([[1, 0], [0.6, 0.8], [0, 0]], dtype=np.float32)
    traits = np.array([[1, 0], [1, 0], [0, 1]], dtype=np.float32)
    joined = joined_vectors(texts, traits, 0.25)
    assert np.isclose(joined[0] @ joined[1], 0.75 * 0.6 + 0.25)
    assert np.allclose(np.linalg.norm(joined, axis=1), 1)


def test_features_come_back_from_the_store(tmp_path: Path) -> None:
    store = open_store("sqlite:///z.db", tmp_path)
    read = Read(features("t-2", "立顿", ("women",), "zh"), "慢生活")
    keys = [f"key/{n} 键" for n in range(1200)]
    store.features.put_features("reader 一", {key: to_json(read) for key in keys})
    store.features.put_features("reader 一", {keys[0]: to_json(Read(features()))})
    found = store.features.features("reader 一", [*keys, "absent"])
    assert len(found) == 1200
    assert from_json(found[keys[1]]) == read
    assert from_json(found[keys[0]]) == Read(features())
    assert store.features.features("another", keys) == {}
    store.features.put_features("reader 一", {})
    store.close()
