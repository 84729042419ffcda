"""Many people's lists at once: one reading of the store, one product of each model, the same lists as one by one."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from zhiyin.answering import Asking, answer, brief
from zhiyin.answers import Recommendation
from zhiyin.arranging import Arranger
from zhiyin.bundle import Bundle
from zhiyin.candidates.short import ByLength
from zhiyin.errors import UsageError, ZhiyinError
from zhiyin.fused import FusedModel
from zhiyin.holding import Conditions, conditions_of, described
from zhiyin.kept import KeptHistories, Known, together
from zhiyin.listing import ListRequest
from zhiyin.newcomers import Shelf
from zhiyin.ordering import Ordered
from zhiyin.pipeline import Ranked
from zhiyin.rank.probability import Probability
from zhiyin.secondopinion import SecondOpinion
from zhiyin.stages import stage
from zhiyin.types import Floats, Histories, Ints

if TYPE_CHECKING:
    import polars as pl

    from zhiyin.rerank.trace import Said
    from zhiyin.store.sql import SqlStore

BATCH = 4096
"""People whose lists are made at once where everybody's are."""
PAIRS = 100_000
"""Places of a list times candidates, up to which each place is held against each candidate: the quicker way for few."""
Answer = Recommendation | ZhiyinError
NOBODY = Histories.of([[]])


@dataclass(frozen=True)
class Many:
    """The parts of an engine that lists of several people need. ``known`` tells the histories of people; ``allowed``
    says what may come out beside the excluded, under conditions. ``alone`` makes one list by itself, for people who
    said something of their profile, or about whom a language model is asked; ``spoken`` the list of somebody who said
    something, without a language model."""

    store: SqlStore
    bundle: Bundle
    shelf: Shelf
    ranker: ByLength
    probability: Probability
    arranger: Arranger
    second: SecondOpinion
    reasons: int
    known: KeptHistories
    allowed: Callable[[Sequence[str], Conditions], NDArray[np.bool_]]
    alone: Callable[[ListRequest], Recommendation]
    spoken: Callable[[str, Histories, int, NDArray[np.bool_], str], Ordered]

    def lists(self, requests: Sequence[ListRequest]) -> list[Answer]:
        """See ``Engine.recommend_many``."""
        try:
            users = list(dict.fromkeys(one.user_id for one in requests if one.user_id is not None))
            with stage("histories"):
                speakers = self.store.profiles.speakers_among(users)
                known = self.known.of(users)
        except ZhiyinError as refused:
            return [refused] * len(requests)
        histories = together([*(one.history for one in known.values()), NOBODY])
        requests = without_had(requests, known)
        places: dict[str | None, int] = {user: place for place, user in enumerate(users)} | {None: len(users)}
        found: dict[ListRequest, Answer] = {}
        groups: dict[tuple[object, ...], dict[ListRequest, int]] = {}
        for one in dict.fromkeys(requests):
            place = places[one.user_id]
            if one.user_id in speakers or self.second.asks(histories.slice(place, place + 1)):
                found[one] = self._alone(one)
            else:
                groups.setdefault(one.alike, {})[one] = place
        if len(groups) > 1:
            self._prepare(histories)
        for group in groups.values():
            some = list(group)
            try:
                own = histories.take(np.fromiter(group.values(), dtype=np.int64, count=len(group)))
                found.update(zip(some, self._together(some, own), strict=True))
            except ZhiyinError as refused:
                found.update(dict.fromkeys(some, refused))
        return [found[one] for one in requests]

    def _alone(self, request: ListRequest) -> Answer:
        try:
            told = self.alone(request)
        except ZhiyinError as refused:
            return refused
        return told if request.reasons else brief(told)

    def _prepare(self, histories: Histories) -> None:
        """Let a combination say of everybody what it has to say, which it keeps: groups then only differ in what may
        come out."""
        rows = np.flatnonzero(histories.lengths)
        if isinstance(self.ranker.long.model, FusedModel) and len(rows):
            few = self.ranker.short is not self.ranker.long
            rows = rows[histories.lengths[rows] > self.ranker.most] if few else rows
            self.ranker.long.top_k(histories.take(rows), 1)

    def _together(self, requests: Sequence[ListRequest], histories: Histories) -> list[Recommendation]:
        """Lists of requests that are ``alike``, from the histories of their people."""
        first = requests[0]
        if first.k < 1:
            raise UsageError(f"asked for the best {first.k} items", fix="ask for 1 or more")
        # Whoever asks for more than there is must not have room made for it.
        k, surface = min(first.k, max(1, len(self.shelf.items))), first.surface
        conditions = conditions_of(first.where)
        pipeline = self.arranger.pipeline(surface)
        allowed = self.allowed(first.exclude, conditions)
        seen = first.include_seen or pipeline.asks_seen
        width = max(k, pipeline.candidates)
        with stage("candidates"):
            rows, scores = self.ranker.top_k(histories, width, exclude_seen=not seen, allowed=allowed)
            chances = self.probability.of(scores, histories.lengths)
        users = [one.user_id for one in requests]
        said: list[dict[int, list[Said]]] = [{} for _ in users]
        with stage("reranking"):
            shown, values, propensities = self.arranger.run_many(
                users, histories, rows, scores, chances, k, allowed, surface, include_seen=first.include_seen, said=said
            )
            chances = aligned(shown, rows, chances)
        told = []
        most = self.reasons if first.reasons else None
        held = described(conditions) if conditions else None
        for place, user in enumerate(users):
            size = int((shown[place] >= 0).sum())
            own = histories.slice(place, place + 1)
            asking = Asking(user, own, self.ranker.of(own).model, most, held=held)
            order = Ordered(shown[place, :size], values[place, :size], {}, chances[place, :size])
            ranked = Ranked(order.rows, order.scores, propensities[place, :size], [], said[place])
            with stage("reasons"):
                told.append(answer(asking, order, self.bundle, self.shelf, surface, ranked))
        return told

    def everyone(
        self, users: Sequence[str], histories: Histories, k: int, exclude: Sequence[str], surface: str
    ) -> Iterator[pl.DataFrame]:
        """See ``Engine.recommend_all``."""
        import polars as pl

        allowed = self.allowed(exclude, ())
        speakers = set(self.store.profiles.speakers())
        pipeline = self.arranger.pipeline(surface)
        ids, names = np.array(self.shelf.items.ids, dtype=object), np.array(users, dtype=object)
        width = max(k, pipeline.candidates)
        for start in range(0, len(users), BATCH):
            some, own = users[start : start + BATCH], histories.slice(start, start + BATCH)
            rows, scores = self.ranker.top_k(own, width, exclude_seen=not pipeline.asks_seen, allowed=allowed)
            chances = self.probability.of(scores, own.lengths)
            rows, scores, _ = self.arranger.run_many(some, own, rows, scores, chances, k, allowed, surface)
            for place in (place for place, user in enumerate(some) if user in speakers):
                order = self.spoken(some[place], own.slice(place, place + 1), k, allowed, surface)
                rows[place], scores[place] = -1, -np.inf
                rows[place, : len(order.rows)], scores[place, : len(order.rows)] = order.rows, order.scores
            taken = rows >= 0
            yield pl.DataFrame(
                {
                    "user_id": np.repeat(names[start : start + BATCH], taken.sum(axis=1)).tolist(),
                    "item_id": ids[rows[taken]].tolist(),
                    "score": scores[taken],
                    "rank": np.cumsum(taken, axis=1)[taken].astype(np.int32),
                },
                schema={"user_id": pl.String, "item_id": pl.String, "score": pl.Float32, "rank": pl.Int32},
            )


def without_had(requests: Sequence[ListRequest], known: Mapping[str, Known]) -> list[ListRequest]:
    """``requests`` with what people turned down among the excluded, where they ask for nothing they had."""
    return [
        replace(one, exclude=(*one.exclude, *known[one.user_id].turned_down))
        if one.had and one.user_id is not None and known[one.user_id].turned_down
        else one
        for one in requests
    ]


def aligned(shown: Ints, rows: Ints, chances: Floats) -> Floats:
    """``chances`` [B, c] of ``rows`` [B, c] in the order of ``shown`` [B, k], NaN for what is not among them."""
    cells = shown.shape[1] * rows.shape[1]
    if cells > PAIRS:
        found = np.full(shown.shape, np.nan, dtype=chances.dtype)
        for place in range(len(shown)):
            order = np.argsort(rows[place], kind="stable")
            at = order[np.minimum(np.searchsorted(rows[place], shown[place], sorter=order), rows.shape[1] - 1)]
            same = rows[place][at] == shown[place]
            found[place, same] = chances[place][at[same]]
        return found
    same = shown[:, :, None] == rows[:, None, :]
    at = same.argmax(axis=2)
    found = np.take_along_axis(chances, at, axis=1)
    found[~same.any(axis=2)] = np.nan
    return found
