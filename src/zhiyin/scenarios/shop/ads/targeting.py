"""Whom a campaign is meant for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any

from zhiyin.rerank.conditions import ABOVE, BELOW, NOT, Where, number_of
from zhiyin.rerank.items import values_of
from zhiyin.scenarios.shop.ads.campaign import Target
from zhiyin.scenarios.shop.ads.knowing import Known


def meant(target: Target, known: Known, surface: str, page: Collection[str]) -> bool:
    """``page`` are the categories of what is looked at, in lower case."""
    if target.surfaces and surface not in target.surfaces:
        return False
    if target.segment is not None and not holds(target.segment, known.attributes):
        return False
    if target.categories:
        wanted = {one.casefold() for one in target.categories}
        if not (wanted & known.categories or wanted.intersection(page)):
            return False
    if target.interests:
        return any(known.interest(one) >= target.interest_at_least for one in target.interests)
    return True


def holds(segment: Where, attributes: Mapping[str, Any]) -> bool:
    """Whether every condition holds for somebody's attributes. Somebody without the attribute is not meant, but by
    ``NAME_not``."""
    for key, wanted in segment.items():
        if isinstance(wanted, float):
            number = number_of(attributes.get(key.removesuffix(BELOW).removesuffix(ABOVE)))
            if not (number < wanted if key.endswith(BELOW) else number > wanted):
                return False
            continue
        own = {one.casefold() for one in values_of(attributes.get(key.removesuffix(NOT)))}
        if bool(own & {one.casefold() for one in wanted}) == key.endswith(NOT):
            return False
    return True
