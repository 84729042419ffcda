"""Runs inside RecTools' own environment: train its SASRec and time each epoch.

    python -m benchmarks.sequence_speed_child QUESTION.npz ANSWER.npz

QUESTION: ``users`` and ``items`` of the training events, each user's in order; ``params``, JSON of the arguments of
SASRecModel; ``threads``. ANSWER: ``seconds`` of each epoch, its batches alone: without preparing data, setting up or
tearing down.
"""

from __future__ import annotations

import json
import sys
import time
import warnings

import numpy as np
import pandas as pd  # type: ignore[import-untyped]
import torch
from pytorch_lightning import Callback, Trainer, seed_everything  # type: ignore[import-not-found]
from rectools.dataset import Dataset  # type: ignore[import-not-found]
from rectools.models import SASRecModel  # type: ignore[import-not-found]


class Clock(Callback):  # type: ignore[misc]
    seconds: list[float] = []  # noqa: RUF012 (the trainer copies its callbacks)

    def on_train_epoch_start(self, *_: object) -> None:
        self._began = time.perf_counter()

    def on_train_epoch_end(self, *_: object) -> None:
        Clock.seconds.append(time.perf_counter() - self._began)


def trainer(epochs: int) -> Trainer:
    return Trainer(
        accelerator="cpu",
        devices=1,
        max_epochs=epochs,
        min_epochs=epochs,
        callbacks=[Clock()],
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
    )


def main(question: str, answer: str) -> None:
    warnings.simplefilter("ignore")
    given = np.load(question)
    params = json.loads(str(given["params"]))
    torch.set_num_threads(int(given["threads"]))
    seed_everything(0, verbose=False)
    users = given["users"]
    days = pd.to_timedelta(np.arange(len(users)) - np.searchsorted(users, users), unit="D")
    frame = pd.DataFrame(
        {"user_id": users, "item_id": given["items"], "weight": 1.0, "datetime": pd.Timestamp(0) + days}
    )
    epochs = params.pop("epochs")
    model = SASRecModel(epochs=epochs, get_trainer_func=trainer, get_trainer_func_kwargs={"epochs": epochs}, **params)
    model.fit(Dataset.construct(frame))
    np.savez(answer, seconds=np.array(Clock.seconds))


if __name__ == "__main__":
    main(*sys.argv[1:])
