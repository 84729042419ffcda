"""The encoder that the settings ask for, its files fetched on first use."""

from __future__ import annotations

from collections.abc import Sequence

from zhiyin import assets
from zhiyin.config import EncoderSettings
from zhiyin.ports import Encoder, Progress, Silent
from zhiyin.understand.script import choose

ENGLISH = "minilm-l6-v2-int8"
MULTILINGUAL = "use-multilingual-v3"
E5 = "multilingual-e5-small-q4"
PACKAGED = {"english": ENGLISH, "multilingual": MULTILINGUAL, "e5": E5}
"""Assets by the names that the settings know; any other name is a folder, a file or a hub id."""


def make_encoder(settings: EncoderSettings, texts: Sequence[str], progress: Progress | None = None) -> Encoder | None:
    """The encoder for a catalogue of ``texts``; None where the settings say ``none`` or there is no text to encode.

    Raises AssetError where its files are not here and cannot be fetched or used, ConfigError where the settings name
    nothing that there is.
    """
    progress = progress or Silent()
    if settings.model == "none" or not any(text.strip() for text in texts):
        return None
    model = choose(texts) if settings.model == "auto" else settings.model
    if model not in PACKAGED:
        from zhiyin.understand.folder_encoder import open_encoder

        return open_encoder(model, settings.maximum_tokens, progress)
    folder = assets.get(PACKAGED[model], progress)
    # The folder's name holds the files' hash, so it identifies the model.
    if model == "english":
        from zhiyin.understand.minilm import MiniLM

        return MiniLM(folder, folder.name, settings.maximum_tokens)
    if model == "e5":
        from zhiyin.understand.e5 import MultilingualE5

        return MultilingualE5(folder, folder.name, settings.maximum_tokens)
    from zhiyin.understand.multilingual import MultilingualUSE

    return MultilingualUSE(folder, folder.name, settings.maximum_tokens)
