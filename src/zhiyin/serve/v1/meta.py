"""``/v1/``: what answers here."""

from __future__ import annotations

from importlib.metadata import version

from fastapi import APIRouter

from zhiyin.serve.auth import CanRead
from zhiyin.serve.v1.fields import Out
from zhiyin.types import Tier

router = APIRouter(tags=["service"])

TIERS = {"none": Tier.NONE, "embedded": Tier.EMBEDDED, "openai": Tier.REMOTE}


class About(Out):
    version: str
    tenant: str
    """Whose data the key opens."""
    bundle: str | None
    """The bundle that answers; null where nothing is trained, or it is being loaded."""
    ready: bool
    """Whether it is loaded, or it is known that there is none."""
    tier: Tier
    """The kind of language model that is configured: none, embedded or remote."""


@router.get("/", response_model=About)
async def about(tenant: CanRead) -> About:
    """Version, tenant, bundle and language model."""
    live = tenant.live
    tier = TIERS[tenant.settings.llm.provider]
    return About(version=version("zhiyin"), tenant=tenant.name, bundle=live.bundle, ready=live.ready, tier=tier)
