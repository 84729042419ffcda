"""An encoder that is named by where it lies: a folder, an ONNX file, or a repository of a model hub."""

from __future__ import annotations

import re
from pathlib import Path

from zhiyin.errors import AssetError, ConfigError
from zhiyin.ports import Encoder, Progress

HUB_ID = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*")
SMALL = ["*.json", "*.txt", "*.model"]
WEIGHTS = "*.safetensors"
OLD_WEIGHTS = "*.bin"
"""Weights in torch's own format: taken only where there are no others, and read as numbers alone, never as code."""


def open_encoder(name: str, maximum_tokens: int, progress: Progress) -> Encoder:
    """The encoder in the folder or file ``name``, or in the hub's repository of that name.

    A folder that holds model.onnx (or onnx/model.onnx) needs onnxruntime alone; any other is loaded by transformers.
    Raises ConfigError where nothing is called so, AssetError where it cannot be fetched, loaded or used.
    """
    path = Path(name).expanduser()
    if path.exists():
        return from_path(path, maximum_tokens)
    if HUB_ID.fullmatch(name):
        return from_path(fetch(name, progress), maximum_tokens)
    raise ConfigError(
        f"there is no encoder '{name}'",
        where="encoder.model",
        fix="use auto, english, multilingual, e5 or none, or give a folder, an ONNX file or a hub id (owner/name)",
    )


def from_path(path: Path, maximum_tokens: int) -> Encoder:
    """The encoder of a folder or file that is there."""
    file = onnx_file(path)
    if file is not None:
        from zhiyin.understand.onnx_encoder import OnnxEncoder

        return OnnxEncoder(file, maximum_tokens)
    if path.is_dir() and ((path / "config.json").is_file() or (path / "modules.json").is_file()):
        from zhiyin.understand.torch_encoder import TransformersEncoder

        return TransformersEncoder(path, maximum_tokens)
    if (path / "saved_model.pb").is_file() or path.suffix in (".pb", ".h5", ".keras", ".tflite"):
        raise AssetError(
            "a TensorFlow model is not read as it is", where=str(path), fix="convert it to ONNX (tf2onnx) and name that"
        )
    raise AssetError(
        "no text model is there", where=str(path), fix="name an .onnx file, or a folder with model.onnx or config.json"
    )


def onnx_file(path: Path) -> Path | None:
    if path.is_file():
        return path if path.suffix == ".onnx" else None
    return next((file for file in (path / "model.onnx", path / "onnx" / "model.onnx") if file.is_file()), None)


def fetch(name: str, progress: Progress) -> Path:
    """Local folder of the hub's repository ``name``, downloaded once by the hub's own client."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError

    try:
        with progress.task(f"Fetching {name}"):
            folder = Path(snapshot_download(name, allow_patterns=[*SMALL, WEIGHTS]))
            if not any(folder.rglob(WEIGHTS)):
                folder = Path(snapshot_download(name, allow_patterns=[*SMALL, OLD_WEIGHTS]))
    except (HfHubHTTPError, LocalEntryNotFoundError, OSError, ValueError) as failure:
        reason = str(failure).splitlines()[0] if str(failure) else type(failure).__name__
        raise AssetError(
            f"cannot fetch the text model '{name}': {reason}",
            where="encoder.model",
            fix="copy its folder to this machine and name that folder",
        ) from failure
    return folder
