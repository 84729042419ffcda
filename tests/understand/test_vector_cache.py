"""encode_catalogue: what the store holds is not encoded again, also after a kill."""

from __future__ import annotations

import hashlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
import pytest

from zhiyin.ports import Encoder, Progress, Silent
from zhiyin.store import open_store
from zhiyin.types import Floats
from zhiyin.understand.cache import COMMIT, encode_catalogue, text_hash


class HashEncoder:
    """Vectors from the text's hash; remembers what it was asked, and stops for ever after ``stop_after`` texts."""

    dimension = 8

    def __init__(self, model_id: str = "hash", stop_after: int | None = None) -> None:
        self.model_id = model_id
        self.asked: list[str] = []
        self.stop_after = stop_after

    def encode(self, texts: Sequence[str], progress: Progress | None = None) -> Floats:
        if self.stop_after is not None and len(self.asked) + len(texts) > self.stop_after:
            print("stopped", flush=True)
            signal.pause()
        self.asked += texts
        return np.stack([vector(text) for text in texts])


def vector(text: str) -> Floats:
    row = np.frombuffer(hashlib.sha256(text.encode()).digest(), dtype=np.uint8)[:8].astype(np.float32) + 1
    return cast(Floats, row / np.linalg.norm(row))


class Counted:
    def __init__(self) -> None:
        self.total: int | None = None
        self.done = 0

    @contextmanager
    def task(self, name: str, total: int | None = None) -> Iterator[Any]:
        self.total = total

        def advance(count: int) -> None:
            self.done += count

        yield advance

    def say(self, line: str) -> None:
        pass


def run(texts: Sequence[str], encoder: HashEncoder, folder: Path, progress: Progress | None = None) -> Floats:
    store = open_store("sqlite:///project.db", folder)
    try:
        return encode_catalogue(texts, cast(Encoder, encoder), store, progress or Silent())
    finally:
        store.close()


CATALOGUE = [f"item {n} 知音/'\" 😀" + " more" * (n % 5) for n in range(3 * COMMIT + 100)]


def test_each_text_once_and_blanks_are_zeros(tmp_path: Path) -> None:
    encoder = HashEncoder()
    progress = Counted()
    texts = ["b", "", "a", "b", "  ", "a"]
    vectors = run(texts, encoder, tmp_path, progress)
    assert sorted(encoder.asked) == ["a", "b"]
    assert (progress.total, progress.done) == (2, 2)
    zeros = np.zeros(8, dtype=np.float32)
    expected = [vector("b"), zeros, vector("a"), vector("b"), zeros, vector("a")]
    np.testing.assert_array_equal(vectors, np.stack(expected))
    assert vectors.dtype == np.float32


def test_second_run_encodes_nothing_and_a_new_text_alone(tmp_path: Path) -> None:
    run(["a", "b"], HashEncoder(), tmp_path)
    encoder = HashEncoder()
    run(["b", "c", "a"], encoder, tmp_path)
    assert encoder.asked == ["c"]


def test_another_model_starts_anew(tmp_path: Path) -> None:
    run(["a"], HashEncoder(), tmp_path)
    encoder = HashEncoder(model_id="other")
    run(["a"], encoder, tmp_path)
    assert encoder.asked == ["a"]


def test_empty_catalogue(tmp_path: Path) -> None:
    assert run([], HashEncoder(), tmp_path).shape == (0, 8)


def test_hash_is_of_the_utf8_bytes() -> None:
    assert text_hash("知音") == hashlib.sha256("知音".encode()).hexdigest()


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="needs SIGKILL")
def test_a_killed_run_resumes(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; import test_vector_cache as t; "
        f"t.run(t.CATALOGUE, t.HashEncoder(stop_after={2 * COMMIT + 1}), Path(sys.argv[1]))"
    )
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parent)}
    with subprocess.Popen(
        [sys.executable, "-c", code, str(tmp_path)], env=environment, stdout=subprocess.PIPE, text=True
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "stopped\n"
        child.kill()
        assert child.wait() == -signal.SIGKILL
    encoder = HashEncoder()
    vectors = run(CATALOGUE, encoder, tmp_path)
    assert len(encoder.asked) == len(CATALOGUE) - 2 * COMMIT
    np.testing.assert_array_equal(vectors, np.stack([vector(text) for text in CATALOGUE]))
