"""A second reading of texts that speak about contempt.

Collections of comments are labelled half automatically, by words: of COLD's texts with 歧视 (discrimination) 93 % are
labelled offending, and what learns from such labels takes complaints and reports for contempt. Here runs of one to
three signs are weighed, as was learned from labels of somebody who read such texts, for such texts alone.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhiyin.errors import NotEnoughData
from zhiyin.scenarios.community.moderation.classifier.grams import Hashes, hashes_of

LONGEST = 3
"""Signs of a run at most."""
SEEN = 3
"""A run met in fewer texts than this is not counted."""
RIDGE = 0.2
"""C of the regression."""
PARTS = 10
"""Each of so many parts is read by what was learned from the others, to calibrate."""
FEWEST = 20
"""Texts of each label at least."""
ABOUT = (
    "歧视", "偏见", "刻板印象", "地域黑", "种族主义", "对立", "侮辱", "污名", "尊重", "平等",
    "地图炮", "以偏概全", "反对", "凭什么", "政治正确", "骂", "黑子", "优越感", "标签", "代表",
)  # fmt: skip
"""A text with one of these may speak about contempt."""


@dataclass(frozen=True)
class Second:
    """``known`` uint32 [n], sorted: hashes of runs; ``weights`` int8 [n]. Log-odds = ``bias`` + ``scale`` * the sum of
    the weights of the runs found / the root of how many were found. ``words``: a text without them is not read."""

    words: tuple[str, ...]
    known: Hashes
    weights: NDArray[np.int8]
    scale: float
    bias: float

    @cached_property
    def _about(self) -> re.Pattern[str]:
        return re.compile("|".join(map(re.escape, self.words)) or r"(?!)")

    def odds(self, text: str) -> float | None:
        """Log-odds that ``text`` offends; None where it has none of the words."""
        if self._about.search(text) is None:
            return None
        places = _places(runs_of(text), self.known)
        return self.bias + self.scale * float(self.weights[places].sum(dtype=np.int64)) / math.sqrt(max(len(places), 1))

    @property
    def described(self) -> dict[str, Any]:
        return {"words": list(self.words), "scale": self.scale, "bias": self.bias}


def runs_of(text: str) -> Hashes:
    found, starts, ends = hashes_of(text)
    return np.unique(found[ends - starts <= LONGEST])


def learn_second(texts: Sequence[str], labels: Sequence[int], seed: int, words: Sequence[str] = ABOUT) -> Second:
    """``texts`` as the classifier reads them, of which those count that have one of ``words``; ``labels``: 1 offends.
    Raises NotEnoughData."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedKFold

    unread = Second(tuple(words), np.zeros(0, dtype=np.uint32), np.zeros(0, dtype=np.int8), 0.0, 0.0)
    rows = [row for row, text in enumerate(texts) if unread.odds(text) is not None]
    wanted = np.array([labels[row] for row in rows], dtype=np.int64)
    if min(int(wanted.sum()), int((1 - wanted).sum())) < FEWEST:
        what = f"{len(rows)} texts that speak about contempt, {int(wanted.sum())} of them offending"
        raise NotEnoughData(what, fix=f"give at least {FEWEST} with each label")
    runs = [runs_of(texts[row]) for row in rows]
    said = np.zeros(len(rows))
    parts = StratifiedKFold(PARTS, shuffle=True, random_state=seed)
    for learned, out in parts.split(runs, wanted):
        made = _learned(unread, [runs[row] for row in learned], wanted[learned])
        said[out] = [made.odds(texts[rows[row]]) for row in out]
    # Weighed evenly while it learned: what it says of texts held out gives the share that really offends.
    fitted = LogisticRegression(C=1e6).fit(said[:, None], wanted)
    slope = max(float(fitted.coef_[0, 0]), 0.0)
    whole = _learned(unread, runs, wanted)
    return Second(
        whole.words,
        whole.known,
        whole.weights,
        slope * whole.scale,
        slope * whole.bias + float(fitted.intercept_[0]),
    )


def _learned(unread: Second, runs: Sequence[Hashes], wanted: NDArray[np.int64]) -> Second:
    from scipy import sparse
    from sklearn.linear_model import LogisticRegression

    known, counts = np.unique(np.concatenate(runs), return_counts=True)
    known, counts = known[counts >= SEEN], counts[counts >= SEEN]
    rarity = np.log(len(runs) / counts) + 1
    columns = [_places(one, known) for one in runs]
    ends = np.concatenate(([0], np.cumsum([len(one) for one in columns])))
    values = np.concatenate([rarity[one] / math.sqrt(max(len(one), 1)) for one in columns])
    counted = sparse.csr_matrix((values, np.concatenate(columns), ends), shape=(len(runs), len(known)))
    fitted = LogisticRegression(C=RIDGE, class_weight="balanced", max_iter=1000).fit(counted, wanted)
    weights = fitted.coef_[0] * rarity
    scale = max(float(np.abs(weights).max(initial=0.0)), 1e-8) / 127
    rounded = np.round(weights / scale).astype(np.int8)
    return Second(unread.words, known, rounded, scale, float(fitted.intercept_[0]))


def _places(runs: Hashes, known: Hashes) -> NDArray[np.int64]:
    """Where those of ``runs`` that are ``known`` stand in it."""
    if not len(known):
        return np.zeros(0, dtype=np.int64)
    places = np.minimum(np.searchsorted(known, runs), len(known) - 1)
    found: NDArray[np.int64] = places[known[places] == runs]
    return found
