"""Text vectors that a wish is held against: the catalogue's own, and others for scripts its encoder cannot read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from zhiyin.config import EncoderSettings
from zhiyin.ports import Encoder, Progress, Store
from zhiyin.types import Catalogue, Floats
from zhiyin.understand.cache import encode_catalogue
from zhiyin.understand.encoder import E5, MULTILINGUAL, make_encoder
from zhiyin.understand.script import choose

HIGH = 4.0
"""Standard deviations above the mean cosine at which a text counts as saying just what was asked."""


@dataclass(frozen=True)
class Space:
    """An encoder and the catalogue's vectors by it, float32 [n, d], rows of unit length or zeros."""

    encoder: Encoder
    vectors: Floats

    def likeness(self, text: str) -> Floats:
        """How much each item's text is about ``text``, float32 [n] in [0, 1]: standard deviations of its cosine above
        the catalogue's mean, out of ``HIGH``. Zeros for a blank text and for items without text."""
        return scaled(self.vectors, self.encoder.encode([text])[0])


def scaled(vectors: Floats, asked: Floats) -> Floats:
    """Likeness of rows to one vector, float32 [n] in [0, 1]; see ``Space.likeness``."""
    known = vectors.any(axis=1)
    result = np.zeros(len(vectors), dtype=np.float32)
    if not asked.any() or known.sum() < 2:
        return result
    cosines = vectors[known] @ asked
    spread = float(cosines.std())
    if spread > 1e-6:
        result[known] = np.clip((cosines - cosines.mean()) / (HIGH * spread), 0, 1)
    return result


def multilingual_space(
    catalogue: Catalogue, store: Store, settings: EncoderSettings, progress: Progress | None = None
) -> Callable[[], Space | None]:
    """The multilingual encoder over "title, category, category", made when first asked for; its vectors are kept in
    the store. None where its files are not here or text encoders are switched off."""

    def make() -> Space | None:
        from zhiyin.errors import AssetError

        if settings.model == "none":
            return None
        texts = [
            ", ".join([title, *kinds]) for title, kinds in zip(catalogue.titles, catalogue.categories, strict=True)
        ]
        try:
            encoder = make_encoder(settings.model_copy(update={"model": "multilingual"}), texts, progress)
        except AssetError:
            return None
        return None if encoder is None else Space(encoder, encode_catalogue(texts, encoder, store, progress))

    return make


def catalogue_space(
    catalogue: Catalogue, settings: EncoderSettings, encoder_id: str | None, progress: Progress | None = None
) -> Space | None:
    """The catalogue's own vectors with the encoder that made them, ``encoder_id``; None where the catalogue has none,
    or the encoder of the settings is another one or cannot be had."""
    from zhiyin.errors import ZhiyinError

    if catalogue.vectors is None or encoder_id is None:
        return None
    try:
        encoder = make_encoder(settings, catalogue.texts, progress)
    except ZhiyinError:
        return None
    same = encoder is not None and encoder.model_id == encoder_id
    return Space(encoder, np.asarray(catalogue.vectors)) if same and encoder is not None else None


def reads_latin_only(space: Space | None, catalogue: Catalogue) -> bool:
    """Whether the catalogue's encoder cannot be trusted with another script: it is none of ours for many languages, and
    the catalogue itself is written in Latin letters."""
    if space is not None and space.encoder.model_id.startswith((MULTILINGUAL, E5)):
        return False
    return choose(catalogue.texts) == "english"
