"""The models of a bundle, ready to answer."""

from __future__ import annotations

from zhiyin.bundle import Bundle
from zhiyin.candidates.base import Recommender
from zhiyin.candidates.fill import Filled
from zhiyin.candidates.short import ByLength, ShortCore
from zhiyin.errors import BundleError
from zhiyin.fused import FusedModel, FusionParams
from zhiyin.newcomers import Shelf
from zhiyin.registry import FILLER, MODELS


class Models:
    """The models of a bundle, each read when first asked for: engines over the same bundle share them."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._read: dict[str, Recommender] = {}

    def get(self, name: str) -> Recommender:
        """Model ``name``. Raises BundleError where this version does not know it."""
        if name not in self._read:
            self._read[name] = self._restored(name)
        return self._read[name]

    def _restored(self, name: str) -> Recommender:
        bundle = self._bundle
        if name == FusedModel.name:
            params = FusedModel.make_params(bundle.manifest.models[name])
            assert isinstance(params, FusionParams)
            members = {member: self.get(member) for member in params.members}
            return FusedModel(params, members, catalogue=bundle.catalogue).restore(bundle.arrays(name))
        if name == ShortCore.name:
            return ShortCore(ShortCore.make_params(bundle.manifest.models[name])).restore(bundle.arrays(name))
        if name not in MODELS:
            raise BundleError(
                f"the bundle's model '{name}' is not known here", where=bundle.manifest.name, fix="train again"
            )
        kind = MODELS[name]
        return kind(kind.make_params(bundle.manifest.models[name])).restore(bundle.arrays(name))


def restored(bundle: Bundle, name: str) -> Recommender:
    """Model ``name`` of ``bundle``, for itself. Raises BundleError where this version does not know it."""
    return Models(bundle).get(name)


def served(bundle: Bundle, shelf: Shelf, models: Models | None = None) -> ByLength:
    """The served model with what fills it up, for the items that can be recommended right now."""
    models = models or Models(bundle)
    filler = models.get(FILLER)
    long = Filled(shelf.with_newcomers(models.get(bundle.manifest.served)), filler)
    if ShortCore.name not in bundle.manifest.models:
        return ByLength(long, long)
    return ByLength(long, Filled(shelf.with_newcomers(models.get(ShortCore.name)), filler))
