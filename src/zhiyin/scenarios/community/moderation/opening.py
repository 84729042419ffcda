"""The moderator of a project: its policies, its classifier or the shipped one, the language model of its settings."""

from __future__ import annotations

from pathlib import Path

from zhiyin.assets import get
from zhiyin.config import Settings
from zhiyin.errors import AssetError
from zhiyin.llm.prompts import render
from zhiyin.ports import Encoder, LanguageModels, Progress
from zhiyin.scenarios.community.moderation.cascade import Grey, Moderator
from zhiyin.scenarios.community.moderation.classifier.model import SHIPPED, Classifier, open_classifier
from zhiyin.scenarios.community.moderation.policy import load_policies

TRAINED = Path("models") / "moderation"
"""Where 'zhiyin moderate train' puts a project's own classifier."""
ENCODER = "use-multilingual-v3"
"""The asset whose sentence vectors a project's own classifier reads."""
TOKENS = 128


def open_moderator(
    settings: Settings,
    project: Path | None = None,
    models: LanguageModels | None = None,
    progress: Progress | None = None,
) -> Moderator:
    """Raises ConfigError for policies that are wrong, ModelError for a classifier that cannot be read. The sentence
    encoder of a classifier that reads with one is fetched on first use; where it cannot be had the classifier goes
    without, and decisions say so."""
    told = settings.moderation
    classifier, missing = _classifier(settings, project, progress)
    return Moderator(load_policies(project), classifier, models, render, Grey(told.grey_low, told.grey_high), missing)


def asks_sentences(settings: Settings) -> bool:
    """Whether the classifier may read sentence vectors: not in a project that wants no text encoder at all."""
    return settings.moderation.sentences and settings.encoder.model != "none"


def sentence_encoder(progress: Progress | None = None) -> Encoder:
    """Raises AssetError where it cannot be had."""
    from zhiyin.understand.multilingual import MultilingualUSE

    folder = get(ENCODER, progress)
    return MultilingualUSE(folder, folder.name, TOKENS)


def _classifier(
    settings: Settings, project: Path | None, progress: Progress | None
) -> tuple[Classifier | None, str | None]:
    if not settings.moderation.classifier:
        return None, "the classifier is switched off"
    own = None if project is None else project / TRAINED
    folder = own if own is not None and (own / "model.json").is_file() else SHIPPED
    found = open_classifier(folder)
    wanted = found.described["encoder"]
    if wanted is None or not asks_sentences(settings):
        return found, None
    try:
        encoder = sentence_encoder(progress)
    except AssetError as refused:
        return found, f"no sentence encoder: {refused.what}"
    if wanted != encoder.model_id:
        return found, "the sentence encoder is another than the classifier was trained with"
    return open_classifier(folder, encoder), None
