"""Tune one stage after the other on one half of the validation users, confirm each on the other half, write."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from zhiyin.candidates.base import Params, Recommender
from zhiyin.choice import FOLDER, choice_key
from zhiyin.choose import check_models
from zhiyin.config import FILE_NAME, Settings
from zhiyin.errors import ModelError, UsageError, ZhiyinError
from zhiyin.evaluate.run import ProtocolName, split_by
from zhiyin.ports import Progress
from zhiyin.prepare import Prepared
from zhiyin.preprocess.splits import Split
from zhiyin.registry import CORE, MODELS
from zhiyin.search import Search
from zhiyin.tuning import written
from zhiyin.tuning.confirm import Confirmed, confirm
from zhiyin.tuning.space import Space, places_of, space_of, told
from zhiyin.tuning.stages import Bench, ModelStage, Stage, make_bench
from zhiyin.tuning.trials import FIRST_USERS, HELD, STARTUP, Best, Journal, Trials, locked
from zhiyin.tuning.whole import FusionStage

OUT = "tuned.toml"
"""What was found, in the project's folder."""
SECONDS, TRIALS = 600.0, 60
"""Budget of one call, and finished trials of one model: all calls together."""
FORMAT = 1
"""Raised when trials are measured in another way, so that older ones are not taken up again."""
DEFAULTS, BUILT_IN, APPLIED = "the defaults", "the built-in search", "the values found before"
"""What the found config is set against."""


@dataclass(frozen=True)
class Outcome:
    """One stage. ``values`` are the searched parameters as found; ``score`` is their mean on the search half;
    ``trials`` are all that are finished, ``new`` those of this call. ``why`` says why there is no result."""

    name: str
    values: dict[str, Any]
    score: float
    trials: int
    new: int
    confirmed: Confirmed | None
    why: str | None = None

    @property
    def better(self) -> bool:
        return self.confirmed is not None and self.confirmed.better

    def to_dict(self) -> dict[str, Any]:
        return {
            "values": self.values,
            "search NDCG@10": None if self.confirmed is None else self.score,
            "trials": self.trials,
            "new_trials": self.new,
            "check": None if self.confirmed is None else self.confirmed.to_dict(),
            "left_out": self.why,
        }


@dataclass(frozen=True)
class Tuned:
    """``written`` are the tables that came into ``path`` (None where nothing was worth it); ``applied`` says whether
    they are in ``zhiyin.toml`` too."""

    outcomes: list[Outcome]
    written: written.Tables
    path: Path | None
    applied: bool


def tune(
    prepared: Prepared,
    settings: Settings,
    project: Path,
    progress: Progress,
    *,
    models: Sequence[str] = (),
    protocol: ProtocolName = "leave-one-out",
    seconds: float = SECONDS,
    trials: int = TRIALS,
    out: Path | None = None,
    apply: bool = False,
    force: bool = False,
) -> Tuned:
    """Search the parameters of ``models`` (all by default) until each has ``trials`` finished trials or ``seconds`` are
    over, and write what holds on the users kept aside; with ``force`` what does not, too.

    The core may take as long as all the others together; what one leaves goes to the next. Confirming comes on top.
    Raises UsageError for an unknown model, NotEnoughData where the data cannot be split, StoreError where another
    process tunes here, ConfigError where ``zhiyin.toml`` cannot take what was found.
    """
    names = check_names(models)
    check_models(settings)
    path, text = project / FILE_NAME, written.read(project / FILE_NAME)
    before = written.marked(text, str(path))
    given = without(settings, before)
    if apply:
        # Hours from now the same would be refused, with the same words.
        written.with_marked(text, {**before, **_searched(names, given)}, str(path))
    with locked(project / FOLDER):
        split = split_by(protocol, prepared.interactions, settings.train.seed)
        validation = split.search().sample(settings.train.search_users, settings.train.seed)
        bench = make_bench(validation, prepared.catalogue, given.models, settings.train.seed)
        work = _Work(bench, Journal(project / FOLDER), split, prepared, given, project, progress)
        outcomes: list[Outcome] = []
        left = {name: max(1.0, len(names) - 1.0) if name in (CORE, FusionStage.name) else 1.0 for name in names}
        ends = time.monotonic() + seconds
        for name in names:
            share = (ends - time.monotonic()) * left[name] / sum(left.values())
            del left[name]
            stage = work.stage(name, before, {one.name: one.values for one in outcomes if one.better})
            outcomes.append(work.tune(stage, before.get(name, {}), trials, time.monotonic() + share))
    tables = {one.name: one.values for one in outcomes if one.confirmed is not None and (one.better or force)}
    if not tables:
        return Tuned(outcomes, {}, None, False)
    target = out or project / OUT
    # First what can be refused, so that nothing is half done; the file may have been edited in the meantime.
    merged = written.with_marked(written.read(path), {**before, **tables}, str(path)) if apply else None
    written.write(target, written.as_toml(tables, _notes(protocol, bench, outcomes, prepared)))
    if merged is not None:
        written.write(path, merged)
    return Tuned(outcomes, tables, target, merged is not None)


def check_names(models: Sequence[str]) -> list[str]:
    """``models`` in the order of tables, their combination last; all where none is named. Raises UsageError for an
    unknown one."""
    known = [*MODELS, *([FusionStage.name] if FusionStage.search_space else [])]
    unknown = next((name for name in models if name not in known), None)
    if unknown is not None:
        raise UsageError(f"no model '{unknown}'", where="--model", fix=f"use one of {', '.join(known)}")
    return [name for name in known if not models or name in models]


def without(settings: Settings, found: Mapping[str, Mapping[str, Any]]) -> Settings:
    """``settings`` but for what an earlier call ``found`` and wrote: that is no wish of the user's, and stays open to
    search."""
    models = {
        name: {
            key: value for key, value in values.items() if key not in found.get(name, {}) or found[name][key] != value
        }
        for name, values in settings.models.items()
    }
    return settings.model_copy(update={"models": {name: values for name, values in models.items() if values}})


@dataclass(frozen=True)
class _Work:
    bench: Bench
    journal: Journal
    split: Split
    prepared: Prepared
    settings: Settings
    project: Path
    progress: Progress

    def stage(self, name: str, before: Mapping[str, Any], found: Mapping[str, Mapping[str, Any]]) -> Stage:
        """The stage of ``name``. The models combined are as training would have them after what was ``found``: else
        with what was found ``before``, else as training chose them, else with their defaults."""
        fixed = self.settings.models.get(name, {})
        if name != FusionStage.name:
            return ModelStage(MODELS[name], self.bench, fixed)
        members = {}
        for model, kind in MODELS.items():
            own, values = self.settings.models.get(model, {}), found.get(model) or before.get(model)
            chosen = self._chosen(model, kind.make_params) if values is None else None
            members[model] = kind.make_params({**(values or {}), **own}) if chosen is None else chosen
        return FusionStage(self.bench, members, fixed)

    def tune(self, stage: Stage, before: Mapping[str, Any], most: int, until: float) -> Outcome:
        """One stage until the monotonic clock shows ``until``."""
        space = space_of(stage.params_type, stage.search_space, fixed=stage.fixed)
        if not space:
            return _left_out(stage.name, "every parameter that could be searched is set in the settings")
        defaults = stage.make({})
        seconds, left = stage.seconds(defaults), until - time.monotonic()
        if seconds > left:
            return _left_out(
                stage.name, f"one fit takes about {seconds:.0f} s and {max(left, 0):.0f} s are left: raise --seconds"
            )
        try:
            pace = stage.look()
        except ModelError as unfit:
            return _left_out(stage.name, unfit.line)
        space = space_of(stage.params_type, stage.search_space, fixed=stage.fixed, stepped=stage.stepped)
        kept = self.journal.study(f"{stage.name} {self._key(stage, space)}")
        trials = Trials(stage, space, kept, self.settings.train.seed)
        rivals = {DEFAULTS: defaults}
        if isinstance(stage, ModelStage):
            chosen = self._chosen(stage.name, stage.kind.make_params)
            chosen = chosen or self._built_in(stage, trials, kept, (until - time.monotonic()) / 2 / pace)
            if chosen is not None:
                rivals[BUILT_IN] = chosen
        if before:
            rivals[APPLIED] = stage.make(before)
        ready = len(trials.own)
        with self.progress.task(f"Tuning {stage.name}", total=most) as advance:
            advance(ready)
            trials.run([places_of(space, params) for params in rivals.values()], most, until, advance, pace)
        best = trials.best()
        if best is None:
            return _left_out(
                stage.name, f"none of {len(trials.own)} trials gave lists worth measuring; raise --seconds for more"
            )
        outcome = self._confirm(stage, best, rivals, len(trials.own), ready)
        self.progress.say(line_of(outcome))
        return outcome

    def _confirm(self, stage: Stage, best: Best, rivals: Mapping[str, BaseModel], done: int, ready: int) -> Outcome:
        found = stage.make(best.values)
        with self.progress.task(f"Confirming {stage.name}"):
            confirmed = confirm(stage, found, rivals, self.settings.train.seed)
        return Outcome(stage.name, best.values, best.score, done, done - ready, confirmed)

    def _chosen(self, name: str, make: Callable[[dict[str, Any]], Params]) -> Params | None:
        """What training chose for this model on these data; None where nothing is kept that can be read."""
        path = self.project / FOLDER / f"{choice_key(self.split, self.prepared, self.settings)}.json"
        try:
            return make(json.loads(path.read_text(encoding="utf-8"))["params"][name])
        except (OSError, ValueError, KeyError, TypeError, ZhiyinError):
            return None

    def _built_in(self, stage: ModelStage, trials: Trials, kept: Any, budget: float) -> Params | None:
        """What the search of training finds on the search half, with a budget of nominal seconds; once for a study."""
        if BUILT_IN in kept.user_attrs:
            return stage.kind.make_params(kept.user_attrs[BUILT_IN])
        if not self.settings.train.search:
            return None
        bench = self.bench
        run = Search(
            stage.kind,
            bench.search,
            bench.catalogue,
            seed=bench.data.seed,
            budget=budget,
            filler=bench.filler,
        )
        with self.progress.task(f"The built-in search of {stage.name}"):
            try:
                found = run.run(dict(stage.fixed), True)
            except ModelError:
                return None
        measured = [(stage.kind.make_params(one["params"]), one["NDCG@10"]) for one in found.trials]
        trials.add_built_in(measured)
        kept.set_user_attr(BUILT_IN, found.params.model_dump())
        return found.params

    def _key(self, stage: Stage, space: Space) -> str:
        """Names the data, the split, the space and all else that decides what a trial scores and which comes next."""
        kinds = {
            "split": self.split.description,
            "train": {"seed": self.settings.train.seed, "users": len(stage.bench.search.users)},
            "space": told(space),
            "fixed": dict(stage.fixed),
            "defaults": stage.make({}).model_dump(),
            "stage": stage.told(),
            "version": [FORMAT, STARTUP, HELD, FIRST_USERS, version("zhiyin")],
        }
        text = json.dumps([self.prepared.fingerprint, kinds], sort_keys=True, ensure_ascii=False, default=str)
        return hashlib.sha256(text.encode()).hexdigest()[:24]


def _searched(names: Sequence[str], settings: Settings) -> written.Tables:
    """Tables as they would be written, whatever the values."""
    kinds: list[type[Recommender] | type[FusionStage]] = [*MODELS.values(), FusionStage]
    spaces = {
        kind.name: space_of(kind.params_type, kind.search_space, fixed=settings.models.get(kind.name, {}))
        for kind in kinds
        if kind.name in names
    }
    return {name: dict.fromkeys(space, 0) for name, space in spaces.items() if space}


def line_of(one: Outcome) -> str:
    """What became of one stage, in a line."""
    checked = one.confirmed
    if checked is None:
        return f"{one.name} is left out: {one.why}"
    start = f"{one.name}: {one.trials} tried ({one.new} now), search half NDCG@10 {one.score:.4f}, checking half"
    if checked.gap is None:
        return f"{start} {checked.found:.4f}: nothing better than {checked.closest}"
    gap, verdict = checked.gap, "better than" if checked.better else "no better than"
    return (
        f"{start} {checked.found:.4f}: {verdict} {checked.closest} ({checked.rivals[checked.closest]:.4f}) by "
        f"{gap.mean:+.4f} (95 % {gap.low:+.4f} to {gap.high:+.4f}, {gap.users:,} users)"
    )


def _left_out(name: str, why: str) -> Outcome:
    return Outcome(name, {}, float("nan"), 0, 0, None, why)


def _notes(protocol: str, bench: Bench, outcomes: Sequence[Outcome], prepared: Prepared) -> list[str]:
    return [
        f"Found by 'zhiyin tune' on data {prepared.fingerprint[:12]}, {protocol}, validation alone:",
        f"chosen by {len(bench.search.users):,} users, checked with {len(bench.check.users):,} others.",
        *(line_of(one) for one in outcomes if one.confirmed is not None),
    ]
