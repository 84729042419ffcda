"""The list as it is shown: recommended items and advertisements, each saying which of the two it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from zhiyin.scenarios.shop.ads.blending import blend
from zhiyin.scenarios.shop.ads.desk import Placed
from zhiyin.scenarios.shop.ads.placing import AdServer
from zhiyin.scenarios.shop.ads.policy import Policy
from zhiyin.types import DEFAULT_SURFACE

if TYPE_CHECKING:
    from zhiyin.recommend import Engine

ITEM, AD = "item", "ad"


@dataclass(frozen=True)
class Mixed:
    """``items`` in order: dictionaries with ``kind`` ("item" or "ad") and ``rank`` from 1; ``ads`` how many of them are
    advertisements."""

    items: list[dict[str, Any]]
    ads: int


def mix(organic: Sequence[Mapping[str, Any]], placed: Sequence[Placed], at: Sequence[int], policy: Policy) -> Mixed:
    """``organic`` are dictionaries with an ``item_id`` and whatever else is told of an item."""
    told: list[dict[str, Any]] = [{**one, "kind": ITEM} for one in organic]
    ads = [_ad(one, policy) for one in placed[: len(at)]]
    items = [{**one, "rank": rank} for rank, one in enumerate(blend(told, ads, at), 1)]
    return Mixed(items, len(ads))


def recommended(
    engine: Engine,
    server: AdServer,
    user_id: str,
    k: int = 10,
    *,
    surface: str = DEFAULT_SURFACE,
    page: Sequence[str] = (),
) -> Mixed:
    """A person's list of ``k`` recommended items with its advertisements, which are noted as shown. Raises what
    ``Engine.recommend`` does."""
    told = [asdict(one) for one in engine.recommend(user_id, k, surface=surface).items]
    placed, at = server.place(engine, user_id, surface, [str(one["item_id"]) for one in told], page=page)
    return mix(told, placed, at, server.office().policy)


def _ad(one: Placed, policy: Policy) -> dict[str, Any]:
    shown = one.creative
    return {
        "kind": AD,
        "label_en": policy.label_en,
        "label_zh": policy.label_zh,
        "show_id": one.show.show_id,
        "campaign": one.show.campaign,
        "creative": shown.id,
        "item_id": shown.item,
        "title": shown.title,
        "text": shown.text,
        "image": shown.image,
        "link": shown.link,
    }
