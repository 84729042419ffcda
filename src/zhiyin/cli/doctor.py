"""``zhiyin doctor``: what is set up, what works, and what to do about the rest."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from zhiyin.cli.common import Format, FormatOption, ProjectOption, print_json

if TYPE_CHECKING:
    from zhiyin.config import LlmSettings, Settings
    from zhiyin.store.sql import SqlStore


class State(StrEnum):
    """``off`` is not asked for, ``later`` comes by itself or by a command not run yet, ``fail`` is set up and does not
    work."""

    OK = "ok"
    OFF = "off"
    LATER = "later"
    FAIL = "fail"


@dataclass(frozen=True)
class Check:
    name: str
    state: State
    says: str
    fix: str | None = None


@dataclass(frozen=True)
class JobTier:
    """Which tier does a job, and why."""

    tier: str
    why: str


@dataclass(frozen=True)
class Diagnosis:
    checks: list[Check]
    jobs: dict[str, JobTier]

    @property
    def ok(self) -> bool:
        return all(check.state is not State.FAIL for check in self.checks)


def doctor(
    probe: Annotated[bool, typer.Option(help="Make one small call to each model that is configured.")] = True,
    output: FormatOption = Format.TEXT,
    project: ProjectOption = Path(),
) -> None:
    """Say which tier does each job and why, and whether all that is configured works (exit code 1 if not)."""
    found = diagnose(project, probe)
    if output is Format.JSON:
        print_json({"ok": found.ok, **asdict(found)})
    else:
        for check in found.checks:
            typer.echo(f"{check.state:<6}{check.name}: {check.says}" + (f"  Fix: {check.fix}" if check.fix else ""))
        for job, done in found.jobs.items():
            typer.echo(f"      {job}: {done.tier} ({done.why})")
    if not found.ok:
        raise typer.Exit(1)


def diagnose(project: Path, probe: bool = True) -> Diagnosis:
    """Look at the project folder. Raises ConfigError where it is none."""
    from zhiyin.config import load_settings
    from zhiyin.errors import ZhiyinError
    from zhiyin.store import open_store

    settings = load_settings(project)
    try:
        store = open_store(settings.store.url, project)
    except ZhiyinError as failure:
        return Diagnosis([_failed("store", failure)], {})
    try:
        return _look(settings, store, project, probe)
    finally:
        store.close()


def _look(settings: Settings, store: SqlStore, project: Path, probe: bool) -> Diagnosis:
    from zhiyin.llm import open_models
    from zhiyin.types import Job

    counts = store.counts()
    rows = ", ".join(f"{number:,} {name}" for name, number in counts.items())
    checks = [Check("store", State.OK, f"{settings.store.url}, {rows}"), _bundle(store, project)]
    checks.append(_encoder(settings, store))
    checks += _service(settings, store, project)
    models = open_models(settings.llm, store)
    try:
        checks += _model(settings.llm, models, probe)
        checks += _budgets(settings.llm, store)
        reason = next((check.says for check in checks if check.name == "model" and check.state is not State.OK), None)
        jobs = {str(job): _job(settings.llm, models, job, reason) for job in Job}
    finally:
        close = getattr(models, "close", None)
        if close is not None:
            close()
    return Diagnosis(checks, jobs)


def _bundle(store: SqlStore, project: Path) -> Check:
    from zhiyin.bundle import FOLDER, active
    from zhiyin.errors import ZhiyinError

    if store.bundles().is_empty():
        return Check("bundle", State.LATER, "none trained yet", "zhiyin train")
    try:
        manifest = active(store, project / FOLDER).manifest
    except ZhiyinError as failure:
        return _failed("bundle", failure)
    return Check("bundle", State.OK, f"{manifest.name} is served, by model '{manifest.served}'")


def _encoder(settings: Settings, store: SqlStore) -> Check:
    from zhiyin import assets
    from zhiyin.understand.encoder import ENGLISH, MULTILINGUAL
    from zhiyin.understand.script import choose

    model: str = settings.encoder.model
    if model == "none":
        return Check("encoder", State.OFF, "texts are not encoded ([encoder] model)")
    why = "[encoder] model"
    if model == "auto":
        items = store.items()
        texts = [" ".join(filter(None, parts)) for parts in zip(items["title"], items["description"], strict=True)]
        if not any(text.strip() for text in texts):
            return Check("encoder", State.LATER, "chosen by the script of the items' texts, and there are none yet")
        model, why = choose(texts), "by the script of the items' texts"
    name = ENGLISH if model == "english" else MULTILINGUAL
    return _asset("encoder", name, f"{model}, {why}: ", assets.present(name) is not None)


def _service(settings: Settings, store: SqlStore, project: Path) -> list[Check]:
    """Who may ask, and whether bundles are renewed."""
    from zhiyin.serve.folders import names
    from zhiyin.serve.run import is_loopback

    rules, retrain = settings.serve, settings.retrain
    keys = [key for key in store.keys.all() if key.revoked is None]
    tenants = f", {len(names(project))} tenants" if len(names(project)) > 1 else ""
    says = f"{rules.host}:{rules.port}, {rules.workers} processes, {len(keys)} API keys{tenants}"
    if not keys and not is_loopback(rules.host):
        checks = [Check("service", State.FAIL, f"{says}: others could reach it", "zhiyin keys create")]
    else:
        checks = [Check("service", State.OK, says if keys else f"{says}: this machine alone is answered")]
    when = [
        name
        for name, value in (
            ("by age", retrain.every_hours),
            ("by new events", retrain.new_share),
            ("by reward", retrain.drop),
        )
        if value is not None
    ]
    if when:
        return [*checks, Check("retraining", State.OK, f"while serving, {', '.join(when)}")]
    return [*checks, Check("retraining", State.OFF, "only by 'zhiyin train' ([retrain])")]


def _asset(check: str, name: str, says: str, present: bool) -> Check:
    from zhiyin import assets

    if present:
        return Check(check, State.OK, f"{says}{name} is here")
    size = assets.find(name).size / 1e6
    return Check(
        check, State.LATER, f"{says}{name} is not here, first use fetches {size:.0f} MB", f"zhiyin assets get {name}"
    )


def _model(settings: LlmSettings, models: Any, probe: bool) -> list[Check]:
    """Files, key and a call."""
    import os

    from zhiyin.errors import LlmError
    from zhiyin.llm import Client

    if not isinstance(models, Client):
        return [Check("model", State.OFF, "no language model is configured ([llm] provider)")]
    checks: list[Check] = []
    if settings.provider == "openai":
        there = "holds a key" if os.environ.get(settings.key_variable, "").strip() else "is empty"
        checks.append(Check("key", State.OK, f"{settings.key_variable} {there}"))
    elif (files := _model_asset(settings)) is not None:
        checks.append(files)
    if (why := models.identity_failure()) is not None:
        return [*checks, _failed("model", why)]
    if any(check.state is State.LATER for check in checks) or not probe:
        return [*checks, Check("model", State.LATER, f"{settings.model}, not asked")]
    for name, ask in (("model", lambda: models.probe(fresh=True)), ("reranker", models.probe_reranker)):
        try:
            says = ask()
        except LlmError as failure:
            checks.append(_failed(name, failure))
        else:
            checks += [Check(name, State.OK, says)] if says is not None else []
    return checks


def _model_asset(settings: LlmSettings) -> Check | None:
    """Whether the files of an embedded model that is an asset are here; None where it is no asset."""
    from zhiyin import assets

    if settings.model not in {asset.name for asset in assets.catalogue()}:
        return None
    return _asset("files", settings.model, "", assets.present(settings.model) is not None)


def _job(settings: LlmSettings, models: Any, job: Any, reason: str | None) -> JobTier:
    if settings.provider == "none":
        return JobTier("none", "no language model is configured")
    if job not in settings.jobs:
        return JobTier("none", "not named in [llm] jobs")
    if reason is not None:
        return JobTier(str(models.tier(job)), reason)
    return JobTier(str(models.tier(job)), settings.model)


def _budgets(settings: LlmSettings, store: SqlStore) -> list[Check]:
    """What was spent today (UTC), against each limit."""
    import time

    from zhiyin.llm.budget import DAY, limits_of

    if settings.provider == "none":
        return []
    now = time.time_ns() // 1000
    spent = store.calls.spent(settings.tenant, now - now % DAY)
    calls, tokens, money = (sum(getattr(one, what) for one in spent.values()) for what in ("calls", "tokens", "money"))
    says = f"{calls:,} calls, {tokens:,} tokens, {money:.4g} in money for tenant '{settings.tenant}'"
    checks = [Check("spent today", State.OK, says)]
    for limit in limits_of(settings.budget):
        used = sum(getattr(one, limit.what) for job, one in spent.items() if limit.job in (None, job))
        full = used >= limit.most
        checks.append(
            Check(
                f"budget {limit.name}",
                State.FAIL if full else State.OK,
                f"{used:,.6g} of {limit.most:,.6g} {limit.what}",
                "raise it, or wait for the next day (UTC)" if full else None,
            )
        )
    return checks


def _failed(name: str, failure: Any) -> Check:
    place = f"{failure.where}: " if failure.where else ""
    return Check(name, State.FAIL, " ".join(f"{place}{failure.what}".split()), failure.fix)
