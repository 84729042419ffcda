"""``zhiyin keys``: who may ask the service, and for what."""

from __future__ import annotations

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from zhiyin.cli.common import Format, FormatOption, ProjectOption, open_project, print_json
from zhiyin.errors import UsageError

if TYPE_CHECKING:
    from zhiyin.store.keys import KeptKey

app = typer.Typer(help="API keys of the service: make one, list them, take one back.", no_args_is_help=True)


@app.command("create")
def create_key(
    name: Annotated[str, typer.Option("--name", metavar="NAME", help="What the key is for: shown in lists.")],
    tenant: Annotated[str, typer.Option(metavar="NAME", help="Whose data it opens; see 'zhiyin tenants'.")] = "default",
    scope: Annotated[
        str, typer.Option(metavar="LIST", help="What it may do: read, write, admin, export, with commas between.")
    ] = "read,write",
    output: FormatOption = Format.TEXT,
    project: ProjectOption = Path(),
) -> None:
    """Make a key and show it, this once: the store keeps a hash of it alone."""
    from zhiyin.serve import keys
    from zhiyin.serve.folders import names
    from zhiyin.store.keys import KeptKey

    scopes = _scopes(scope)
    if not name.strip() or len(name) > 200:
        raise UsageError("a key needs a name of up to 200 characters", where="--name", fix='--name "shop front"')
    if tenant not in names(project):
        raise UsageError(f"no tenant '{tenant}'", where="--tenant", fix=f"make it with 'zhiyin tenants add {tenant}'")
    made, now = keys.make(), time.time_ns() // 1000
    with open_project(project) as opened:
        opened.store.keys.add(KeptKey(made.prefix, made.hash, made.salt, tenant, name, scopes, now))
        opened.store.audit.add("keys.create", tenant=tenant, time=now, target=made.prefix, detail={"scopes": scopes})
    if output is Format.JSON:
        told = {"key": made.key, "prefix": made.prefix, "tenant": tenant, "name": name, "scopes": list(scopes)}
        print_json(told)
        return
    typer.echo(made.key)
    typer.echo(
        f"Key {made.prefix} of tenant {tenant} may {', '.join(scopes)}. It is shown this once: keep it.", err=True
    )


@app.command("list")
def list_keys(output: FormatOption = Format.TEXT, project: ProjectOption = Path()) -> None:
    """Every key by its prefix, oldest first."""
    with open_project(project) as opened:
        rows = opened.store.keys.all()
    if output is Format.JSON:
        print_json([_told(row) for row in rows])
        return
    for row in rows:
        state = f"revoked {_day(row.revoked)}" if row.revoked is not None else "valid"
        scopes = ",".join(row.scopes)
        typer.echo(f"{row.prefix}  {row.tenant}  {scopes}  made {_day(row.created)}  {state}  {row.name}")
    if not rows:
        typer.echo("No key yet: the service answers this machine alone. Next: zhiyin keys create --name NAME")


@app.command("revoke")
def revoke_key(
    prefix: Annotated[str, typer.Argument(metavar="PREFIX", help="The key's prefix, as 'zhiyin keys list' has it.")],
    project: ProjectOption = Path(),
) -> None:
    """Take a key back. A running service refuses it within two seconds."""
    now = time.time_ns() // 1000
    with open_project(project) as opened:
        row = opened.store.keys.get(prefix)
        if row is None or not opened.store.keys.revoke(prefix, now):
            what = f"no key '{prefix}'" if row is None else f"key {prefix} is revoked already"
            raise UsageError(what, fix="see 'zhiyin keys list'")
        opened.store.audit.add("keys.revoke", tenant=row.tenant, time=now, target=prefix)
    typer.echo(f"Key {prefix} is revoked.")


def _scopes(given: str) -> tuple[str, ...]:
    from zhiyin.serve.keys import Scope

    asked = {one.strip() for one in given.split(",") if one.strip()}
    known = [str(one) for one in Scope]
    if unknown := sorted(asked - set(known)):
        raise UsageError(f"no scope '{unknown[0]}'", where="--scope", fix=f"use some of: {','.join(known)}")
    if not asked:
        raise UsageError("a key that may do nothing", where="--scope", fix=f"use some of: {','.join(known)}")
    return tuple(one for one in known if one in asked)


def _told(row: KeptKey) -> dict[str, object]:
    """Without hash and salt."""
    names = ("prefix", "tenant", "name", "scopes", "created", "last_used", "revoked")
    return {name: getattr(row, name) for name in names}


def _day(time: int | None) -> str:
    return "never" if time is None else datetime.fromtimestamp(time / 1e6, tz=UTC).strftime("%Y-%m-%d %H:%M")
