"""Where a server is and what is sent to it: address, key, HTTP client."""

from __future__ import annotations

import hashlib
import ipaddress
import os
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx2

from zhiyin.config import LlmSettings
from zhiyin.errors import LlmOff

DEFAULT = "https://api.openai.com/v1"
NO_KEY = "none"
"""Sent to servers that ask for no key."""


@dataclass(frozen=True)
class Server:
    """``key`` is None where the environment holds none."""

    url: str
    key: str | None

    @property
    def host(self) -> str:
        """Host and port, for people."""
        return urlsplit(self.url).netloc.rpartition("@")[2]

    @property
    def local(self) -> bool:
        """Whether it runs on this machine."""
        name = urlsplit(self.url).hostname or ""
        try:
            return ipaddress.ip_address(name).is_loopback
        except ValueError:
            return name == "localhost"

    def fingerprint(self) -> str:
        """Tells addresses apart without showing them: 12 hexadecimal digits."""
        return hashlib.sha256(self.url.rstrip("/").encode()).hexdigest()[:12]

    def http(self, settings: LlmSettings) -> httpx2.AsyncClient:
        """A client for it: no proxy on the way to this machine, and no redirect that would take the key elsewhere."""
        limits = httpx2.Limits(max_connections=settings.concurrency, max_keepalive_connections=settings.concurrency)
        return httpx2.AsyncClient(
            timeout=settings.batch_seconds, limits=limits, trust_env=not self.local, follow_redirects=False
        )


def main_server(settings: LlmSettings) -> Server:
    """The server of [llm] base_url. Raises LlmOff for an address that is none, and where the key is missing."""
    key = os.environ.get(settings.key_variable, "").strip() or None
    url = settings.base_url or os.environ.get("OPENAI_BASE_URL", "").strip() or DEFAULT
    _check(url, "[llm] base_url")
    if key is None and url == DEFAULT:
        raise LlmOff(f"no key in {settings.key_variable}", where="environment", fix=f"set {settings.key_variable}")
    return Server(url, key)


def rerank_server(settings: LlmSettings) -> Server:
    """The server of [llm] rerank_url. The key goes along only to the host that it is meant for."""
    url = settings.rerank_url or ""
    _check(url, "[llm] rerank_url")
    key = os.environ.get(settings.key_variable, "").strip() or None
    meant = urlsplit(settings.base_url or DEFAULT).hostname
    same = settings.provider == "openai" and urlsplit(url).hostname == meant
    return Server(url, key if same else None)


def _check(url: str, where: str) -> None:
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise LlmOff("not an address", where=where, fix="write it like http://127.0.0.1:8000/v1")
