"""JSON lines: one object a line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from zhiyin.events.files import TextFile
from zhiyin.events.rejects import Rejects


def objects(text: TextFile, rejects: Rejects) -> Iterator[tuple[int, dict[str, Any]]]:
    """Line number and object of every line that holds one; blank lines are skipped, others go to ``rejects``."""
    for block in text.blocks():
        if block.broken:
            rejects.add(block.first, block.first, "bad UTF-8", f"not {text.encoding}")
            continue
        for number, line in enumerate(block.data.decode().split("\n"), block.first):
            if not line or line.isspace():
                continue
            try:
                value = json.loads(line)
                if "\\" in line:  # an escape may spell half a character, which no database takes
                    json.dumps(value, ensure_ascii=False).encode()
            except (ValueError, RecursionError) as error:
                what = getattr(error, "msg", "") or type(error).__name__
                rejects.add(number, number, "malformed row", f"no JSON: {what}")
                continue
            if isinstance(value, dict):
                yield number, value
            else:
                rejects.add(number, number, "malformed row", "no JSON object")
