"""Every model by name, in the order shown in tables."""

from __future__ import annotations

from zhiyin.candidates.als import ImplicitALS
from zhiyin.candidates.base import Recommender
from zhiyin.candidates.content import ContentKNN
from zhiyin.candidates.item_knn import ItemKNN
from zhiyin.candidates.linear import LinearCore
from zhiyin.candidates.popular import WindowedPopularity
from zhiyin.candidates.rules import SequentialRules

CORE = "linear"
FILLER = "popular"

MODELS: dict[str, type[Recommender]] = {
    model.name: model
    for model in (
        WindowedPopularity,
        ItemKNN,
        ImplicitALS,
        ContentKNN,
        SequentialRules,
        LinearCore,
    )
}
