"""Where a model's files are, and what identifies their content. Nothing here loads torch."""

from __future__ import annotations

import hashlib
import importlib.util
from dataclasses import dataclass
from pathlib import Path

from zhiyin import assets
from zhiyin.config import LlmSettings
from zhiyin.errors import AssetError, LlmOff
from zhiyin.ports import Progress, Silent

PACKAGES = ("torch", "transformers", "accelerate", "gguf", "llguidance", "safetensors")
MODEL_FILES = ("*.safetensors", "*.json", "*.jinja", "*.txt", "*.model")
"""What a model is made of: weights as safetensors alone, since pickled weights can run code when they are read."""
INSTALL = "run 'make install-llm'"
CPU_FLAGS = Path("/proc/cpuinfo")


@dataclass(frozen=True)
class ModelFiles:
    """``path`` is a GGUF file or a folder that transformers loads; ``content`` is the sha256 of its model files."""

    name: str
    path: Path
    content: str

    @property
    def gguf(self) -> bool:
        return self.path.suffix == ".gguf"


def identify(settings: LlmSettings) -> str:
    """Name, content hash and number format of the model that ``settings`` name. Nothing is loaded, and an asset is not
    fetched. Raises LlmOff."""
    return model_id(_registered(settings) or find_model(settings, Silent()), choose_dtype()[0])


def model_id(files: ModelFiles, dtype: str) -> str:
    return f"{files.name}-{files.content[:12]}/{dtype}"


def find_model(settings: LlmSettings, progress: Progress) -> ModelFiles:
    """Files of ``settings.model``: an asset (fetched where it is not here), a GGUF file or a folder with one, a folder
    that transformers loads, or a hub id. Raises LlmOff."""
    if missing := [name for name in PACKAGES if importlib.util.find_spec(name) is None]:
        raise LlmOff(f"the embedded model needs {', '.join(missing)}", where="[llm] provider", fix=INSTALL)
    if asset := _registered(settings):
        try:
            assets.get(asset.name, progress)
        except AssetError as absent:
            raise LlmOff(absent.what, where=absent.where, fix=absent.fix) from absent
        return asset
    path = Path(settings.model).expanduser()
    if not path.exists():
        path = _from_hub(settings.model)
    if path.is_dir() and not (path / "config.json").is_file():
        found = sorted(path.glob("*.gguf"))
        if len(found) != 1:
            raise LlmOff(
                f"{len(found)} GGUF files and no config.json in this folder",
                where=str(path),
                fix="name one GGUF file, or a folder that transformers loads",
            )
        path = found[0]
    if path.is_file() and path.suffix != ".gguf":
        raise LlmOff("not a GGUF file", where=str(path), fix="name a .gguf file, or the model's folder")
    if path.is_dir() and not any(path.glob("*.safetensors")):
        raise LlmOff("no safetensors weights in this folder", where=str(path), fix="convert its weights to safetensors")
    try:
        return ModelFiles(path.stem if path.suffix == ".gguf" else path.name, path, _content(path))
    except OSError as refused:
        raise LlmOff(f"cannot be read: {refused}", where=str(path), fix="check the path and its rights") from refused


def _registered(settings: LlmSettings) -> ModelFiles | None:
    """The asset called ``settings.model``, here or not; None where no asset is called so."""
    for asset in assets.catalogue():
        if asset.name != settings.model:
            continue
        file = next((file for file in asset.files if file.path.endswith(".gguf")), None)
        if file is None:
            raise LlmOff(f"the asset '{asset.name}' is no language model", fix="see 'zhiyin assets list' for one")
        if asset.accept and not assets.accepted(asset):
            if asset.name not in settings.accept_licences:
                raise LlmOff(
                    f"'{asset.name}' comes under its owner's own licence: {asset.licence}",
                    where=asset.home,
                    fix=f"read it, then run 'zhiyin assets get {asset.name} --accept-licence' or name it in [llm] "
                    "accept_licences",
                )
            assets.accept(asset)
        return ModelFiles(asset.name, assets.folder_of(asset) / file.path, file.sha256)
    return None


def _from_hub(name: str) -> Path:
    """Folder of hub model ``name``, out of the local cache or downloaded."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    try:
        try:
            return Path(snapshot_download(name, allow_patterns=list(MODEL_FILES), local_files_only=True))
        except HFValidationError:
            raise
        except Exception:  # not in the cache; the library raises several kinds
            return Path(snapshot_download(name, allow_patterns=list(MODEL_FILES)))
    except Exception as absent:
        raise LlmOff(
            f"'{name}' is no asset, no path here, and cannot be had from the hub ({type(absent).__name__})",
            fix="name an asset ('zhiyin assets list'), a folder or a GGUF file",
        ) from absent


def _content(path: Path) -> str:
    """sha256 of one file, or of the names and contents of a folder's model files: hexadecimal."""
    if path.is_file():
        return _sha256(path)
    files = sorted({file for pattern in MODEL_FILES for file in path.glob(pattern) if file.is_file()})
    lines = "".join(f"{_sha256(file)}  {file.name}\n" for file in files)
    return hashlib.sha256(lines.encode()).hexdigest()


def _sha256(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def choose_dtype(cpuinfo: Path = CPU_FLAGS) -> tuple[str, str]:
    """("bfloat16" or "float32", why). bfloat16 halves the memory, and without instructions for it (avx512_bf16,
    amx_bf16, Arm's bf16) it was measured ten times slower than float32. The processor alone decides, so a machine
    gives the same answers every time."""
    try:
        lines = cpuinfo.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return "float32", "float32: the processor's instructions are not known here"
    flags = {flag for line in lines if line.lower().startswith(("flags", "features")) for flag in line.split()}
    if found := flags & {"avx512_bf16", "amx_bf16", "bf16"}:
        return "bfloat16", f"bfloat16: the processor has {', '.join(sorted(found))}"
    return "float32", "float32: the processor has no bfloat16 instructions"
