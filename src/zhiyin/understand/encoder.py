"""The encoder that the settings ask for, its files fetched on first use."""

from __future__ import annotations

from collections.abc import Sequence

from zhiyin import assets
from zhiyin.config import EncoderSettings
from zhiyin.ports import Encoder, Progress, Silent
from zhiyin.understand.script import choose

ENGLISH = "minilm-l6-v2-int8"
MULTILINGUAL = "use-multilingual-v3"


def make_encoder(settings: EncoderSettings, texts: Sequence[str], progress: Progress | None = None) -> Encoder | None:
    """The encoder for a catalogue of ``texts``; None where the settings say ``none`` or there is no text to encode.

    Raises AssetError where its files are not here and cannot be fetched.
    """
    progress = progress or Silent()
    if settings.model == "none" or not any(text.strip() for text in texts):
        return None
    model = choose(texts) if settings.model == "auto" else settings.model
    folder = assets.get(ENGLISH if model == "english" else MULTILINGUAL, progress)
    # The folder's name holds the files' hash, so it identifies the model.
    if model == "english":
        from zhiyin.understand.minilm import MiniLM

        return MiniLM(folder, folder.name, settings.maximum_tokens)
    from zhiyin.understand.multilingual import MultilingualUSE

    return MultilingualUSE(folder, folder.name, settings.maximum_tokens)
