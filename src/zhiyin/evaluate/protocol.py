"""What exactly was measured: printed beside every figure."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from zhiyin.preprocess.splits import Split, Trial

FIT_WORDS = {
    "strict": "fitted on the training part only",
    "refit": "fitted again on the training and validation parts together",
}
NAME_WORDS = {
    "leave-one-out": "each user's last event is the test, the one before it the validation, the rest trains",
    "time-split": "two moments cut the time line into training, validation and test",
    "random": "random events of each user are test and validation, the rest trains",
}


@dataclass(frozen=True)
class Protocol:
    """A figure's circumstances. Counts are of users, events or items; ``cuts`` are ISO times in UTC, None where every
    user has their own. ``full_catalogue``: every item competes, none are sampled; ``seen_filtered``: items of a
    user's history cannot be recommended again; ``hidden_items`` cannot be recommended at all."""

    name: str
    split: str
    fit: str
    ks: list[int]
    users: int
    users_in_split: int
    cold_users: int
    left_out_users: dict[str, int]
    events: dict[str, int]
    items: int
    hidden_items: int
    cuts: dict[str, str] | None
    full_catalogue: bool = True
    seen_filtered: bool = True

    @staticmethod
    def of(split: Split, trial: Trial, *, ks: Sequence[int] = (10,), hidden_items: int = 0) -> Protocol:
        """The protocol of ``trial``, which came from ``split``, perhaps as a sample of its users."""
        about = split.description
        left = dict(about["left_out_users"][trial.part])
        drawn_out = about["measured"][trial.part] - len(trial.users)
        if drawn_out:
            left["not in the sample"] = drawn_out
        return Protocol(
            name=split.name,
            split=trial.part,
            fit=trial.fit,
            ks=list(ks),
            users=len(trial.users),
            users_in_split=about["users"],
            cold_users=int((trial.histories.lengths == 0).sum()),
            left_out_users=left,
            events=dict(about["events"]),
            items=about["items"],
            hidden_items=hidden_items,
            cuts=about["cuts"],
        )

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def describe(self) -> str:
        """The same as one paragraph of plain words."""
        events = self.events
        sentences = [
            f"Protocol {self.name}: {NAME_WORDS[self.name]}.",
            f"Models are {FIT_WORDS[self.fit]} and asked for the {self.split} events of {self.users:,} users"
            f" out of {self.users_in_split:,}.",
            f"{self.items - self.hidden_items:,} items compete in full"
            + (f" ({self.hidden_items:,} hidden ones cannot)" if self.hidden_items else "")
            + ", except those already in the user's history.",
            f"Events: {events['train']:,} train, {events['validation']:,} validation, {events['test']:,} test"
            + (f", {events['left_out']:,} left out for want of a time" if events["left_out"] else "")
            + ".",
        ]
        if self.cuts is not None:
            sentences.append(f"Validation begins at {self.cuts['validation']}, test at {self.cuts['test']}.")
        if self.cold_users:
            sentences.append(f"{self.cold_users:,} of the users measured have no history.")
        left = ", ".join(f"{count:,} ({why})" for why, count in self.left_out_users.items() if count)
        if left:
            sentences.append(f"Users not measured: {left}.")
        return " ".join(sentences)
