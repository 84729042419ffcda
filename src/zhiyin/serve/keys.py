"""API keys: ``zk_PREFIX_SECRET``. The store holds the prefix and a salted hash; the secret is shown once, when made.

The secret has 192 random bits, so a fast hash is enough: there is nothing to guess.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass
from enum import StrEnum

START = "zk"


class Scope(StrEnum):
    """What a key may do: ``read`` lists, profiles and rows; ``write`` events, items, users and profiles; ``admin``
    training, bundles, experiments and erasures; ``export`` take data out in bulk, or all of one person's."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"
    EXPORT = "export"


ALL = frozenset(Scope)


@dataclass(frozen=True)
class Made:
    """A new key: ``key`` is for its holder, the others are for the store."""

    key: str
    prefix: str
    salt: str
    hash: str


def make() -> Made:
    prefix, secret, salt = secrets.token_hex(4), secrets.token_urlsafe(24), secrets.token_hex(16)
    key = f"{START}_{prefix}_{secret}"
    return Made(key, prefix, salt, hashed(key, salt))


def prefix_of(key: str) -> str | None:
    """The part of ``key`` by which it is looked up; None where it is no key of ours."""
    parts = key.split("_", 2)
    return parts[1] if len(parts) == 3 and parts[0] == START and parts[2] else None


def hashed(key: str, salt: str) -> str:
    return hashlib.sha256(f"{salt}:{key}".encode()).hexdigest()


def matches(key: str, salt: str, hash_: str) -> bool:
    return hmac.compare_digest(hashed(key, salt), hash_)
