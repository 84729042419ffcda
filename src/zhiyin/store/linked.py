"""The links of a few people, at the moment they are asked for: ``SqlStore.linked``."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import or_, select

from zhiyin.store.dialect import IN_LIST
from zhiyin.store.part import Part
from zhiyin.store.schema import links


class Linked(Part):
    def of(self, user_ids: Sequence[str], most: int) -> dict[str, dict[str, float]]:
        """With whom each of ``user_ids`` is linked, whichever way the link leads, and how closely: the two ways
        summed, at most 1, the ``most`` closest, above 0. People linked with nobody are left out."""
        found: dict[str, dict[str, float]] = {}
        asked = set(user_ids)
        keys = sorted(asked)
        for start in range(0, len(keys), IN_LIST):
            some = keys[start : start + IN_LIST]
            which = or_(links.c.user_id.in_(some), links.c.other_id.in_(some))
            query = select(links.c.user_id, links.c.other_id, links.c.weight).where(which, links.c.weight > 0)
            part = set(some)
            for one, other, weight in self._rows(query):
                if one == other:
                    continue
                # A link between two of them is found again in the part of the other.
                for person, mate in ((one, other), (other, one)):
                    if person in part:
                        own = found.setdefault(person, {})
                        own[mate] = min(1.0, own.get(mate, 0.0) + float(weight))
        return {person: _closest(own, most) for person, own in found.items()}

    def followed(self, user_id: str) -> list[str]:
        """To whom the links of ``user_id`` lead, by id."""
        query = select(links.c.other_id).where(links.c.user_id == user_id, links.c.weight > 0)
        return [row[0] for row in self._rows(query.order_by(links.c.other_id))]


def _closest(own: dict[str, float], most: int) -> dict[str, float]:
    if len(own) <= most:
        return own
    return dict(sorted(own.items(), key=lambda pair: (-pair[1], pair[0]))[:most])
