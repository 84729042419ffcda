"""The items that can be recommended right now: those of the bundle, and those that arrived since."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from zhiyin.bundle import Bundle
from zhiyin.candidates.base import Recommender
from zhiyin.config import Settings
from zhiyin.ports import Store
from zhiyin.prepare import read_catalogue, read_parts, with_vectors
from zhiyin.types import Catalogue, IdMap


class Shelf:
    """Bundle items in their rows, newcomers of the store behind them.

    A newcomer is encoded when first met (its vector is cached in the store); without a text encoder it is known by
    name but recommended by nothing until the next training.
    """

    def __init__(self, store: Store, bundle: Bundle, settings: Settings) -> None:
        self._store = store
        self._bundle = bundle
        self._settings = settings

    @cached_property
    def _new_ids(self) -> list[str]:
        # Not told by numbers: one may have been deleted for each that came.
        return [key for key in self._store.item_ids() if key not in self._bundle.items]

    @cached_property
    def items(self) -> IdMap:
        if not self._new_ids:
            return self._bundle.items
        return IdMap([*self._bundle.items.ids, *self._new_ids])

    @cached_property
    def catalogue(self) -> Catalogue:
        known = self._bundle.catalogue
        if not self._new_ids:
            return known
        fresh = self._newcomers
        vectors = None
        if known.vectors is not None and fresh.vectors is not None:
            vectors = np.concatenate((known.vectors, fresh.vectors))
        return Catalogue(
            known.titles + fresh.titles,
            known.categories + fresh.categories,
            known.texts + fresh.texts,
            vectors,
            np.concatenate((known.hidden, fresh.hidden)),
        )

    @cached_property
    def allowed(self) -> NDArray[np.bool_]:
        """Bool [len(items)]: what may be recommended, by the store's word of today; a deleted item is in no list."""
        allowed = np.zeros(len(self.items), dtype=np.bool_)
        stored, hidden = (self.items.rows(keys) for keys in (self._store.item_ids(), self._store.hidden_items()))
        allowed[stored[stored >= 0]] = True
        allowed[hidden[hidden >= 0]] = False
        return allowed

    def with_newcomers(self, model: Recommender) -> Recommender:
        known = self._bundle.catalogue.vectors
        if not self._new_ids or known is None or self._newcomers.vectors is None:
            return model
        return model.with_newcomers(np.asarray(known), self._newcomers.vectors)

    @cached_property
    def _newcomers(self) -> Catalogue:
        items, order = self._store.items(self._new_ids), IdMap(self._new_ids)
        fresh = read_catalogue(items, order)
        if self._bundle.manifest.encoder is None or self._bundle.catalogue.vectors is None:
            return fresh
        from zhiyin.understand.encoder import make_encoder
        from zhiyin.understand.long_texts import encode_parts

        # The bundle's own encoder, whatever script the newcomers are in: vectors must share one space.
        encoder = make_encoder(self._settings.encoder, self._bundle.catalogue.texts)
        if encoder is None or encoder.model_id != self._bundle.manifest.encoder:
            return fresh
        return with_vectors(fresh, encode_parts(read_parts(items, order), encoder, self._store))
