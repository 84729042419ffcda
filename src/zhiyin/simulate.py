"""The loop closed: simulated people over a project's catalogue click, the engine learns, and so on, with and without
exploration.

Everything happens in a scratch copy. The engine is the real one, with the project's pipeline; between rounds it is
trained again with the core's defaults, for that takes seconds. What people like (``feedback.people``) is never told to
it.
"""

from __future__ import annotations

import tempfile
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import polars as pl
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from zhiyin.bundle import FOLDER, active, publish
from zhiyin.choose import untested
from zhiyin.config import Settings
from zhiyin.errors import NotEnoughData, UsageError, ZhiyinError
from zhiyin.feedback.outcomes import DAY
from zhiyin.feedback.people import Flags, People, PeopleParams
from zhiyin.feedback.rounds import gini, variety
from zhiyin.itemview import items_of
from zhiyin.listing import ListRequest
from zhiyin.pipeline import surfaces
from zhiyin.ports import Progress, Silent
from zhiyin.prepare import prepare
from zhiyin.recommend import Engine
from zhiyin.scratch import Scratch, scratch_copy
from zhiyin.store.impressions import Impression
from zhiyin.train import fit
from zhiyin.types import Floats, Ints

SURFACE = "feed"
"""Whose pipeline is simulated where nobody says: that of lists which are asked for again and again."""
PLAIN, EXPLORING = "without exploration", "with exploration"
START = 1_700_000_000_000_000
"""Simulated time begins here, or a day after the store's last event."""


class SimulationParams(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, use_attribute_docstrings=True)

    rounds: int = Field(20, ge=2, le=1000)
    """Every person gets one list a round; then the engine is trained again."""
    k: int = Field(10, ge=2, le=100)
    """Length of a list."""
    people: PeopleParams = PeopleParams()
    past: bool = False
    """Keep the project's own events beside those of the simulated people, who have other likes than whoever made them.
    Without, the first bundle knows them, and the later ones learn from the simulated people alone."""
    rate: float = Field(0.5, ge=0, le=1)
    """With exploration: the chance that each of the slots is given away."""
    slots: tuple[int, ...] = (5, 8, 10)
    """With exploration: these places."""
    draw: Literal["lower", "newcomers"] = "lower"
    by: Literal["uniform", "thompson", "linucb"] = "thompson"
    """With exploration: who may come in, and how it is drawn."""
    reach: int = Field(150, ge=1, le=1000)
    """With exploration: how many candidates may come in."""
    seed: int = Field(0, ge=0, lt=2**32)


@dataclass
class Arm:
    """One run. By round: ``reward`` [U] clicks of each person, ``willing`` the mean chance that a shown item is
    clicked if looked at, ``coverage`` the share of the catalogue shown to anybody, ``so_far`` in this round or an
    earlier one, ``variety`` and ``gini`` as in ``rounds``, ``explored`` the share of places with a chance below 1."""

    name: str
    reward: list[NDArray[np.float64]] = field(default_factory=list)
    willing: list[float] = field(default_factory=list)
    coverage: list[float] = field(default_factory=list)
    so_far: list[float] = field(default_factory=list)
    variety: list[float] = field(default_factory=list)
    gini: list[float] = field(default_factory=list)
    explored: list[float] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Means over people in place of their rewards."""
        return asdict(self) | {"reward": [float(one.mean()) for one in self.reward]}


@dataclass(frozen=True)
class Simulated:
    params: SimulationParams
    items: int
    arms: list[Arm]

    def to_dict(self) -> dict[str, Any]:
        arms = [one.to_dict() for one in self.arms]
        return {"params": self.params.model_dump(mode="json"), "items": self.items, "arms": arms}


def simulate(
    store: Any,
    settings: Settings,
    project: Path,
    params: SimulationParams | None = None,
    surface: str = SURFACE,
    progress: Progress | None = None,
) -> Simulated:
    """Two runs over the catalogue, events and served bundle of ``project``, which stay as they are. Raises UsageError
    where the surface's pipeline explores already, BundleError where nothing is trained."""
    params, progress = params or SimulationParams(), progress or Silent()
    arms = []
    with progress.task("Simulating", total=2 * params.rounds) as advance:
        for name in (PLAIN, EXPLORING):
            with tempfile.TemporaryDirectory(prefix="zhiyin-simulate-") as folder:
                pipelines = _pipelines(project, surface, params)
                scratch = scratch_copy(store, settings, project, Path(folder), pipelines, past=params.past)
                try:
                    arm, items = _run(name, scratch, params, "exploring" if name == EXPLORING else "plain", advance)
                finally:
                    scratch.store.close()
                arms.append(arm)
    return Simulated(params, items, arms)


def _pipelines(project: Path, surface: str, params: SimulationParams) -> dict[str, str]:
    """The surface's pipeline as it is, and with exploration behind it."""
    known = surfaces(project)
    plain = known.get(surface, known["default"]).read_text(encoding="utf-8")
    if '"explore"' in plain or "'explore'" in plain:
        raise UsageError(f"the pipeline of '{surface}' explores already", fix="simulate another with --surface")
    slots = [slot for slot in params.slots if slot <= params.k]
    stage = (
        f'\n[[stage]]\nkind = "explore"\nslots = {slots}\nrate = {params.rate}\ndraw = "{params.draw}"\n'
        f'by = "{params.by}"\nreach = {params.reach}\n'
    )
    return {"plain": plain, "exploring": plain + stage}


def _run(name: str, scratch: Scratch, params: SimulationParams, surface: str, advance: Any) -> tuple[Arm, int]:
    arm = Arm(name)
    catalogue = active(scratch.store, scratch.folder / FOLDER)
    ids = catalogue.items
    items = items_of(ids, catalogue.catalogue, scratch.store)
    kinds = np.asarray(items.category_table.toarray(), dtype=np.float32)
    vectors = catalogue.catalogue.vectors
    people = People.make(params.people, kinds, vectors, params.seed)
    names = [f"simulated/{one}" for one in range(params.people.people)]
    shape = np.concatenate((kinds, np.asarray(vectors)), axis=1) / np.sqrt(2) if vectors is not None else kinds
    seen = np.zeros(len(ids), dtype=np.bool_)
    start = _start(scratch)
    for step in range(params.rounds):
        now = start + step * DAY
        engine = Engine(
            scratch.store, active(scratch.store, scratch.folder / FOLDER), scratch.settings, None, scratch.folder
        )
        shown, chances = _lists(engine, names, params.k, surface, now, ids.rows)
        willing = people.willing(shown)
        clicked = people.respond(shown, params.seed * 1_000_003 + step)
        _feed_back(scratch, names, ids.ids, shown, chances, clicked, step, now, surface)
        counts = np.bincount(shown[shown >= 0], minlength=len(ids))
        seen |= counts > 0
        arm.reward.append(clicked.sum(axis=1).astype(np.float64))
        arm.willing.append(float(willing[shown >= 0].mean()))
        arm.coverage.append(float((counts > 0).mean()))
        arm.so_far.append(float(seen.mean()))
        arm.variety.append(variety(shown, shape))
        arm.gini.append(gini(counts))
        arm.explored.append(float((chances[shown >= 0] < 1).mean()))
        if step + 1 < params.rounds:
            _train(scratch, now)
        advance(1)
    return arm, len(ids)


def _lists(engine: Engine, names: list[str], k: int, surface: str, now: int, rows: Any) -> tuple[Ints, Floats]:
    """Rows [U, k] (-1 for none) and the chances with which they stand there."""
    engine._arranger.clock = lambda: now
    found = engine.recommend_many([ListRequest(name, k, surface=surface, reasons=False) for name in names])
    shown = np.full((len(names), k), -1, dtype=np.int32)
    chances = np.ones((len(names), k), dtype=np.float32)
    for place, one in enumerate(found):
        if isinstance(one, ZhiyinError):
            raise one
        shown[place, : len(one.items)] = rows([item.item_id for item in one.items])
        chances[place, : len(one.items)] = [item.propensity for item in one.items]
    return shown, chances


def _feed_back(
    scratch: Scratch,
    names: list[str],
    ids: list[str],
    shown: Ints,
    chances: Floats,
    clicked: Flags,
    step: int,
    now: int,
    surface: str,
) -> None:
    """Impressions and clicks into the store, clicks a second behind their lists."""
    lists, events = [], []
    for owner, name in enumerate(names):
        key = f"{step}/{name}"
        items = [
            (ids[row], place + 1, float(chances[owner, place]))
            for place, row in enumerate(shown[owner].tolist())
            if row >= 0
        ]
        lists.append(Impression(key, name, surface, now, items, confirmed=True))
        events += [
            (None, name, ids[shown[owner, place]], "click", None, now + 1_000_000 * (place + 1), key)
            for place in np.flatnonzero(clicked[owner]).tolist()
        ]
    kinds = {
        "event_id": pl.String,
        "user_id": pl.String,
        "item_id": pl.String,
        "event_type": pl.String,
        "value": pl.Float64,
        "time": pl.Int64,
        "impression_id": pl.String,
    }
    with scratch.store.writing() as writer:
        writer.put_events(pl.DataFrame(events, schema=kinds, orient="row"))
        writer.put_impressions(lists)


def _train(scratch: Scratch, now: int) -> None:
    try:
        prepared = prepare(scratch.store, scratch.settings, Silent())
    except NotEnoughData:
        return  # nobody has clicked yet
    content = fit(prepared, untested(scratch.settings), scratch.settings, Silent())
    publish(scratch.store, scratch.folder / FOLDER, content, now, 0)


def _start(scratch: Scratch) -> int:
    latest = scratch.store.events()["time"].max()
    return latest + DAY if isinstance(latest, int) else START
