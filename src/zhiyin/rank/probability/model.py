"""From scores to chances: four ways to say how likely the item at a place is, the best of them by cross-fitting.

    rank      c(r)                                  a falling curve over ranks, the same for everybody
    score     i(score)                              isotonic regression on the score
    platt     sigmoid(w . x + b)                    logistic regression on rank, scores and history (see ``frame``)
    isotonic  i(w . x + b)                          isotonic regression on what platt says

All fall along a list. Platt 1999; Zadrozny and Elkan 2002 (isotonic regression).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from scipy.special import expit

from zhiyin.errors import ModelError, UsageError
from zhiyin.rank.probability.curves import Hits, Values, isotonic, log_loss, logistic, rank_curve
from zhiyin.rank.probability.frame import COLUMNS, Frame, short
from zhiyin.types import Floats, Longs

Method = Literal["rank", "platt", "isotonic", "score"]
METHODS: tuple[Method, ...] = ("rank", "platt", "isotonic", "score")
"""The simplest first."""
FEWEST_HITS = 50
"""With fewer hits than this the ranks alone are looked at."""
FOLDS = 5
MOST_PEOPLE = 20_000
"""More than this are not learned from: drawn by seed."""


class Probability(BaseModel):
    """A learned calibration. ``depth`` is the length of the lists it was learned from: it says nothing further down.

    ``losses`` are mean log losses of cells by method, of people who were left out of the fit; empty where there was
    nothing to choose. ``people`` and ``hits`` are what it was learned from.
    """

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    method: Method
    depth: int = Field(ge=0)
    people: int = Field(0, ge=0)
    hits: int = Field(0, ge=0)
    losses: dict[str, float] = Field(default_factory=dict)
    curve: list[float] = Field(default_factory=list)
    """rank: the chance at each rank."""
    frame: Frame | None = None
    weights: list[float] = Field(default_factory=list)
    """platt, isotonic: of ``frame.COLUMNS``, and the intercept."""
    knots: list[tuple[float, float]] = Field(default_factory=list)
    """isotonic, score: index and log odds, straight lines between."""

    @model_validator(mode="after")
    def _complete(self) -> Self:
        """Refuse what ``of`` could not use."""
        bent = self.method in ("isotonic", "score")
        weighed = self.method in ("platt", "isotonic")
        if self.method == "rank" and len(self.curve) != self.depth:
            raise ValueError("a chance is missing for a rank")
        if self.method != "rank" and not self.depth:
            raise ValueError("lists have no length")
        if weighed and (self.frame is None or len(self.weights) != len(COLUMNS) + 1):
            raise ValueError("weights are missing")
        if bent and not self.knots:
            raise ValueError("the curve is missing")
        return self

    @classmethod
    def nothing(cls) -> Self:
        """For where nothing was measured: it says nothing at any rank."""
        return cls(method="rank", depth=0)

    @classmethod
    def learn(cls, scores: Floats, hits: Hits, lengths: Longs, seed: int = 0, method: Method | None = None) -> Self:
        """Learn from the lists of U people. ``scores`` float32 [U, k], best first, -inf where a list is shorter;
        ``hits`` bool [U, k]: is this what the person went on to take? ``lengths`` int [U]: events of their histories.

        ``method`` None chooses the one of least log loss among people left out of its fit; with fewer than
        ``FEWEST_HITS`` hits that is ``rank``. Without a person or a score it says nothing. Raises UsageError for arrays
        that do not fit together.
        """
        scores, hits, lengths = np.asarray(scores), np.asarray(hits), np.asarray(lengths)
        if scores.ndim != 2 or hits.shape != scores.shape or lengths.shape != scores.shape[:1]:
            raise UsageError(
                f"scores {scores.shape}, hits {hits.shape} and lengths {lengths.shape} do not fit together",
                fix="give one row for each person, and one score and one hit for each place",
            )
        random = np.random.default_rng(seed)
        if len(scores) > MOST_PEOPLE:
            rows = np.sort(random.choice(len(scores), MOST_PEOPLE, replace=False))
            scores, hits, lengths = scores[rows], hits[rows], lengths[rows]
        known = np.isfinite(scores)
        depth = int(known.any(axis=0).sum())
        if not depth:
            return cls.nothing()
        scores, hits = scores[:, :depth], (hits & known)[:, :depth]
        losses: dict[str, float] = {}
        chosen: Method = method or "rank"
        if method is None and hits.sum() >= FEWEST_HITS:
            losses = _crossed(scores, hits, lengths, random)
            chosen = min(METHODS, key=lambda name: losses[name])
        told = cls(**_fitted(scores, hits, lengths, (chosen,))[chosen])
        return told.model_copy(update={"people": len(scores), "hits": int(hits.sum()), "losses": losses})

    def of(self, scores: Floats, lengths: Longs) -> Floats:
        """Chance of each place of lists ``scores`` float32 [B, k], best first; ``lengths`` int [B] are the events of
        their people: float32 [B, k] in [0, 1], falling along each list; 0 where the score is -inf, NaN beyond
        ``depth``. A list cut shorter has the same numbers."""
        scores = np.asarray(scores, dtype=np.float32)
        inside = min(self.depth, scores.shape[1])
        chances = np.full(scores.shape, np.nan)
        known = np.isfinite(scores)
        if inside:
            chances[:, :inside] = np.minimum.accumulate(self._told(scores[:, :inside], np.asarray(lengths)), axis=1)
        chances[~known] = 0
        return chances.astype(np.float32)

    def to_dict(self) -> dict[str, Any]:
        """For JSON; ``from_dict`` takes it back."""
        return self.model_dump(mode="json")

    @classmethod
    def from_dict(cls, told: dict[str, Any]) -> Self:
        """Raises ModelError for what ``to_dict`` did not give."""
        try:
            return cls(**told)
        except (TypeError, ValidationError) as other:
            raise ModelError("chances are not kept in a form known here", fix="run 'zhiyin train'") from other

    def _told(self, scores: Floats, lengths: Longs) -> Values:
        if self.method == "rank":
            return np.broadcast_to(np.array(self.curve[: scores.shape[1]]), scores.shape).copy()
        if self.method == "score":
            return self._bent(np.where(np.isfinite(scores), scores, 0).astype(np.float64), slope=0)
        assert self.frame is not None
        index = _index(self.frame.cells(scores, lengths), np.array(self.weights))
        return np.asarray(expit(index)) if self.method == "platt" else self._bent(index, slope=1)

    def _bent(self, index: Values, slope: float) -> Values:
        """The curve at ``index``; beyond its ends it goes on with ``slope``."""
        at, odds = np.array(self.knots).T
        beyond = np.minimum(index - at[0], 0) + np.maximum(index - at[-1], 0)
        return np.asarray(expit(np.interp(index, at, odds) + slope * beyond))


def _fitted(scores: Floats, hits: Hits, lengths: Longs, methods: Sequence[Method]) -> dict[Method, dict[str, Any]]:
    """What each of ``methods`` keeps of lists [U, k]."""
    known = np.isfinite(scores)
    base = {"depth": scores.shape[1]}
    found: dict[Method, dict[str, Any]] = {}
    curve = rank_curve(known, hits)
    if "rank" in methods:
        found["rank"] = {**base, "method": "rank", "curve": _kept(curve)}
    hit = hits[known]
    if "score" in methods:
        guess = np.full(len(hit), (hit.sum() + 0.5) / (len(hit) + 1))
        knots = isotonic(scores[known].astype(np.float64), hit, guess)
        found["score"] = {**base, "method": "score", "knots": _pairs(*knots)}
    if "platt" in methods or "isotonic" in methods:
        frame = Frame.of(scores, lengths)
        cells = frame.cells(scores, lengths)
        weights = logistic(cells[known], hit)
        about = {**base, "frame": frame, "weights": _kept(weights)}
        found["platt"] = {**about, "method": "platt"}
        if "isotonic" in methods:
            index = _index(cells, weights)[known]
            found["isotonic"] = {**about, "method": "isotonic", "knots": _pairs(*isotonic(index, hit, expit(index)))}
    return found


def _crossed(scores: Floats, hits: Hits, lengths: Longs, random: np.random.Generator) -> dict[str, float]:
    """Mean log loss of cells by method, every person judged by a fit on others."""
    fold = random.permutation(len(scores)) % FOLDS
    known = np.isfinite(scores)
    losses = dict.fromkeys(METHODS, 0.0)
    for number in range(FOLDS):
        own = fold == number
        for method, kept in _fitted(scores[~own], hits[~own], lengths[~own], METHODS).items():
            chances = Probability(**kept).of(scores[own], lengths[own])
            losses[method] += float(log_loss(chances[known[own]].astype(np.float64), hits[own][known[own]]).sum())
    return {method: short(loss / known.sum()) for method, loss in losses.items()}


def _index(cells: Floats, weights: Values) -> Values:
    """w . x + b of each cell [..., F]."""
    return np.asarray(cells.astype(np.float64) @ weights[:-1] + weights[-1])


def _kept(values: Values) -> list[float]:
    return [short(value) for value in values]


def _pairs(at: Values, odds: Values) -> list[tuple[float, float]]:
    return list(zip(_kept(at), _kept(odds), strict=True))
