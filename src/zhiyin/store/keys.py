"""API keys, of which only a salted hash is kept, and the log of what was done with them: ``SqlStore.keys`` and
``SqlStore.audit``."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import insert, select, update

from zhiyin.store.part import Part
from zhiyin.store.schema import api_keys, audit


@dataclass(frozen=True)
class KeptKey:
    """``prefix`` is the part of a key that may be shown. Times in microseconds UTC."""

    prefix: str
    hash: str
    salt: str
    tenant: str
    name: str
    scopes: tuple[str, ...]
    created: int
    last_used: int | None = None
    revoked: int | None = None


class Keys(Part):
    def add(self, key: KeptKey) -> None:
        """Raises StoreError where the prefix is taken."""
        row = asdict(key) | {"scopes": json.dumps(list(key.scopes))}
        with self._guarded(), self._writer.begin() as connection:
            connection.execute(insert(api_keys), [row])

    def get(self, prefix: str) -> KeptKey | None:
        """The revoked ones too."""
        rows = self._rows(select(*_KEY).where(api_keys.c.prefix == prefix))
        return _key(rows[0]) if rows else None

    def any(self) -> bool:
        """Whether a key was ever made. The revoked ones count: taking the last one back opens nothing."""
        return bool(self._rows(select(api_keys.c.prefix).limit(1)))

    def all(self) -> list[KeptKey]:
        """Oldest first."""
        return [_key(row) for row in self._rows(select(*_KEY).order_by(api_keys.c.created, api_keys.c.prefix))]

    def revoke(self, prefix: str, now: int) -> bool:
        """False where there is no such key, or it was revoked before."""
        this = (api_keys.c.prefix == prefix, api_keys.c.revoked.is_(None))
        with self._guarded(), self._writer.begin() as connection:
            return connection.execute(update(api_keys).where(*this).values(revoked=now)).rowcount > 0

    def touch(self, used: dict[str, int]) -> None:
        """Keep when keys were last used, by prefix. Times that lie before what is kept change nothing."""
        column = api_keys.c.last_used
        with self._guarded(), self._writer.begin() as connection:
            for prefix, now in used.items():
                older = column.is_(None) | (column < now)
                connection.execute(update(api_keys).where(api_keys.c.prefix == prefix, older).values(last_used=now))


@dataclass(frozen=True)
class Audited:
    """What was done by the key ``key_prefix`` (None: without one) to ``target``. ``detail`` is a JSON object."""

    seq: int
    time: int
    tenant: str
    key_prefix: str | None
    action: str
    target: str | None
    detail: dict[str, Any]


class Audit(Part):
    def add(
        self,
        action: str,
        *,
        tenant: str,
        time: int,
        key_prefix: str | None = None,
        target: str | None = None,
        detail: dict[str, Any] | None = None,
    ) -> None:
        row = {"time": time, "tenant": tenant, "key_prefix": key_prefix, "action": action, "target": target}
        row["detail"] = None if detail is None else json.dumps(detail, ensure_ascii=False)
        with self._guarded(), self._writer.begin() as connection:
            connection.execute(insert(audit), [row])

    def latest(self, limit: int = 100, *, tenant: str | None = None, before: int | None = None) -> list[Audited]:
        """Newest first, from below ``seq`` ``before`` on."""
        query = select(*(audit.c[name] for name in Audited.__dataclass_fields__))
        query = query.order_by(audit.c.seq.desc()).limit(limit)
        query = query if tenant is None else query.where(audit.c.tenant == tenant)
        query = query if before is None else query.where(audit.c.seq < before)
        rows = self._rows(query)
        return [Audited(row[0], row[1], row[2], row[3], row[4], row[5], json.loads(row[6] or "{}")) for row in rows]


_KEY = [api_keys.c[name] for name in KeptKey.__dataclass_fields__]


def _key(row: Any) -> KeptKey:
    values = dict(zip(KeptKey.__dataclass_fields__, row, strict=True))
    return KeptKey(**values | {"scopes": tuple(json.loads(values["scopes"]))})
