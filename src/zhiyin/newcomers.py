"""The items that can be recommended right now: those of the bundle, and those that arrived since."""

from __future__ import annotations

from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from zhiyin.bundle import Bundle
from zhiyin.candidates.base import Recommender
from zhiyin.config import Settings
from zhiyin.ports import Encoder, Store
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
        self._encoder = BundleEncoder(bundle, settings)

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
        return self._allowed_now()

    def _allowed_now(self) -> NDArray[np.bool_]:
        allowed = np.zeros(len(self.items), dtype=np.bool_)
        stored, hidden = (self.items.rows(keys) for keys in (self._store.item_ids(), self._store.hidden_items()))
        allowed[stored[stored >= 0]] = True
        allowed[hidden[hidden >= 0]] = False
        return allowed

    def look_again(self) -> None:
        """Read once more what is hidden or deleted."""
        self.__dict__["allowed"] = self._allowed_now()

    def renewed(self) -> Shelf:
        """With the items of this moment; what was loaded to encode texts is shared."""
        other = Shelf(self._store, self._bundle, self._encoder.settings)
        other._encoder = self._encoder
        return other

    def with_newcomers(self, model: Recommender) -> Recommender:
        known = self._bundle.catalogue.vectors
        if not self._new_ids or known is None or self._newcomers.vectors is None:
            return model
        return model.with_newcomers(np.asarray(known), self._newcomers.vectors)

    @cached_property
    def _newcomers(self) -> Catalogue:
        items, order = self._store.items(self._new_ids), IdMap(self._new_ids)
        fresh = read_catalogue(items, order)
        encoder = self._encoder.loaded
        if encoder is None:
            return fresh
        from zhiyin.understand.long_texts import encode_parts

        return with_vectors(fresh, encode_parts(read_parts(items, order), encoder, self._store))


class BundleEncoder:
    """The encoder of a bundle's texts, loaded when the first newcomer comes."""

    def __init__(self, bundle: Bundle, settings: Settings) -> None:
        self._bundle, self.settings = bundle, settings

    @cached_property
    def loaded(self) -> Encoder | None:
        """The bundle's own, whatever script newcomers are in: vectors must share one space. None where it has none, or
        the settings name another by now."""
        bundle = self._bundle
        if bundle.manifest.encoder is None or bundle.catalogue.vectors is None:
            return None
        from zhiyin.understand.encoder import make_encoder

        encoder = make_encoder(self.settings.encoder, bundle.catalogue.texts)
        return encoder if encoder is not None and encoder.model_id == bundle.manifest.encoder else None
