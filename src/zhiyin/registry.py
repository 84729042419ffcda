"""Every model by name, in the order shown in tables."""

from __future__ import annotations

from zhiyin.candidates.als import ImplicitALS
from zhiyin.candidates.base import Recommender
from zhiyin.candidates.community import CommunityNeighbours
from zhiyin.candidates.content import ContentKNN
from zhiyin.candidates.item_knn import ItemKNN
from zhiyin.candidates.linear import LinearCore
from zhiyin.candidates.popular import WindowedPopularity
from zhiyin.candidates.rules import SequentialRules
from zhiyin.candidates.sequence import SequenceModel
from zhiyin.candidates.sessions import SessionCooccurrence
from zhiyin.candidates.transitions import TimedTransitions
from zhiyin.candidates.trending import Trending
from zhiyin.candidates.user_knn import UserKNN
from zhiyin.candidates.walks import RandomWalks
from zhiyin.interest_scorer import InterestScorer

CORE = "linear"
FILLER = "popular"

MODELS: dict[str, type[Recommender]] = {
    model.name: model
    for model in (
        WindowedPopularity,
        Trending,
        ItemKNN,
        UserKNN,
        CommunityNeighbours,
        RandomWalks,
        ImplicitALS,
        ContentKNN,
        SequentialRules,
        TimedTransitions,
        SessionCooccurrence,
        InterestScorer,
        SequenceModel,
        LinearCore,
    )
}
