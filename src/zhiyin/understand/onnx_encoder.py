"""Any sentence encoder as an ONNX file, wherever it was trained, TensorFlow included."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from zhiyin.errors import AssetError
from zhiyin.types import Floats, Longs
from zhiyin.understand.batching import SentenceEncoder
from zhiyin.understand.fingerprint import fingerprint
from zhiyin.understand.pooling import read_pooling, tightest

ROLES = {
    **dict.fromkeys(("input_ids", "input_word_ids"), "ids"),
    **dict.fromkeys(("attention_mask", "input_mask"), "mask"),
    **dict.fromkeys(("token_type_ids", "input_type_ids", "segment_ids"), "types"),
    "position_ids": "places",
}
"""What an input is for, by the end of its name."""
READY = ("sentence_embedding", "sentence_embeddings", "text_embeds")
"""Outputs that are sentence vectors already."""
INTEGERS = {"tensor(int64)": np.int64, "tensor(int32)": np.int32}
REMEDY = "export it with integer inputs named input_ids and attention_mask (optimum, or tf2onnx for TensorFlow)"


class OnnxEncoder(SentenceEncoder):
    """``path`` is the .onnx file; tokenizer.json (or a BERT vocab.txt) and a sentence-transformers pooling lie beside
    it, or one folder above.

    Inputs are found by name and may be int32 or int64; an output [b, t, d] is pooled, one [b, d] is taken as it is.
    Fixed sizes of batch and length are kept to by padding. Raises AssetError for a model that cannot be fed.
    """

    def __init__(self, path: Path, maximum_tokens: int) -> None:
        import onnxruntime

        self._where = str(path)
        home = path.parent if _tokenizer_file(path.parent) else path.parent.parent
        options = onnxruntime.SessionOptions()
        # One thread per run: encode() runs several batches side by side, which is faster than one batch on all cores.
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3  # errors; remarks on how a file could be smaller are none of the user's
        try:
            self._session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
            self._pooling = read_pooling(home)
            self._tokenizer = _tokenizer(home)
        except Exception as broken:  # both libraries raise bare exceptions of their own
            raise AssetError(
                f"the text model cannot be loaded: {broken}", where=self._where, fix="check the files, or name another"
            ) from broken
        self._inputs = {entry.name: self._role(entry) for entry in self._session.get_inputs()}
        if "ids" not in [role for role, _ in self._inputs.values()]:
            raise self._unfit("it has no input of token numbers")
        rows, length = self._sizes()
        self._rows = rows
        self._length = length
        limit = _json(home / "config.json").get("max_position_embeddings")
        self._maximum = tightest([maximum_tokens, self._pooling.maximum_tokens, limit, length])
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(self._maximum)
        self._pad = self._tokenizer.token_to_id("[PAD]") or self._tokenizer.token_to_id("<pad>") or 0
        used = [
            path,
            *path.parent.glob(f"{path.name}*data"),
            *home.glob("*.json"),
            *home.glob("*_*/*"),
            home / "vocab.txt",
        ]
        self.model_id = f"{fingerprint(path.stem, used)}/{maximum_tokens}"
        self._output = self._choose_output()
        self.dimension = self.run(np.array(self.tokenise(["text"]), dtype=np.int64)).shape[1]

    def tokenise(self, texts: Sequence[str]) -> list[list[int]]:
        if self._pooling.lower_case:
            texts = [text.lower() for text in texts]
        return [encoding.ids or [0] for encoding in self._tokenizer.encode_batch(list(texts))]

    def run(self, tokens: Longs) -> Floats:
        size = self._rows or len(tokens)
        blocks = [self._states(tokens[start : start + size], size) for start in range(0, len(tokens), size)]
        states = np.concatenate(blocks)
        return self._pooling(states) if states.ndim == 3 else self._pooling.finish(states)

    def _states(self, tokens: Longs, size: int) -> Floats:
        """What the model says of up to ``size`` texts: [b, t, d] without padding, or [b, d]."""
        rows, length = tokens.shape
        wide = np.pad(tokens, ((0, size - rows), (0, (self._length or length) - length)), constant_values=self._pad)
        seen = np.zeros_like(wide)
        seen[:, :length] = 1
        filled = {
            "ids": wide,
            "mask": seen,
            "types": np.zeros_like(wide),
            "places": np.broadcast_to(np.arange(wide.shape[1]), wide.shape),
        }
        feed = {name: filled[role].astype(kind) for name, (role, kind) in self._inputs.items()}
        (found,) = self._session.run([self._output], feed)
        states = np.asarray(found, dtype=np.float32)[:rows]
        return states[:, :length] if states.ndim == 3 else states

    def _role(self, entry: Any) -> tuple[str, Any]:
        """What an input is for, and its type."""
        name = entry.name.split(":")[0].lower()
        if entry.type == "tensor(string)":
            raise self._unfit(f"its input '{entry.name}' is raw text, cut up inside the model")
        # A TensorFlow signature puts its own name in front: serving_default_input_ids.
        role = next((role for known, role in ROLES.items() if name.endswith(known)), None)
        if role is None or entry.type not in INTEGERS:
            raise self._unfit(f"its input '{entry.name}' ({entry.type}) is not known")
        return role, INTEGERS[entry.type]

    def _sizes(self) -> tuple[int | None, int | None]:
        """Batch and length where the file fixes them, else None."""
        shapes = [e.shape for e in self._session.get_inputs() if self._inputs[e.name][0] == "ids"]
        if len(shapes[0]) != 2:
            raise self._unfit(f"its token numbers have the shape {shapes[0]} instead of [texts, tokens]")
        rows, length = (size if isinstance(size, int) and size > 0 else None for size in shapes[0])
        return rows, length

    def _choose_output(self) -> str:
        """A sentence vector where one is named so, else token vectors, else whatever has one row per text."""
        outputs = [(entry.name, len(entry.shape or ())) for entry in self._session.get_outputs()]
        for name, _ in outputs:
            if name.split(":")[0] in READY:
                return str(name)
        for wanted in (3, 2):
            for name, rank in outputs:
                if rank == wanted:
                    return str(name)
        name = outputs[0][0]  # a file may leave shapes open: look at what comes out
        self._output = str(name)
        tokens: NDArray[np.int64] = np.array(self.tokenise(["text"]), dtype=np.int64)
        if self._states(tokens, self._rows or 1).ndim not in (2, 3):
            raise self._unfit(f"its output '{name}' is neither [texts, tokens, numbers] nor [texts, numbers]")
        return str(name)

    def _unfit(self, why: str) -> AssetError:
        return AssetError(f"this ONNX model cannot be used as an encoder: {why}", where=self._where, fix=REMEDY)


def _tokenizer_file(folder: Path) -> Path | None:
    return next((folder / name for name in ("tokenizer.json", "vocab.txt") if (folder / name).is_file()), None)


def _tokenizer(folder: Path) -> Any:
    """The tokenizer of a folder: tokenizer.json, else BERT's vocab.txt, which TensorFlow models come with."""
    from tokenizers import Tokenizer
    from tokenizers.implementations.bert_wordpiece import BertWordPieceTokenizer

    path = _tokenizer_file(folder)
    if path is None:
        raise ValueError("neither tokenizer.json nor vocab.txt lies beside it")
    if path.suffix == ".json":
        return Tokenizer.from_file(str(path))
    lower = bool(_json(folder / "tokenizer_config.json").get("do_lower_case", True))
    return BertWordPieceTokenizer(str(path), lowercase=lower)


def _json(path: Path) -> dict[str, Any]:
    found = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    return found if isinstance(found, dict) else {}
