"""A project's own classifier, and the examples of its policies tried."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zhiyin.config import Settings
from zhiyin.errors import AssetError
from zhiyin.ports import Encoder, Progress, Silent
from zhiyin.scenarios.community.moderation.cascade import Moderator
from zhiyin.scenarios.community.moderation.classifier.training import train_classifier
from zhiyin.scenarios.community.moderation.folding import is_han
from zhiyin.scenarios.community.moderation.keeping import DAY, Kept, now_, put_override
from zhiyin.scenarios.community.moderation.labelled import read_texts
from zhiyin.scenarios.community.moderation.opening import TRAINED, asks_sentences, sentence_encoder
from zhiyin.scenarios.community.moderation.policy import Action, load_policies
from zhiyin.store.sql import SqlStore


def train_own(
    settings: Settings,
    project: Path,
    data: Path,
    *,
    text: str | None = None,
    label: str | None = None,
    languages: Sequence[str] = ("zh",),
    name: str = "own",
    seed: int = 0,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Train from the labelled file ``data`` into the project; the model that was there is replaced when the new one is
    whole. Raises DataError, NotEnoughData."""
    progress = progress or Silent()
    rows = read_texts(data, text=text, label=label, labels=True)
    names = [one for kind in load_policies(project).groups.values() for one in kind]
    chinese = "zh" in languages
    encoder: Encoder | None = None
    if asks_sentences(settings):
        try:
            encoder = sentence_encoder(progress)
        except AssetError as refused:
            progress.say(f"No sentence vectors: {refused.line}")
    target = project / TRAINED
    target.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=".moderation-", dir=target.parent))
    try:
        made = train_classifier(
            beside,
            [one.text for one in rows],
            [one.label or 0 for one in rows],
            name=name,
            languages=languages,
            groups=sorted({one for one in names if any(map(is_han, one)) == chinese}),
            encoder=encoder,
            seed=seed,
            progress=progress,
        )
        old = Path(tempfile.mkdtemp(prefix=".moderation-", dir=target.parent)) / "old"
        if target.exists():
            os.replace(target, old)
        os.replace(beside, target)
        shutil.rmtree(old.parent)
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return made


def override_item(
    store: SqlStore,
    item_id: str,
    action: Action,
    *,
    why: str | None = None,
    who: str | None = None,
    days: float | None = None,
    now: int | None = None,
) -> Kept:
    """What a person decides: it wins over the policies until ``days`` are over, for good where that is None."""
    at = now_() if now is None else now
    expires = None if days is None else at + int(days * DAY)
    with store.writing() as writer:
        return put_override(writer, item_id, action, at, why=why, who=who, expires=expires)


def try_examples(moderator: Moderator) -> list[dict[str, Any]]:
    """Examples of policies that are not decided as they should be: an offending one must get an action, for whichever
    category, and an allowed one none."""
    wrong = []
    for policy in moderator.policies.policies:
        wanted = [(one, False) for one in policy.examples.offending] + [(one, True) for one in policy.examples.allowed]
        decisions = moderator.decide_many([text for text, _ in wanted])
        for (text, fine), decision in zip(wanted, decisions, strict=True):
            if (decision.action is Action.ALLOW) != fine:
                told = "allowed" if fine else "found"
                wrong.append({"category": policy.category, "text": text, "wanted": told, "action": decision.action})
    return wrong
