"""The name of a model that came as files: what it is called, and a hash of what it holds."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from pathlib import Path

LENGTH = 12
"""Hexadecimal characters of the hash that are kept, as in the folder names of assets."""


def fingerprint(name: str, files: Iterable[Path]) -> str:
    """``name`` made safe, and the hash of the names and bytes of ``files``; those that are not there are passed over.

    The same content gives the same name wherever it lies, so vectors stay valid when a folder is moved.
    """
    digest = hashlib.sha256()
    for path in sorted({path for path in files if path.is_file()}, key=lambda path: (path.name, str(path))):
        with path.open("rb") as stream:
            content = hashlib.file_digest(stream, "sha256").hexdigest()
        digest.update(f"{content}  {path.name}\n".encode())
    return f"{re.sub(r'[^A-Za-z0-9._-]+', '_', name) or 'model'}-{digest.hexdigest()[:LENGTH]}"
