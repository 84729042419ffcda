"""``/v1/experiments``: variants of a surface held against each other."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Body, Query
from pydantic import ValidationError, ValidatorFunctionWrapHandler, WrapValidator

from zhiyin.errors import Conflict, NotThere
from zhiyin.experimenting import analysed, start, stop
from zhiyin.feedback.experiments import Experiment
from zhiyin.serve.auditing import Audits
from zhiyin.serve.auth import CanAdmin, CanRead
from zhiyin.serve.documented import CONFLICT, MISSING
from zhiyin.serve.tenants import Tenant
from zhiyin.serve.v1.conditions import fitting
from zhiyin.serve.v1.fields import Id, In, Out
from zhiyin.store.experiments import KeptExperiment

router = APIRouter(prefix="/experiments", tags=["experiments"])

Name = Annotated[Id, Query(description="Name of the experiment")]


def _sound(told: Any, check: ValidatorFunctionWrapHandler) -> Any:
    """What is in form and yet makes no sense (the same name twice) is a conflict."""
    try:
        return check(told)
    except ValidationError as invalid:
        errors = invalid.errors()
        if all(one["type"] == "value_error" for one in errors):
            what = errors[0]["msg"].removeprefix("Value error, ")
            raise Conflict(what, where="experiment", fix="see docs/feedback.md") from invalid
        raise


class Definition(In):
    name: Id
    experiment: Annotated[Experiment, WrapValidator(_sound)]


class Named(In):
    name: Id


class ExperimentOut(Out):
    name: str
    state: str
    """running or stopped."""
    created: int
    """Microseconds since 1970, UTC."""
    changed: int
    experiment: dict[str, Any]


class Experiments(Out):
    experiments: list[ExperimentOut]
    """Oldest first."""


class Report(Out):
    name: str
    experiment: Experiment
    report: dict[str, Any]
    """What can be said now, whenever it is looked at: people by variant, differences with their intervals, guardrails,
    a verdict in words."""


EXAMPLE = {
    "name": "更多新品",
    "experiment": {
        "variants": [{"name": "as it is", "pipeline": "default"}, {"name": "new", "pipeline": "home"}],
        "guardrails": [{"metric": "lists", "tolerance": 0.05}],
    },
}


@router.get("", response_model=Experiments, responses=MISSING)
async def get_experiments(
    tenant: CanRead, name: Annotated[Id | None, Query(description="This one alone")] = None
) -> Experiments:
    """All experiments, or one."""
    kept = await tenant.read(lambda store: store.experiments.all())
    found = [one for one in kept if name is None or one.name == name]
    if name is not None and not found:
        raise _unknown(name)
    return Experiments(experiments=list(map(_out, found)))


@router.put("", response_model=ExperimentOut, responses=CONFLICT)
async def put_experiment(
    tenant: CanAdmin,
    audits: Audits,
    given: Annotated[Definition, Body(openapi_examples={"two variants": {"value": EXAMPLE}})],
) -> ExperimentOut:
    """Start an experiment. The same again changes nothing; another one of the same name is refused, for what the
    two saw would be mixed up."""
    await audits.write("experiments.put", given.name)
    told = given.experiment.model_dump(mode="json")
    with fitting():
        await tenant.read(lambda store: start(store, tenant.project, given.name, told))
    return _out(await _kept(tenant, given.name))


@router.post("/start", response_model=ExperimentOut, responses=MISSING | CONFLICT)
async def start_experiment(
    tenant: CanAdmin,
    audits: Audits,
    given: Annotated[Named, Body(openapi_examples={"go on": {"value": {"name": "更多新品"}}})],
) -> ExperimentOut:
    """Go on with an experiment that was stopped."""
    await _kept(tenant, given.name)
    await audits.write("experiments.start", given.name)
    with fitting():
        await tenant.read(lambda store: start(store, tenant.project, given.name))
    return _out(await _kept(tenant, given.name))


@router.post("/stop", response_model=ExperimentOut, responses=MISSING)
async def stop_experiment(
    tenant: CanAdmin,
    audits: Audits,
    given: Annotated[Named, Body(openapi_examples={"stop": {"value": {"name": "更多新品"}}})],
) -> ExperimentOut:
    """Everybody gets the surface's own pipeline again."""
    await _kept(tenant, given.name)
    await audits.write("experiments.stop", given.name)
    with fitting():
        await tenant.read(lambda store: stop(store, given.name))
    return _out(await _kept(tenant, given.name))


@router.get("/report", response_model=Report, responses=MISSING | CONFLICT)
async def report_experiment(tenant: CanRead, name: Name) -> Report:
    """What an experiment says by now."""
    await _kept(tenant, name)
    with fitting():
        experiment, told = await tenant.slow(lambda store: analysed(store, name))
    return Report(name=name, experiment=experiment, report=told.to_dict())


async def _kept(tenant: Tenant, name: str) -> KeptExperiment:
    """Raises NotThere."""
    kept = await tenant.read(lambda store: store.experiments.get(name))
    if kept is None:
        raise _unknown(name)
    return kept


def _unknown(name: str) -> NotThere:
    return NotThere(f"no experiment '{name}'", where="name", fix="see GET /v1/experiments")


def _out(kept: KeptExperiment) -> ExperimentOut:
    return ExperimentOut(
        name=kept.name, state=kept.state, created=kept.created, changed=kept.changed, experiment=kept.described
    )
