"""schemathesis against a real service: everything that the description allows, and what it forbids.

For long, by hand, from the root of the repository:

    python tests/serve/fuzzing.py PROJECT '^/v1' EXAMPLES [--keys]

PROJECT is a trained project; it is copied first.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from zhiyin.serve import keys
from zhiyin.store import open_store
from zhiyin.store.keys import KeptKey
from zhiyin.testing.service import Service

COSTLY = ("/v1/training/start",)
"""Not asked: each would train, which is tested by itself."""


def fuzz(project: Path, paths: str, *, examples: int, with_keys: bool = False, seed: int = 1, seconds: float) -> str:
    """What schemathesis says of the operations whose address matches ``paths``, all checks on. ``project`` is changed.
    Raises AssertionError where a check fails, or an answer is a 5xx."""
    key = _key(project) if with_keys else None
    with Service(project) as service:
        words = [
            str(Path(sys.executable).with_name("schemathesis")), "run", f"{service.url}/openapi.json",
            "--include-path-regex", paths, "--checks", "all", "--max-examples", str(examples), "--seed", str(seed),
            "--continue-on-failure", "--no-color",
        ]  # fmt: skip
        for path in COSTLY:
            words += ["--exclude-path", path]
        if key is not None:
            words += ["--header", f"X-API-Key: {key}"]
        with tempfile.TemporaryDirectory() as folder:
            told = subprocess.run(words, capture_output=True, text=True, timeout=seconds, cwd=folder)
        assert told.returncode == 0, told.stdout[-20_000:] + told.stderr[-2_000:]
        return told.stdout


def _key(project: Path) -> str:
    made = keys.make()
    store = open_store("sqlite:///zhiyin.db", project)
    try:
        scopes = tuple(str(one) for one in keys.Scope)
        store.keys.add(KeptKey(made.prefix, made.hash, made.salt, "default", "test", scopes, time.time_ns() // 1000))
    finally:
        store.close()
    return made.key


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        copy = Path(shutil.copytree(sys.argv[1], Path(scratch) / "project"))
        print(fuzz(copy, sys.argv[2], examples=int(sys.argv[3]), with_keys="--keys" in sys.argv, seconds=7200)[-3000:])
