"""From a state to weights: long-term and current interest, how sure, and by which events."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from zhiyin.types import NO_TIME, Floats
from zhiyin.understand.profiles.space import Interest, ProfileParams, Space
from zhiyin.understand.profiles.state import DAY, NONE, Doubles, State
from zhiyin.understand.profiles.view import Evidence, Weighed

DIGITS = 4


def effective(mass: Doubles, squares: Doubles) -> Doubles:
    """How many equal events the given ones are worth: (sum w)^2 / sum w^2; 0 for none."""
    return np.divide(mass**2, squares, out=np.zeros_like(mass), where=squares > 0)


def fade(state: State, now: int, params: ProfileParams) -> Doubles:
    """What time alone has left of both half-lives at ``now`` (microseconds), [2] in (0, 1]; 1 without times."""
    if state.latest == NO_TIME or now == NO_TIME:
        return np.ones(2)
    days = max(0, now - state.latest) / DAY
    left: Doubles = np.exp2(-days / np.array([params.long_days, params.now_days]))
    return left


def weights(state: State, space: Space, now: int, params: ProfileParams) -> tuple[Doubles, Doubles]:
    """p(z|u) long-term and now, [2, Z] each row summing to 1; and how far they are the person's own, [2] in [0, 1).

    With n effective events, n faded by the time since the last, the long term is n / (n + doubt) of softmax(W h(u)) and
    for the rest what is known of nobody in particular; the present falls back on the long term in the same way.
    """
    nobody, *own = space.people(_states(state)).astype(np.float64)
    count = effective(state.mass, state.squares) * fade(state, now, params)
    sure = np.divide(count, count + params.doubt, out=np.zeros(2), where=count > 0)
    long_term = sure[0] * own[0] + (1 - sure[0]) * nobody
    present = sure[1] * own[1] + (1 - sure[1]) * long_term
    both = np.stack((long_term, present))
    return both / both.sum(axis=1, keepdims=True), sure


def confidence(state: State, shares: Doubles, now: int, params: ProfileParams) -> float:
    """n / (n + 2 doubt), n effective events faded by time, times (1 + concentration) / 2, where concentration is 1 less
    the entropy of the long-term weights over the largest it could be: many events that say one thing are sure."""
    count = float(effective(state.mass, state.squares)[0] * fade(state, now, params)[0])
    told = shares[shares > 0]
    entropy = float(-(told * np.log(told)).sum() / np.log(len(shares))) if len(shares) > 1 else 0.0
    sure = count / (count + 2 * params.doubt) if count > 0 else 0.0
    return round(min(1.0, max(0.0, sure * (1 + (1 - entropy)) / 2)), DIGITS)


def weighed(
    state: State,
    space: Space,
    interests: Sequence[Interest],
    titles: Callable[[str], str | None],
    now: int,
    params: ProfileParams,
) -> list[Weighed]:
    """Every named interest, the weightiest first."""
    (long_term, present), _ = weights(state, space, now, params)
    counts = effective(state.pulls[0], state.pull_squares[0]) * fade(state, now, params)[0]
    found = []
    for one in interests:
        early, late = float(long_term[one.row]), float(present[one.row])
        count = float(counts[one.row])
        sure = count / (count + params.doubt) if count > 0 else 0.0
        found.append(
            Weighed(
                one.id,
                one.name,
                list(one.words),
                one.general,
                round(early, DIGITS),
                round(late, DIGITS),
                trend(early, late, params),
                round(sure, DIGITS),
                evidence(state, one.row, titles),
            )
        )
    return sorted(found, key=lambda one: (one.general, -max(one.long_term, one.now), one.id))


def trend(early: float, late: float, params: ProfileParams) -> str:
    if abs(late - early) < params.change:
        return "steady"
    if late >= params.rising * early:
        return "rising"
    return "falling" if early >= params.rising * late else "steady"


def evidence(state: State, row: int, titles: Callable[[str], str | None]) -> list[Evidence]:
    """The strongest events of an interest: those of the long term, and those of the present that are not among them.
    Shares are of the half-life the event was kept for."""
    found: dict[int, Evidence] = {}
    for part in (0, 1):
        total = float(state.pulls[part, row])
        for place in range(state.seqs.shape[2]):
            seq = int(state.seqs[part, row, place])
            if seq == NONE or seq in found or total <= 0:
                continue
            item = state.items[int(state.names[part, row, place])]
            time = int(state.when[part, row, place])
            share = round(float(state.worth[part, row, place]) / total, DIGITS)
            if share > 0:
                found[seq] = Evidence(seq, item, titles(item), None if time == NO_TIME else time, min(1.0, share))
    return list(found.values())


def vector(state: State) -> list[float]:
    """Long-term h(u)."""
    return [round(float(value), 6) for value in _states(state)[1]]


def _states(state: State) -> Floats:
    """h(u) of nobody, of the long term and of the present: float32 [3, d]."""
    means = state.sums / np.where(state.mass > 0, state.mass, 1.0)[:, None]
    return np.concatenate((np.zeros((1, state.sums.shape[1])), means)).astype(np.float32)
