"""What was worked out for the people asked about last, kept for the questions that follow: a list, its sources and its
reasons ask about the same histories."""

from __future__ import annotations

from itertools import pairwise

from zhiyin.types import Histories


def keys_of(histories: Histories) -> list[bytes]:
    """Of each history all that an answer can depend on."""
    items, weights = histories.items.tobytes(), histories.weights.tobytes()
    times, users = histories.times.tobytes(), histories.users.tobytes()
    ends = histories.indptr.tolist()
    small, large = histories.items.itemsize, histories.times.itemsize
    return [
        b"".join(
            (
                items[small * low : small * high],
                weights[small * low : small * high],
                times[large * low : large * high],
                users[small * place : small * place + small],
            )
        )
        for place, (low, high) in enumerate(pairwise(ends))
    ]
