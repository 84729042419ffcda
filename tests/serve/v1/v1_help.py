"""What the tests of ``/v1`` share beside fixtures."""

from __future__ import annotations

import shutil
import time
from pathlib import Path

from fastapi import FastAPI

from zhiyin.serve import keys
from zhiyin.serve.auth import HEADER
from zhiyin.serve.folders import DEFAULT, add
from zhiyin.serve.tenants import Tenants
from zhiyin.store.keys import KeptKey


def served(app: FastAPI, tenant: str = DEFAULT) -> str | None:
    rows = app.state.tenants.get(tenant).store.bundles()
    names = rows.filter(rows["active"])["name"].to_list()
    return names[0] if names else None


def make_key(tenants: Tenants, tenant: str = DEFAULT, scopes: tuple[str, ...] = tuple(keys.Scope)) -> str:
    made = keys.make()
    row = KeptKey(made.prefix, made.hash, made.salt, tenant, "test", scopes, time.time_ns() // 1000)
    tenants.default.store.keys.add(row)
    return made.key


def with_key(key: str) -> dict[str, str]:
    return {HEADER: key}


def trained_tenant(project: Path, name: str) -> Path:
    """A tenant with the data and the bundle of the project itself, as they are now."""
    folder = add(project, name)
    shutil.copytree(project / "bundles", folder / "bundles")
    for path in project.glob("zhiyin.db*"):
        shutil.copy(path, folder)
    (folder / "zhiyin.toml").write_text((project / "zhiyin.toml").read_text(encoding="utf-8"), encoding="utf-8")
    return folder
