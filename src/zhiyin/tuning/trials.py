"""The trials of one stage: drawn by Optuna's tree-structured Parzen estimator, kept on disk one by one.

TPE: Bergstra et al. 2011, with all parameters drawn together (multivariate). The trial to come depends on nothing but
the seed and the trials that are finished, so a search that was cut off at any moment goes on exactly as if it had not
been. The study that is asked lives in memory; a trial is written to the project's journal once it is finished, as one
line, so whoever is killed leaves nothing half done.
"""

from __future__ import annotations

import fcntl
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import optuna
from optuna.distributions import BaseDistribution
from optuna.pruners import MedianPruner
from optuna.samplers import TPESampler
from optuna.storages import JournalStorage
from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock
from optuna.trial import FrozenTrial, TrialState, create_trial

from zhiyin.errors import ModelError, StoreError
from zhiyin.search import UNFIT
from zhiyin.tuning.space import Places, Space, places_of, suggest, values_at
from zhiyin.tuning.stages import Stage, part_of, values_of

JOURNAL, LOCK = "tuning.log", "tuning.lock"
FIRST_USERS = 2_000
"""Where twice as many users are measured, trials are first measured on so many, and those below the median of the
others at that point go no further."""
STARTUP = 10
"""Trials before Optuna stops drawing at random, and before any is cut short."""
HELD = 5
"""Trials in a row that share parameters whose every value costs the expensive part again."""
BUILT_IN, VALUES = "built-in", "values"
"""Notes on a trial: that it is the built-in search's; the parameter values tried."""


@dataclass(frozen=True)
class Best:
    """Parameters as the space gives them, without those that are fixed; their mean NDCG@10 on the search half."""

    values: dict[str, Any]
    score: float


class TooDear(Exception):
    """The next trial would take longer than what is left."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Be the only one who tunes here; the lock dies with its holder. Raises StoreError where another does."""
    try:
        folder.mkdir(exist_ok=True)
        file = (folder / LOCK).open("a")
    except OSError as failure:
        raise StoreError(
            f"what is tried cannot be kept: {failure.strerror}", where=str(folder), fix="allow writing there"
        ) from failure
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as busy:
            raise StoreError(
                "another 'zhiyin tune' is at work on this project", where=str(folder), fix="let it end, or stop it"
            ) from busy
        yield


class _Alone(JournalFileOpenLock):
    """Nobody else writes while the project is locked, so the file needs no lock of its own, which the dead would leave
    behind."""

    def acquire(self) -> bool:
        return True

    def release(self) -> None:
        pass


class Journal:
    """The finished trials of every study of a project, a line each. Used under ``locked``."""

    def __init__(self, folder: Path) -> None:
        optuna.logging.set_verbosity(optuna.logging.ERROR)
        self._path = folder / JOURNAL
        try:
            self._drop_half_a_line()
            alone = _Alone(str(self._path))
            self._storage = JournalStorage(JournalFileBackend(str(self._path), lock_obj=alone))
        except (OSError, ValueError, KeyError) as damaged:
            raise StoreError(
                f"the journal of trials cannot be read: {damaged}", where=str(self._path), fix="remove that file"
            ) from damaged

    def study(self, name: str) -> optuna.Study:
        return optuna.create_study(study_name=name, storage=self._storage, direction="maximize", load_if_exists=True)

    def _drop_half_a_line(self) -> None:
        """A machine that lost power may have left one at the end."""
        if self._path.exists():
            text = self._path.read_bytes()
            if not text.endswith(b"\n"):
                self._path.write_bytes(text[: text.rfind(b"\n") + 1])


class Trials:
    """The search of one stage. ``kept`` is its study in the journal; ``seed`` decides every draw."""

    def __init__(self, stage: Stage, space: Space, kept: optuna.Study, seed: int) -> None:
        self._stage, self._space, self._kept, self._seed = stage, space, kept, seed
        self._live = optuna.create_study(direction="maximize", pruner=MedianPruner(n_startup_trials=STARTUP))
        self._live.add_trials(kept.trials)
        half = stage.bench.search
        self._rungs = [half]
        if len(half.users) >= 2 * FIRST_USERS:
            self._rungs = [
                part_of(half, np.arange(FIRST_USERS)),
                part_of(half, np.arange(FIRST_USERS, len(half.users))),
            ]

    @property
    def _all(self) -> list[FrozenTrial]:
        return self._live.get_trials(deepcopy=False)

    @property
    def own(self) -> list[FrozenTrial]:
        """Finished trials but those of the built-in search."""
        return [trial for trial in self._all if trial.state.is_finished() and _counts(trial)]

    def add_built_in(self, found: Sequence[tuple[Any, float]]) -> None:
        """Take over what the built-in search measured: parameters and score on the search half, in its order. Whoever
        was killed on the way goes on behind what is there."""
        there = sum(trial.user_attrs.get(BUILT_IN, False) for trial in self._all)
        for params, score in found[there:]:
            self._keep(
                create_trial(
                    state=TrialState.COMPLETE,
                    params=places_of(self._space, params),
                    distributions=self._distributions(),
                    value=score,
                    user_attrs={BUILT_IN: True, VALUES: {name: getattr(params, name) for name in self._space}},
                )
            )

    def run(
        self, seeds: Sequence[Places], most: int, until: float, advance: Callable[[int], None], pace: float = 1.0
    ) -> None:
        """Try ``seeds``, then what TPE draws, until ``most`` trials are finished or the monotonic clock shows
        ``until``. A draw that would take longer than what is left, at ``pace`` seconds of the clock for a nominal one,
        is given back: it comes first the next time."""
        tried = [trial.params for trial in self._all]
        waiting = [seed for at, seed in enumerate(seeds) if seed not in tried and seed not in seeds[:at]]
        while len(self.own) < most and time.monotonic() < until:
            try:
                self._one(waiting.pop(0) if waiting else None, until, pace)
            except TooDear:
                return
            advance(1)

    def best(self) -> Best | None:
        """The best trial that was measured on everybody; the earlier of two with one score. None where nothing fits."""
        done = [trial for trial in self._all if _measured(trial)]
        if not done:
            return None
        first = max(done, key=lambda trial: (trial.value, -trial.number))
        assert first.value is not None
        return Best(dict(first.user_attrs[VALUES]), first.value)

    def _one(self, places: Places | None, until: float, pace: float) -> None:
        # From the trials finished alone, so that a search that is taken up again draws what it would have drawn.
        draw = int(np.random.SeedSequence([self._seed, len(self.own)]).generate_state(1)[0])
        self._live.sampler = TPESampler(seed=draw, n_startup_trials=STARTUP, multivariate=True)
        places = places if places is not None else self._held()
        if places:
            self._live.enqueue_trial(places)
        trial = self._live.ask()
        values = values_at(self._space, suggest(self._space, trial))
        params = self._stage.make(values)
        known = next((one for one in self._all if _measured(one) and one.user_attrs[VALUES] == values), None)
        if known is None and time.monotonic() + pace * self._stage.seconds(params) > until:
            self._live.tell(trial, state=TrialState.FAIL)
            raise TooDear
        trial.set_user_attr(VALUES, values)
        score = self._measure(trial, params) if known is None else known.value
        if score is None:
            self._live.tell(trial, state=TrialState.PRUNED)
        else:
            self._live.tell(trial, score)
        self._kept.add_trial(self._all[trial.number])

    def _held(self) -> Places:
        """What the next draw takes over from the last, for the work that both can use."""
        own = self.own
        if not len(own) % HELD:
            return {}
        return {name: own[-1].params[name] for name in self._space if name in self._stage.stepped}

    def _measure(self, trial: optuna.Trial, params: Any) -> float | None:
        """Mean over the search half; None where the first of them said enough."""
        try:
            ranker = self._stage.ranker(params)
        except ModelError:
            return UNFIT
        values = values_of(ranker, self._rungs[0], self._stage.bench.catalogue)
        for step, users in enumerate(self._rungs[1:], start=1):
            trial.report(float(np.nanmean(values)), step)
            if trial.should_prune():
                return None
            values = np.concatenate((values, values_of(ranker, users, self._stage.bench.catalogue)))
        return float(np.nanmean(values))

    def _keep(self, trial: FrozenTrial) -> None:
        self._live.add_trial(trial)
        self._kept.add_trial(trial)

    def _distributions(self) -> dict[str, BaseDistribution]:
        return {name: axis.distribution() for name, axis in self._space.items()}


def _counts(trial: FrozenTrial) -> bool:
    return trial.state in (TrialState.COMPLETE, TrialState.PRUNED) and not trial.user_attrs.get(BUILT_IN, False)


def _measured(trial: FrozenTrial) -> bool:
    return trial.state == TrialState.COMPLETE and trial.value is not None and UNFIT < trial.value < math.inf
