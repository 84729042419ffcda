"""One HTML file that needs nothing else, from a template of this folder."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from zhiyin.errors import UsageError


def filled(template: str, **given: Any) -> str:
    """The page. The same content gives the same text."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    return environment.get_template(template).render(**given)


def write_page(path: Path, page: str, what: str) -> None:
    """Write ``page`` to ``path``; a file of that name is replaced. Raises UsageError, which calls it ``what``, where it
    cannot be written."""
    unfinished = path.with_name(path.name + ".part")
    try:
        unfinished.write_text(page, encoding="utf-8")
        unfinished.replace(path)
    except OSError as failure:
        raise UsageError(
            f"cannot write the {what}: {failure.strerror}", where=str(path), fix="choose another file with --out"
        ) from failure
    finally:
        unfinished.unlink(missing_ok=True)
