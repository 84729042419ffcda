"""Tiny training data whose right answers are visible by eye."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from zhiyin.types import NO_TIME, Catalogue, Histories, IdMap, Interactions, TrainingData

DAY = 86_400_000_000
"""Microseconds."""
START = 1_700_000_000_000_000


def training_data(
    histories: Mapping[str, Sequence[str]],
    *,
    items: Sequence[str] = (),
    vectors: Mapping[str, Sequence[float]] | None = None,
    weights: Mapping[str, Sequence[float]] | None = None,
    times: Mapping[str, Sequence[int]] | None = None,
    now: int = NO_TIME,
    seed: int = 0,
) -> TrainingData:
    """Training data from item ids by user, oldest first.

    Item rows follow ``items``, then the order of first appearance. ``vectors`` are scaled to unit length, items without
    one get zeros; with None the catalogue has none. Weights default to 1, times to unknown.
    """
    known = IdMap(list(dict.fromkeys([*items, *(item for history in histories.values() for item in history)])))
    users = IdMap(list(histories))
    matrix = None
    if vectors is not None:
        width = max((len(vector) for vector in vectors.values()), default=1)
        matrix = np.array([vectors.get(item, [0.0] * width) for item in known], dtype=np.float32).reshape(-1, width)
        matrix /= np.maximum(np.linalg.norm(matrix, axis=1, keepdims=True), 1e-12)
    rows = Histories.of(
        [list(known.rows(history)) for history in histories.values()],
        weights=None if weights is None else [weights[user] for user in users],
        times=None if times is None else [times[user] for user in users],
        users=range(len(users)),
    )
    catalogue = Catalogue(
        titles=list(known),
        categories=[[] for _ in known],
        texts=list(known),
        vectors=matrix,
        hidden=np.zeros(len(known), dtype=np.bool_),
    )
    return TrainingData(Interactions(users, known, rows), catalogue, seed=seed, now=now)


def checkerboard(size: int = 20) -> TrainingData:
    """User u took every item of the same parity but item u itself, which is therefore the one to recommend.

    Vectors say the same: even items point one way, odd items the other.
    """
    names = [f"item {item}" for item in range(size)]
    return training_data(
        {
            f"user {user}": [names[item] for item in range(size) if item % 2 == user % 2 and item != user]
            for user in range(size)
        },
        items=names,
        vectors={name: [1.0, 0.0] if item % 2 == 0 else [0.0, 1.0] for item, name in enumerate(names)},
    )


def chain(length: int = 6, users: int = 5) -> TrainingData:
    """Everyone takes A, then B, then C, and so on: after each item comes the next, and it has the next row."""
    names = [chr(ord("A") + place) for place in range(length)]
    return training_data({f"user {user}": names for user in range(users)}, items=names)


GREEN_TEA, BLACK_TEA, TEAPOT = "茶/绿茶", "tea/black, loose", "茶壶 🫖"
HEADPHONES, SPEAKER, CABLE = 'audio/"open" headphones', "音箱 (bluetooth)", "cable, 3.5 mm"
NEW_TEA, NO_TEXT = "新品/乌龙茶", "no-text"


def shop(seed: int = 0) -> TrainingData:
    """A tea shop that sells audio gear, ids in English and Chinese with slashes, spaces, quotes and an emoji.

    Tea drinkers take tea, listeners take audio gear, one person both. Nobody took NEW_TEA, whose text is like the other
    teas; NO_TEXT has events and no text. One event a day, up to ``now``; weights of 1, 2 and 3.
    """
    histories = {
        "张伟": [GREEN_TEA, BLACK_TEA, TEAPOT],
        "anna o'neil": [BLACK_TEA, GREEN_TEA, NO_TEXT],
        "user/3": [GREEN_TEA, TEAPOT],
        "李娜 🎵": [HEADPHONES, SPEAKER, CABLE],
        "bob": [SPEAKER, HEADPHONES],
        "user 6": [CABLE, HEADPHONES, NO_TEXT],
        "both": [GREEN_TEA, TEAPOT, HEADPHONES, CABLE],
    }
    return training_data(
        histories,
        items=[GREEN_TEA, BLACK_TEA, TEAPOT, HEADPHONES, SPEAKER, CABLE, NEW_TEA, NO_TEXT],
        vectors={
            GREEN_TEA: [1.0, 0.2, 0.0],
            BLACK_TEA: [1.0, 0.1, 0.1],
            TEAPOT: [0.8, 0.5, 0.0],
            HEADPHONES: [0.0, 0.2, 1.0],
            SPEAKER: [0.0, 0.3, 0.9],
            CABLE: [0.1, 0.5, 0.7],
            NEW_TEA: [1.0, 0.15, 0.05],
        },
        weights={user: [1.0 + place % 3 for place in range(len(history))] for user, history in histories.items()},
        times={user: [START + place * DAY for place in range(len(history))] for user, history in histories.items()},
        now=START + 5 * DAY,
        seed=seed,
    )
