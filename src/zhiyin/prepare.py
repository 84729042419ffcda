"""1-3: from the store to training data: clean, map ids, read items, encode their texts."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl

from zhiyin.config import Settings
from zhiyin.errors import NotEnoughData
from zhiyin.ports import Encoder, Progress, Store
from zhiyin.preprocess.clean import CleanReport, clean
from zhiyin.preprocess.dataset import build_interactions
from zhiyin.types import Catalogue, Floats, IdMap, Interactions
from zhiyin.understand.encoder import make_encoder
from zhiyin.understand.long_texts import encode_parts, item_parts
from zhiyin.understand.texts import item_text, plain


@dataclass(frozen=True)
class Prepared:
    """What models learn from. ``fingerprint`` names the data: the same interactions, texts and vectors give the same.
    ``encoder`` is the id of the text encoder, None where none ran."""

    interactions: Interactions
    catalogue: Catalogue
    cleaning: CleanReport
    encoder: str | None
    fingerprint: str


def prepare(store: Store, settings: Settings, progress: Progress) -> Prepared:
    """Everything in ``store``, ready to learn from; a catalogue without a single event is learned by its texts. Raises
    NotEnoughData where there is nothing, and where nothing of the events is left."""
    with progress.task("Reading and cleaning events"):
        events, cleaning = clean(store.events(), settings.preprocess)
        items = store.items()
        if events.is_empty() and (cleaning.rows_in or items.is_empty()):
            raise NotEnoughData(
                "there are no events and no items to learn from" if not cleaning.rows_in else cleaning.line(),
                fix="run 'zhiyin import --events FILE', or loosen [preprocess] in zhiyin.toml",
            )
        interactions = build_interactions(
            events,
            items["item_id"].to_list(),
            half_life_days=settings.preprocess.half_life_days,
            links=store.links(),
        )
    catalogue = read_catalogue(items, interactions.items)
    parts = read_parts(items, interactions.items)
    encoder = make_encoder(settings.encoder, catalogue.texts, progress)
    if encoder is not None:
        catalogue = with_vectors(catalogue, encode_parts(parts, encoder, store, progress))
    name = encoder_name(encoder)
    return Prepared(interactions, catalogue, cleaning, name, fingerprint(interactions, catalogue, parts, name))


def read_catalogue(items: pl.DataFrame, order: IdMap) -> Catalogue:
    """The catalogue without vectors, in the row order of ``order``, from the columns of ``Store.items``."""
    rows = order.rows(items["item_id"].to_list())
    titles, texts = [""] * len(order), [""] * len(order)
    categories: list[list[str]] = [[] for _ in range(len(order))]
    hidden = np.zeros(len(order), dtype=np.bool_)
    columns = items.select("title", "description", "categories", "hidden").iter_rows()
    for row, (title, description, kinds, is_hidden) in zip(rows, columns, strict=True):
        if row >= 0:
            titles[row] = plain(title or "")
            categories[row] = [plain(kind) for kind in kinds or []]
            texts[row] = item_text(title, description, kinds or [])
            hidden[row] = is_hidden
    return Catalogue(titles, categories, texts, None, hidden)


def read_parts(items: pl.DataFrame, order: IdMap) -> list[list[str]]:
    """The texts that stand for each item, in the row order of ``order``: one, or the pieces of a long description."""
    parts = [[""] for _ in range(len(order))]
    columns = items.select("title", "description", "categories").iter_rows()
    for row, given in zip(order.rows(items["item_id"].to_list()), columns, strict=True):
        if row >= 0:
            title, description, kinds = given
            parts[row] = item_parts(title, description, kinds or [])
    return parts


def with_vectors(catalogue: Catalogue, vectors: Floats) -> Catalogue:
    return Catalogue(catalogue.titles, catalogue.categories, catalogue.texts, vectors, catalogue.hidden)


def encoder_name(encoder: Encoder | None) -> str | None:
    return None if encoder is None else encoder.model_id


def fingerprint(
    interactions: Interactions, catalogue: Catalogue, parts: Sequence[Sequence[str]], encoder: str | None
) -> str:
    """Hexadecimal sha256 over ids, histories, links, texts with their ``parts`` and the name of the encoder."""
    digest = hashlib.sha256(repr(encoder).encode())
    long = [text for own in parts if len(own) > 1 for text in own]
    for names in (interactions.users.ids, interactions.items.ids, catalogue.texts, long):
        digest.update("".join(f"{len(name)}:{name}" for name in names).encode("utf-8", "surrogatepass"))
    histories = interactions.histories
    for array in (histories.indptr, histories.items, histories.weights, histories.times, catalogue.hidden):
        digest.update(np.ascontiguousarray(array).tobytes())
    if interactions.links is not None:
        for array in (interactions.links.indptr, interactions.links.indices, interactions.links.data):
            digest.update(np.ascontiguousarray(array).tobytes())
    return digest.hexdigest()
