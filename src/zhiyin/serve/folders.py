"""Where tenants live: the project itself is ``default``, tenant NAME is the project in its folder ``tenants/NAME``."""

from __future__ import annotations

import os
import re
import unicodedata
from pathlib import Path

from zhiyin.config import FILE_NAME, load_settings
from zhiyin.errors import ConfigError, UsageError
from zhiyin.store.schemas import identity, is_postgres, own_schema

DEFAULT = "default"
FOLDER = "tenants"
LONGEST = 60
STORE_VARIABLE = "ZHIYIN_STORE__URL"
TEMPLATE = """\
# Settings of one tenant. Every key and its default: docs/configuration.md.
name = "{name}"
"""


def folder_of(root: Path, name: str) -> Path:
    return root if name == DEFAULT else root / FOLDER / name


def names(root: Path) -> list[str]:
    """Every tenant that has a project, the default first."""
    return [DEFAULT, *sorted(path.parent.name for path in (root / FOLDER).glob(f"*/{FILE_NAME}"))]


def add(root: Path, name: str) -> Path:
    """Make the project of a new tenant; its folder. Raises UsageError for a name that is no use or taken, ConfigError,
    StoreError."""
    check(name)
    url = load_settings(root).store.url
    if STORE_VARIABLE in os.environ:
        fix = f"set [store] url in {FILE_NAME} instead"
        raise ConfigError("tenants would all have the one store", where=STORE_VARIABLE, fix=fix)
    path = folder_of(root, name) / FILE_NAME
    if path.exists():
        raise UsageError(f"tenant '{name}' is there already", fix="see 'zhiyin tenants list'")
    text = TEMPLATE.format(name=name)
    if is_postgres(url):
        text += f'\n[store]\nurl = "{own_schema(url, name)}"\n'
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)  # an address may hold a password
        path.write_text(text, encoding="utf-8")
    except OSError as failure:
        raise UsageError(f"{path} cannot be made: {failure.strerror}", fix="give access there") from failure
    return path.parent


def check(name: str) -> None:
    """Raises UsageError where ``name`` is no name for a tenant."""
    plain = re.fullmatch(r"[\w-]+", name) is not None and not name.startswith("-")
    if not plain or len(name) > LONGEST or unicodedata.normalize("NFC", name) != name or name.casefold() == DEFAULT:
        fix = f"use letters of any script, digits, - and _, up to {LONGEST}; not {DEFAULT}, and no - in front"
        raise UsageError(f"'{name}' is no name for a tenant", where="NAME", fix=fix)


def refuse_shared(name: str, project: Path, url: str, others: dict[str, str]) -> str:
    """The identity of the store of tenant ``name``. Raises ConfigError where another has the same: ``others`` are the
    identities of the open ones by name."""
    mine = identity(url, project)
    for other, theirs in others.items():
        if other != name and theirs == mine:
            fix = f"give each a [store] url of its own in its {FILE_NAME}, and none in {STORE_VARIABLE}"
            raise ConfigError(f"tenants '{name}' and '{other}' would share one store", where="[store] url", fix=fix)
    return mine
