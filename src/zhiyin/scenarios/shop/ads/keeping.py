"""Campaigns of a project: files ``campaigns/NAME.toml``, or documents of the store that came by ``/v1``.

A file is changed by its editor alone; whether it is paused is kept in the store. A campaign of both kinds is refused.
"""

from __future__ import annotations

import json
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, TypeAdapter, ValidationError

from zhiyin.errors import ConfigError, UsageError, ZhiyinError
from zhiyin.scenarios.shop.ads.campaign import Campaign, Name
from zhiyin.scenarios.shop.ads.policy import FILE, Policy
from zhiyin.store.sql import SqlStore

FOLDER = "campaigns"
KIND = "ads.campaign"
RUNNING, PAUSED = "running", "paused"
M = TypeVar("M", bound=BaseModel)
_NAME: TypeAdapter[str] = TypeAdapter(Name)


@dataclass(frozen=True)
class Kept:
    """``source`` is "file" or "store"; ``state`` is "running" or "paused"."""

    name: str
    campaign: Campaign
    state: str
    source: str


def policy_of(project: Path) -> Policy:
    """``ads.toml``, or the defaults. Raises ConfigError."""
    path = project / FILE
    return _read(path, Policy) if path.is_file() else Policy()


def campaigns_of(store: SqlStore, project: Path, wrong: list[ZhiyinError] | None = None) -> list[Kept]:
    """In order of name. Raises ConfigError for a campaign that is wrong; with ``wrong`` it is left out and its error
    put there instead: the others must go on."""
    found: dict[str, Kept] = {}
    kept = {one.key: one for one in store.records.every(KIND)}
    for path in sorted((project / FOLDER).glob("*.toml")):
        name, own = path.stem, kept.pop(path.stem, None)
        try:
            if own is not None and own.body:
                what = f"there are two campaigns '{name}': a file, and one in the store"
                raise ConfigError(what, where=str(path), fix=f"rename the file, or 'zhiyin ads remove {name}'")
            state = PAUSED if own is not None and own.state == PAUSED else RUNNING
            found[name] = Kept(name, _read(path, Campaign), state, "file")
        except ConfigError as bad:
            _refuse(bad, wrong)
    for name, one in kept.items():
        if one.body:
            try:
                found[name] = Kept(name, campaign_from(one.body, f"campaign '{name}'"), one.state, "store")
            except ConfigError as bad:
                _refuse(bad, wrong)
    return [found[name] for name in sorted(found)]


def find(store: SqlStore, project: Path, name: str) -> Kept:
    """Raises UsageError where there is none, ConfigError where it is wrong."""
    wrong: list[ZhiyinError] = []
    for one in campaigns_of(store, project, wrong):
        if one.name == name:
            return one
    for error in wrong:
        if error.where and (
            error.where.startswith(str(project / FOLDER / f"{name}.toml")) or f"'{name}'" in error.where
        ):
            raise error
    raise UsageError(f"no campaign '{name}'", fix="see 'zhiyin ads list'")


def put(store: SqlStore, project: Path, name: str, told: Mapping[str, Any] | Campaign) -> Kept:
    """Keep a campaign in the store, or another version of it. What was spent stays spent. Raises ConfigError for one
    that is wrong, UsageError for a name that cannot be used or that a file has."""
    try:
        _NAME.validate_python(name)
    except ValidationError as bad:
        raise UsageError(f"a campaign cannot be called {name[:60]!r}", fix="use a printable name") from bad
    if (project / FOLDER / f"{name}.toml").is_file():
        raise UsageError(f"campaign '{name}' is a file", fix=f"edit {FOLDER}/{name}.toml, or choose another name")
    campaign = told if isinstance(told, Campaign) else campaign_from(told, f"campaign '{name}'")
    known = store.records.latest(KIND, name)
    state = known.state if known is not None else RUNNING
    store.records.put(KIND, name, state, campaign.to_dict())
    return Kept(name, campaign, state, "store")


def set_state(store: SqlStore, project: Path, name: str, state: str) -> Kept:
    """Pause a campaign or let it run. Raises UsageError where there is none."""
    kept = find(store, project, name)
    if not store.records.set_state(KIND, name, state):
        store.records.put(KIND, name, state, {})
    return Kept(name, kept.campaign, state, kept.source)


def remove(store: SqlStore, project: Path, name: str) -> None:
    """A campaign of the store; its shows and what was spent stay. Raises UsageError where there is none."""
    if (project / FOLDER / f"{name}.toml").is_file() and not _body(store, name):
        raise UsageError(f"campaign '{name}' is a file", fix=f"delete {FOLDER}/{name}.toml, or pause it")
    if not store.records.delete(KIND, name):
        raise UsageError(f"no campaign '{name}'", fix="see 'zhiyin ads list'")


def doubts(store: SqlStore, kept: Sequence[Kept]) -> list[str]:
    """Lines about what campaigns name and nobody knows: items, and interests where something is trained. Such a
    creative is never shown, such a target never met; it may come with the next import or training."""
    found = []
    rows = store.bundles()
    served = rows.filter(rows["active"])["manifest"].to_list()
    interests = None
    if served:
        told = json.loads(served[0]).get("interests", [])
        interests = {text.casefold() for one in told for text in (one["id"], one["name"])}
    for one in kept:
        items = [creative.item for creative in one.campaign.creative if creative.item is not None]
        found += [f"campaign '{one.name}': no item '{item}'" for item in items if store.rows.item(item) is None]
        if interests is not None:
            wanted = one.campaign.target.interests
            found += [
                f"campaign '{one.name}': no interest '{name}'" for name in wanted if name.casefold() not in interests
            ]
    return found


def campaign_from(told: Mapping[str, Any], where: str) -> Campaign:
    """Raises ConfigError naming the key."""
    return _checked(Campaign, dict(told), where)


def _body(store: SqlStore, name: str) -> dict[str, Any]:
    known = store.records.latest(KIND, name)
    return known.body if known is not None else {}


def _read(path: Path, model: type[M]) -> M:
    try:
        text = path.read_text(encoding="utf-8")
        told = tomllib.loads(text)
    except OSError as refused:
        raise ConfigError(f"the file cannot be read: {refused.strerror}", where=str(path)) from refused
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as broken:
        raise ConfigError(f"not valid TOML: {broken}", where=str(path), fix="correct that line") from broken
    return _checked(model, told, str(path), text)


def _checked(model: type[M], told: dict[str, Any], where: str, text: str = "") -> M:
    try:
        return model.model_validate(told)
    except ValidationError as invalid:
        errors = invalid.errors()
        # A slip in a key also leaves the right one missing: the slip is what to tell of.
        first = next((one for one in errors if one["type"] == "extra_forbidden"), errors[0])
        key = ".".join(str(part) for part in first["loc"])
        unknown = first["type"] == "extra_forbidden"
        said = first["msg"].removeprefix("Value error, ")
        what = f"unknown key '{key}'" if unknown else f"'{key}': {said}" if key else said
        line = _line(text, first["loc"])
        raise ConfigError(what, where=f"{where} line {line}" if line else where, fix="see docs/ads.md") from invalid


def _line(text: str, loc: tuple[int | str, ...]) -> int | None:
    """The line where the key ``loc`` is set, as far as a search for its name tells: of a table that comes several
    times, the one that is meant."""
    names = [part for part in loc if isinstance(part, str)]
    if not names:
        return None
    nth = next((part for part in loc if isinstance(part, int)), 0)
    inside = -1
    for number, line in enumerate(text.splitlines(), 1):
        bare = line.strip().replace(" ", "")
        if len(names) > 1 and bare.startswith((f"[{names[0]}]", f"[[{names[0]}]]", f"[{names[0]}.")):
            inside += 1
        if bare.startswith((f"{names[-1]}=", f'"{names[-1]}"=')) and (len(names) == 1 or inside == nth):
            return number
        if bare.startswith(f"{names[0]}=") and len(names) > 1:
            return number
    return None


def _refuse(error: ZhiyinError, wrong: list[ZhiyinError] | None) -> None:
    if wrong is None:
        raise error
    wrong.append(error)
