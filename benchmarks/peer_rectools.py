"""EASE of RecTools, in an environment of its own: it needs an older numpy than Zhiyin."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from benchmarks.peer_implicit import tidy
from zhiyin.assets.cache import root
from zhiyin.errors import ModelError
from zhiyin.types import Floats, Histories, Ints, TrainingData

VERSION = "0.19.0"
CHILD = Path(__file__).with_name("rectools_child.py")


def folder() -> Path:
    """Where the environment lies, beside the fetched assets."""
    return root().parent / "peers" / f"rectools-{VERSION}"


def installed() -> bool:
    return (folder() / "complete").is_file()


def install() -> None:
    """Make the environment, some 400 MB, from the package index; nothing to do where it is there.

    Raises ModelError where that fails."""
    if installed():
        return
    shutil.rmtree(folder(), ignore_errors=True)
    folder().parent.mkdir(parents=True, exist_ok=True)
    try:
        subprocess.run([sys.executable, "-m", "venv", folder()], check=True)
        pip = [str(folder() / "bin" / "python"), "-m", "pip", "install", "--quiet", "--only-binary", ":all:"]
        subprocess.run([*pip, f"rectools=={VERSION}"], check=True)
    except (OSError, subprocess.CalledProcessError) as failed:
        raise ModelError(
            f"RecTools cannot be installed: {failed}", where=str(folder()), fix="check the package index and try again"
        ) from failed
    (folder() / "complete").touch()


class RecToolsEASE:
    """Fitting happens when the lists are asked for, in one process; ``fit_seconds`` is what its fit took there."""

    def __init__(self, *, regularization: float) -> None:
        self._regularization = regularization
        self.fit_seconds = float("nan")

    def fit(self, data: TrainingData) -> Self:
        install()
        self._train = data.interactions.histories
        self.n_items = data.interactions.n_items
        return self

    def top_k(
        self,
        histories: Histories,
        k: int,
        *,
        exclude_seen: bool = True,
        allowed: NDArray[np.bool_] | None = None,
    ) -> tuple[Ints, Floats]:
        """Raises ModelError where the process fails."""
        with tempfile.TemporaryDirectory() as name:
            question, answer = Path(name) / "question.npz", Path(name) / "answer.npz"
            np.savez(
                question,
                train_users=self._train.owners(),
                train_items=self._train.items,
                train_weights=self._train.weights,
                asked_users=histories.owners(),
                asked_items=histories.items,
                asked_weights=histories.weights,
                n_asked=len(histories),
                n_items=self.n_items,
                allowed=np.arange(self.n_items) if allowed is None else np.flatnonzero(allowed),
                regularization=self._regularization,
                k=k,
                exclude_seen=exclude_seen,
            )
            # Nothing of our own environment may reach into the other.
            clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "ZHIYIN_"))}
            command = [folder() / "bin" / "python", CHILD, question, answer]
            done = subprocess.run(command, env=clean, capture_output=True, text=True)
            if done.returncode:
                last = (done.stderr.strip().splitlines() or ["no word of why"])[-1]
                raise ModelError(f"RecTools failed: {last}", where=CHILD.name, fix="run it by hand to see more")
            given = np.load(answer)
            self.fit_seconds = float(given["fit_seconds"])
            return tidy(given["rows"], given["scores"])
