"""Every stage by its kind, in the order in which a pipeline usually has them."""

from __future__ import annotations

from zhiyin.rerank.base import Stage
from zhiyin.rerank.boosts import Boost, Bury, Freshness, Novelty
from zhiyin.rerank.calibrated import Calibration
from zhiyin.rerank.diversity import Diversity
from zhiyin.rerank.explore import Explore
from zhiyin.rerank.exposure import Exposure
from zhiyin.rerank.leaving import Available, SeenBefore
from zhiyin.rerank.limited import Limited
from zhiyin.rerank.placing import Cap, Pin
from zhiyin.rerank.repeated import Repeated
from zhiyin.rerank.social.actions import ActionAims
from zhiyin.rerank.social.authors import Authors
from zhiyin.rerank.social.network import Mix, Network
from zhiyin.rerank.social.silence import Silence
from zhiyin.rerank.social.threads import Conversations

KINDS: tuple[type[Stage], ...] = (
    SeenBefore,
    Available,
    Boost,
    Bury,
    Network,
    Limited,
    Silence,
    ActionAims,
    Novelty,
    Freshness,
    Repeated,
    Calibration,
    Authors,
    Diversity,
    Exposure,
    Mix,
    Conversations,
    Cap,
    Pin,
    Explore,
)
STAGES: dict[str, type[Stage]] = {kind.kind: kind for kind in KINDS}
LAST = Explore.kind
"""What stands behind it would change chances that it has logged."""
