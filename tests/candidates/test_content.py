from __future__ import annotations

import numpy as np
import pytest

from zhiyin.candidates import content
from zhiyin.candidates.content import ContentKNN
from zhiyin.errors import ModelError
from zhiyin.testing.fixtures import BLACK_TEA, GREEN_TEA, HEADPHONES, NEW_TEA, NO_TEXT, SPEAKER, chain, shop
from zhiyin.types import Histories


def test_new_item_is_reached_by_its_text() -> None:
    data = shop()
    items = data.interactions.items
    model = ContentKNN().fit(data)
    rows, _ = model.top_k(Histories.of([[items.row(GREEN_TEA)], [items.row(HEADPHONES)]]), 2)
    assert {items.ids[row] for row in rows[0]} == {NEW_TEA, BLACK_TEA}
    assert items.ids[rows[1, 0]] == SPEAKER


def test_item_without_text_has_no_neighbours() -> None:
    data = shop()
    silent = data.interactions.items.row(NO_TEXT)
    model = ContentKNN().fit(data)
    assert not model.matrix.toarray()[silent].any()
    assert not model.matrix.toarray()[:, silent].any()


def test_weights_are_powers_of_the_cosine() -> None:
    data = shop()
    vectors = data.catalogue.vectors
    assert vectors is not None
    expected = np.maximum(vectors @ vectors.T, 0) ** 3
    np.fill_diagonal(expected, 0)
    assert ContentKNN(power=3).fit(data).matrix.toarray() == pytest.approx(expected, rel=1e-5)


def test_keeps_the_closest_only() -> None:
    data = shop()
    full = ContentKNN(power=1).fit(data).matrix.toarray()
    matrix = ContentKNN(power=1, neighbours=2).fit(data).matrix
    for row in range(data.interactions.n_items):
        kept = matrix.indices[matrix.indptr[row] : matrix.indptr[row + 1]]
        best = np.argsort(-full[row], kind="stable")[:2]
        assert set(kept) == {column for column in best if full[row, column] > 0}


def test_blocks_join(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = ContentKNN().fit(shop()).matrix.toarray()
    monkeypatch.setattr(content, "CHUNK_CELLS", 20)
    assert ContentKNN().fit(shop()).matrix.toarray() == pytest.approx(whole, rel=1e-5)


def test_without_vectors() -> None:
    with pytest.raises(ModelError, match="needs text vectors"):
        ContentKNN().fit(chain())
