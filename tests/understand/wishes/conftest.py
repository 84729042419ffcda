"""Two catalogues that wishes are held against: MovieLens-100K, and a small bookshop in two languages."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest

from zhiyin import assets
from zhiyin.config import EncoderSettings
from zhiyin.errors import AssetError
from zhiyin.ports import Store
from zhiyin.store import open_store
from zhiyin.types import Catalogue, ItemFeatures, Tier
from zhiyin.understand.cache import encode_catalogue
from zhiyin.understand.encoder import make_encoder
from zhiyin.understand.texts import item_text
from zhiyin.understand.wishes.matcher import Matcher
from zhiyin.understand.wishes.vocabulary import Vocabulary


def catalogue_of(titles: list[str], categories: list[list[str]], texts: list[str] | None = None) -> Catalogue:
    texts = texts or [item_text(title, None, kinds) for title, kinds in zip(titles, categories, strict=True)]
    return Catalogue(titles, categories, texts, None, np.zeros(len(titles), dtype=np.bool_))


@dataclass(frozen=True)
class Films:
    catalogue: Catalogue
    attributes: list[str]
    vocabulary: Vocabulary

    def rows(self, category: str) -> set[int]:
        return {row for row, kinds in enumerate(self.catalogue.categories) if category in kinds}


@pytest.fixture(scope="session")
def films() -> Films:
    try:
        folder = assets.get("movielens-100k")
    except AssetError as absent:
        pytest.skip(f"MovieLens-100K cannot be fetched here: {absent.line}")
    lines = (folder / "ml-100k.item").read_text(encoding="utf-8").splitlines()[1:]
    cells = [line.split("\t") for line in lines]
    catalogue = catalogue_of([cell[1] for cell in cells], [cell[3].split() for cell in cells])
    attributes = [json.dumps({"release_year": cell[2]}) for cell in cells]
    return Films(catalogue, attributes, Vocabulary.of(catalogue, attributes))


@pytest.fixture(scope="session")
def film_words(films: Films) -> Vocabulary:
    return films.vocabulary


@pytest.fixture(scope="session")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Store]:
    folder: Path = tmp_path_factory.mktemp("wishes")
    opened = open_store("sqlite:///wishes.db", folder)
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def matcher(films: Films, store: Store) -> Matcher:
    """On English vectors, with the multilingual encoder for other scripts: as the demo runs it."""
    settings = EncoderSettings()
    try:
        encoder = make_encoder(settings, films.catalogue.texts)
    except AssetError as absent:
        pytest.skip(f"the text encoder cannot be fetched here: {absent.line}")
    assert encoder is not None
    vectors = encode_catalogue(films.catalogue.texts, encoder, store)
    catalogue = replace(films.catalogue, vectors=vectors)
    return Matcher.of(catalogue, films.vocabulary, store, settings, encoder.model_id)


BOOKS = [
    ("三体", ["科幻", "小说"], {"author": "刘慈欣", "year": 2008}),
    ("球状闪电", ["科幻", "小说"], {"author": "刘慈欣", "year": "2004-06"}),
    ("The Shining", ["Horror", "Novels"], {"author": "Stephen King", "year": 1977}),
    ("Misery loves company", ["Horror"], {"author": ["Stephen King", "Peter Straub"], "year": 1984}),
    ("A Short Horror Reader by Jane Doe", [], {}),
    ("Poems/Sonnets", ["Poetry"], {"author": "William Shakespeare"}),
    ("恐怖故事集", [], {"author": "佚名"}),
    ("Cosmos", ["Science"], {"author": "Carl Sagan", "publisher": "Random House", "year": 1980}),
]


@pytest.fixture(scope="session")
def books() -> Matcher:
    """Without text vectors; the last book's features say that it is about space."""
    catalogue = catalogue_of([title for title, _, _ in BOOKS], [list(kinds) for _, kinds, _ in BOOKS])
    features: list[ItemFeatures | None] = [None] * len(BOOKS)
    features[-1] = ItemFeatures("en", {"t1": 1.0}, {"mood": "calm"}, "", [], Tier.NONE)
    attributes = [json.dumps(given, ensure_ascii=False) for _, _, given in BOOKS]
    vocabulary = Vocabulary.of(catalogue, attributes, features, {"t1": "space travel"})
    return Matcher(catalogue, vocabulary)
