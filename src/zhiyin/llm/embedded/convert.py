"""GGUF to safetensors, once: transformers needs half a minute to read a GGUF file's tables, and a second afterwards."""

from __future__ import annotations

import io
import shutil
import tempfile
from contextlib import redirect_stderr
from pathlib import Path

from zhiyin import assets
from zhiyin.errors import LlmOff
from zhiyin.llm.embedded.files import ModelFiles
from zhiyin.ports import Progress


def converted(files: ModelFiles, progress: Progress) -> Path:
    """Folder of the model in ``files`` as transformers writes it, float32, made on first use.

    It lies beside the assets under the file's hash and the version of transformers, and is complete or not there:
    two processes may convert at once, and the first to finish wins. Raises LlmOff.
    """
    import transformers

    folder = assets.root() / f"{files.path.stem}-{files.content[:12]}-transformers-{transformers.__version__}"
    if folder.is_dir():
        return folder
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        work = Path(tempfile.mkdtemp(prefix=".converting-", dir=folder.parent))
    except OSError as refused:
        raise LlmOff(f"cannot write to the asset folder: {refused}", where=str(folder.parent)) from refused
    try:
        with progress.task(f"Converting {files.path.name} (once)"):
            _convert(files.path, work)
        try:
            work.rename(folder)
        except OSError:
            if not folder.is_dir():
                raise
    except Exception as broken:  # transformers raises whatever its readers meet
        raise LlmOff(
            f"the GGUF file cannot be converted: {broken}",
            where=str(files.path),
            fix="take a file of a family that transformers knows, or a folder with safetensors",
        ) from broken
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return folder


def _convert(path: Path, target: Path) -> None:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig

    from zhiyin.llm.embedded.loading import quiet

    # gguf shows a bar of its own, whatever it is told.
    with quiet(), redirect_stderr(io.StringIO()):
        # Unpacked, not left in blocks: the blocks cannot be saved, and are slower to compute with on a processor.
        model = AutoModelForCausalLM.from_pretrained(
            path.parent,
            gguf_file=path.name,
            dtype=torch.float32,
            quantization_config=GgufConfig(dequantize=True),
            trust_remote_code=False,
        )
        tokenizer = AutoTokenizer.from_pretrained(path.parent, gguf_file=path.name, trust_remote_code=False)
        model.save_pretrained(target)
        tokenizer.save_pretrained(target)
