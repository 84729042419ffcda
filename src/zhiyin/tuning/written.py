"""What was found, as TOML: a file of its own, and lines between two marks in ``zhiyin.toml``.

Nothing outside the marks is touched. A table that the file already has gets the marked lines under its heading, since
TOML lets no table be opened twice; the others come at the end. Every change is read back before it is written.
"""

from __future__ import annotations

import json
import os
import re
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from zhiyin.errors import ConfigError, UsageError

Tables = dict[str, dict[str, Any]]
"""Parameter values by model."""

OPEN = "# >>> found by zhiyin tune, which rewrites these lines"
CLOSE = "# <<< found by zhiyin tune"
BY_HAND = "write the values into it by hand, from the file that 'zhiyin tune' made"


def as_toml(tables: Mapping[str, Mapping[str, Any]], notes: Sequence[str] = ()) -> str:
    """``[models.NAME]`` tables below ``notes`` as comments."""
    lines = [f"# {' '.join(note.split())}" for note in notes]
    for name, values in tables.items():
        lines += [*([""] if lines else []), f"[models.{name}]", *_assignments(values)]
    return "\n".join(lines) + "\n"


def without_marked(text: str, where: str) -> str:
    """``text`` of a settings file without what was written between the marks. Raises ConfigError for a lone mark."""
    kept, inside = [], False
    for line in text.splitlines(keepends=True):
        mark = line.strip()
        if mark in (OPEN, CLOSE):
            if inside == (mark == OPEN):
                raise ConfigError(f"the line '{mark}' stands alone", where=where, fix="remove it")
            inside = mark == OPEN
        elif not inside:
            kept.append(line)
    if inside:
        raise ConfigError(f"no line '{CLOSE}' follows '{OPEN}'", where=where, fix="put it back, or remove the other")
    return "".join(kept)


def marked(text: str, where: str) -> Tables:
    """The values between the marks, by model."""
    whole, own = _models(text), _models(without_marked(text, where))
    found = {name: _beside(values, own.get(name, {})) for name, values in whole.items()}
    return {name: values for name, values in found.items() if values}


def with_marked(text: str, tables: Mapping[str, Mapping[str, Any]], where: str) -> str:
    """``text`` with ``tables`` between the marks, in place of what was there. Raises ConfigError where that would not
    be valid, or would say something else."""
    base = without_marked(text, where)
    expected = tomllib.loads(base)
    end = "\r\n" if "\r\n" in base else "\n"
    lines = base.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += end
    fresh: list[str] = []
    for name, values in tables.items():
        own = expected.setdefault("models", {}).get(name)
        if own is None:
            fresh += [f"[models.{name}]", *_assignments(values)]
        else:
            at = _heading(lines, name)
            if at is None:
                raise ConfigError(
                    f"models.{name} is not written as a table [models.{name}], so nothing can be added to it",
                    where=where,
                    fix=BY_HAND,
                )
            lines[at + 1 : at + 1] = [line + end for line in (OPEN, *_assignments(values), CLOSE)]
        expected["models"][name] = {**(own or {}), **values}
    if fresh:
        lines += [line + end for line in (OPEN, *fresh, CLOSE)]
    result = "".join(lines)
    try:
        told = tomllib.loads(result)
    except tomllib.TOMLDecodeError as clash:
        raise ConfigError(f"what was found cannot be added: {clash}", where=where, fix=BY_HAND) from clash
    if told != expected:
        raise ConfigError("what was found cannot be added without changing the rest", where=where, fix=BY_HAND)
    return result


def read(path: Path) -> str:
    """Text with its line ends as they are."""
    return path.read_bytes().decode("utf-8")


def write(path: Path, text: str) -> None:
    """All of it or nothing. Raises UsageError where it cannot be written."""
    unfinished = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        unfinished.write_bytes(text.encode("utf-8"))
        if path.exists():
            unfinished.chmod(path.stat().st_mode & 0o7777)
        unfinished.replace(path.resolve())
    except OSError as failure:
        unfinished.unlink(missing_ok=True)
        raise UsageError(
            f"{path} cannot be written: {failure.strerror}", fix="name another with --out, or allow writing there"
        ) from failure


def _assignments(values: Mapping[str, Any]) -> list[str]:
    return [f"{key} = {_literal(value)}" for key, value in values.items()]


def _literal(value: Any) -> str:
    """A bool, number or text as TOML has it: JSON's words for these are TOML's, but for the one character DEL."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def _models(text: str) -> Tables:
    return dict(tomllib.loads(text).get("models", {}))


def _beside(values: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if key not in own}


def _heading(lines: Sequence[str], name: str) -> int | None:
    pattern = re.compile(rf"""\s*\[\s*["']?models["']?\s*\.\s*["']?{re.escape(name)}["']?\s*\]\s*(#.*)?$""")
    return next((at for at, line in enumerate(lines) if pattern.match(line.rstrip("\r\n"))), None)
