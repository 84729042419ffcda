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


def restored(bundle: Bundle, name: str) -> Recommender:
    """Model ``name`` of ``bundle``. Raises BundleError where this version does not know it."""
    if name == FusedModel.name:
        params = FusedModel.make_params(bundle.manifest.models[name])
        assert isinstance(params, FusionParams)
        members = {member: restored(bundle, member) for member in params.members}
        return FusedModel(params, members, catalogue=bundle.catalogue).restore(bundle.arrays(name))
    if name not in MODELS:
        raise BundleError(
            f"the bundle's model '{name}' is not known here", where=bundle.manifest.name, fix="train again"
        )
    kind = MODELS[name]
    return kind(kind.make_params(bundle.manifest.models[name])).restore(bundle.arrays(name))


def served(bundle: Bundle, shelf: Shelf) -> ByLength:
    """The served model with what fills it up, for the items that can be recommended right now."""
    filler = restored(bundle, FILLER)
    long = Filled(shelf.with_newcomers(restored(bundle, bundle.manifest.served)), filler)
    if ShortCore.name not in bundle.manifest.models:
        return ByLength(long, long)
    params = ShortCore.make_params(bundle.manifest.models[ShortCore.name])
    short = ShortCore(params).restore(bundle.arrays(ShortCore.name))
    return ByLength(long, Filled(shelf.with_newcomers(short), filler))
