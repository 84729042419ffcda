"""Moderation: what may not be shown, by which rule, how surely, and who may say otherwise.

Kept apart from ranking: no signal of ranking reads what is decided here, and nothing here reads one. Hidden items leave
every list by the flag that all lists obey.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from zhiyin.scenarios.community.moderation.cascade import Moderator
    from zhiyin.scenarios.community.moderation.decision import Decision, Evidence, Finding
    from zhiyin.scenarios.community.moderation.keeping import (
        Appeal,
        AppealState,
        By,
        Kept,
        appeals,
        every,
        latest,
        limited,
        put_appeal,
        resolve_appeal,
        trail,
    )
    from zhiyin.scenarios.community.moderation.labelled import Labelled, read_texts
    from zhiyin.scenarios.community.moderation.opening import open_moderator
    from zhiyin.scenarios.community.moderation.owning import override_item, train_own, try_examples
    from zhiyin.scenarios.community.moderation.policy import Action, Policies, Policy, load_policies
    from zhiyin.scenarios.community.moderation.reviewing import Reviewed, review_items

_WHERE = {
    "cascade": ("Moderator",),
    "decision": ("Decision", "Evidence", "Finding"),
    "keeping": (
        "Appeal",
        "AppealState",
        "By",
        "Kept",
        "appeals",
        "every",
        "latest",
        "limited",
        "put_appeal",
        "resolve_appeal",
        "trail",
    ),
    "labelled": ("Labelled", "read_texts"),
    "opening": ("open_moderator",),
    "owning": ("override_item", "train_own", "try_examples"),
    "policy": ("Action", "Policies", "Policy", "load_policies"),
    "reviewing": ("Reviewed", "review_items"),
}

__all__ = [  # noqa: RUF022 - by module, as above
    "Moderator", "Decision", "Evidence", "Finding", "Appeal", "AppealState", "By", "Kept", "appeals", "every", "latest",
    "limited", "put_appeal", "resolve_appeal", "trail", "Labelled", "read_texts", "open_moderator", "override_item",
    "train_own", "try_examples", "Action", "Policies", "Policy", "load_policies", "Reviewed", "review_items",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    """Parts are loaded when they are first used: who reads a policy needs no classifier."""
    from importlib import import_module

    for module, names in _WHERE.items():
        if name in names:
            return getattr(import_module(f"{__name__}.{module}"), name)
    raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
