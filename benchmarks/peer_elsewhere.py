"""Peers in environments of their own: they need other versions of numpy or torch than Zhiyin."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from benchmarks.peer_child import Answer, Question
from benchmarks.peer_implicit import tidy
from zhiyin.assets.cache import root
from zhiyin.errors import ModelError
from zhiyin.types import Floats, Histories, Ints, TrainingData

ROOT = Path(__file__).parents[1]
TORCH = "torch==2.13.0"


@dataclass(frozen=True)
class Environment:
    """A library in a virtual environment. ``name`` tells its folder, ``child`` the module that runs inside."""

    library: str
    name: str
    needs: tuple[str, ...]
    child: str

    def folder(self) -> Path:
        """Beside the fetched assets."""
        return root().parent / "peers" / self.name

    def installed(self) -> bool:
        return (self.folder() / "complete").is_file()

    def install(self) -> None:
        """Make the environment, 1.3 GB with a torch for processors, from the package index; nothing to do where it is
        there. Raises ModelError where that fails."""
        if self.installed():
            return
        shutil.rmtree(self.folder(), ignore_errors=True)
        self.folder().parent.mkdir(parents=True, exist_ok=True)
        pip = [str(self._python()), "-m", "pip", "install", "--quiet", "--only-binary", ":all:"]
        try:
            subprocess.run([sys.executable, "-m", "venv", self.folder()], check=True)
            subprocess.run([*pip, *self.needs], check=True)
        except (OSError, subprocess.CalledProcessError) as failed:
            raise ModelError(
                f"{self.library} cannot be installed: {failed}",
                where=str(self.folder()),
                fix="check the package index and try again",
            ) from failed
        (self.folder() / "complete").touch()

    def ask(self, question: Question) -> Answer:
        """Raises ModelError where the process fails."""
        with tempfile.TemporaryDirectory() as name:
            given, told = Path(name) / "question.npz", Path(name) / "answer.npz"
            question.write(given)
            # Nothing of our own environment may reach into the other.
            clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "ZHIYIN_"))}
            command = [str(self._python()), "-m", f"benchmarks.{self.child}", str(given), str(told)]
            done = subprocess.run(command, env=clean, cwd=ROOT, capture_output=True, text=True)
            if done.returncode:
                last = (done.stderr.strip().splitlines() or ["no word of why"])[-1]
                raise ModelError(f"{self.library} failed: {last}", where=self.child, fix="run it by hand to see more")
            return Answer.read(told)

    def _python(self) -> Path:
        return self.folder() / "bin" / "python"


RECTOOLS = Environment("RecTools", "rectools-0.19.0-torch", ("rectools[torch]==0.19.0", TORCH), "rectools_child")
LENSKIT = Environment("LensKit", "lenskit-2025.8.1", ("lenskit==2025.8.1", TORCH, "numpy<2.5"), "lenskit_child")


class Elsewhere:
    """A model of another environment. Fitting happens when the lists are asked for, in one process, which also tells
    what it cost: ``answer`` is the last one given."""

    def __init__(self, environment: Environment, model: str, **values: Any) -> None:
        self._environment = environment
        self._model = model
        self._values = values
        self.answer: Answer | None = None

    def fit(self, data: TrainingData) -> Self:
        self._environment.install()
        self._train = data.interactions.histories
        self._seed = data.seed
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
        question = self._question(histories, k, self._values, exclude_seen=exclude_seen, allowed=allowed)
        self.answer = self._environment.ask(question)
        return tidy(self.answer.rows[0], self.answer.scores[0])

    def top_k_along(
        self,
        name: str,
        values: tuple[Any, ...],
        histories: Histories,
        k: int,
        *,
        targets: Histories,
        patience: int,
        allowed: NDArray[np.bool_] | None,
    ) -> list[tuple[Ints, Floats]]:
        """Lists for each of ``values`` of the parameter ``name`` from one process; fewer where ``patience`` ends on the
        (validation) ``targets``."""
        others = {key: value for key, value in self._values.items() if key != name}
        more: dict[str, Any] = {"along": name, "values": list(values), "targets": (targets.owners(), targets.items)}
        question = self._question(histories, k, others, allowed=allowed, patience=patience, **more)
        self.answer = self._environment.ask(question)
        return [tidy(*pair) for pair in zip(self.answer.rows, self.answer.scores, strict=True)]

    def _question(
        self,
        histories: Histories,
        k: int,
        params: dict[str, Any],
        *,
        allowed: NDArray[np.bool_] | None,
        exclude_seen: bool = True,
        **more: Any,
    ) -> Question:
        return Question(
            model=self._model,
            params=params,
            train=_events(self._train),
            asked=_events(histories),
            rows_in_training=histories.users,
            n_items=self.n_items,
            allowed=np.arange(self.n_items) if allowed is None else np.flatnonzero(allowed),
            k=k,
            exclude_seen=exclude_seen,
            seed=self._seed,
            **more,
        )


def _events(histories: Histories) -> tuple[Ints, Ints, Floats]:
    return histories.owners(), histories.items, histories.weights
