"""Reference pages out of the code: ``python -m zhiyin.reference configuration`` or ``commands`` prints Markdown.

``docs/configuration.md`` and ``docs/commands.md`` are this output; ``make docs`` writes them again.
"""

from __future__ import annotations

import json
import sys
import types
from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import Any, Literal, Union, get_args, get_origin

import annotated_types as bounds
import typer
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from zhiyin.cli import app
from zhiyin.config import ASSETS_VARIABLE, FILE_NAME, Section, Settings
from zhiyin.errors import UsageError
from zhiyin.parts import PARTS
from zhiyin.registry import MODELS

COLUMNS = 100
"""Width of help texts: the terminal is not asked, so the page is the same everywhere."""

GENERATED = "<!-- Written by `make docs` from the code: change the code, not this page. -->"

CONFIGURATION = f"""\
A project is a folder with a file `{FILE_NAME}`. Every key may be left out; an unknown key, or a value out of bounds, is
refused with its name. Where a default is None, leaving the key out is the way to say so: TOML has no word for it.

```toml
name = "shop"

[preprocess]
positive_rating = 4.0
weights = {{ wishlist = 2.0 }}

[train]
search_seconds = 600.0

[models.linear]
decay = 0.9
```

An environment variable overrides the file: `ZHIYIN_SECTION__KEY`, two underscores between section and key. A table is
written as JSON (`ZHIYIN_PREPROCESS__WEIGHTS='{{"wishlist": 2}}'`) or key by key
(`ZHIYIN_MODELS__LINEAR__DECAY=0.9`). An unknown variable that begins with `ZHIYIN_` is refused too. One belongs to the
user and not to a project: `{ASSETS_VARIABLE}`, the folder in which fetched models and data sets are kept.
"""

MODEL_PARAMETERS = """\
Each model is set under `[models.NAME]`, by environment variable as `ZHIYIN_MODELS__NAME__KEY`. A parameter that is set
is kept as given; of the others those with values under "searched" are chosen on validation when a project is trained
(see [models](models.md)), and the rest keep their defaults. For the None of `days` write 36500: a hundred years.
"""

PART_PARAMETERS = """\
Parts of the engine that stand beside the models, set in the same place and never searched:
[interests](interests.md), and the language model as a [re-ranker](understanding.md) with the measurement that lets it
in.
"""

COMMANDS = """\
Every command runs in a project folder, or with `--project DIR`. Exit codes: 0 done, 1 the work failed (one line on
stderr says what, where and how to fix it), 2 wrong usage. Progress goes to stderr, so `--format json` output can be
piped.
"""


def configuration() -> str:
    """The page on settings and hyper-parameters."""
    parts = [GENERATED, "# Configuration", CONFIGURATION.strip()]
    plain = {name: field for name, field in Settings.model_fields.items() if not _section(field)}
    parts += ["## Top level", _settings(plain, ())]
    for path, section in sections(Settings):
        alone = {name: field for name, field in section.model_fields.items() if not _section(field)}
        parts += [f"## [{'.'.join(path)}]", _settings(alone, path)]
    parts += ["## Models", MODEL_PARAMETERS.strip()]
    for name, kind in MODELS.items():
        parts += [f"### [models.{name}]", _parameters(kind.params_type, kind.search_space)]
    parts += ["## Parts", PART_PARAMETERS.strip()]
    for name, params in PARTS.items():
        parts += [f"### [models.{name}]", _parameters(params, {})]
    return "\n\n".join(parts) + "\n"


def sections(model: type[BaseModel], path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], type[BaseModel]]]:
    """Every section with its place, those within others after them."""
    for name, field in model.model_fields.items():
        if (section := _section(field)) is not None:
            here = (*path, field.alias or name)
            yield here, section
            yield from sections(section, here)


def commands() -> str:
    """The page on commands: their help texts."""
    parts = [GENERATED, "# Commands", COMMANDS.strip()]
    for words, text in helps():
        parts += [f"## {words}", f"```text\n{text}\n```"]
    return "\n\n".join(parts) + "\n"


def helps() -> Iterator[tuple[str, str]]:
    """Every command and its help text, as ``zhiyin ... --help`` prints it at ``COLUMNS`` columns."""
    yield from _helps(typer.main.get_command(app), "zhiyin", None)


def _helps(command: Any, name: str, parent: Any) -> Iterator[tuple[str, str]]:
    context = command.context_class(
        command, info_name=name, parent=parent, terminal_width=COLUMNS, max_content_width=COLUMNS
    )
    lines = command.get_help(context).strip().splitlines()
    yield context.command_path, "\n".join(line.rstrip() for line in lines)
    for word, inner in getattr(command, "commands", {}).items():
        yield from _helps(inner, word, context)


def _section(field: FieldInfo) -> type[BaseModel] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def _settings(fields: Mapping[str, FieldInfo], path: tuple[str, ...]) -> str:
    rows = ["| key | type | default | what it does | environment variable |", "|---|---|---|---|---|"]
    for name, field in fields.items():
        cells = (f"`{name}`", _kind(field), _value(field.default), _text(field), f"`{variable(*path, name)}`")
        rows.append(_row(*cells))
    return "\n".join(rows)


def _parameters(params: type[BaseModel], space: Mapping[str, tuple[Any, ...]]) -> str:
    rows = ["| key | type | default | what it does | searched |", "|---|---|---|---|---|"]
    for name, field in params.model_fields.items():
        tried = ", ".join(str(value) for value in space.get(name, ()))
        rows.append(_row(f"`{name}`", _kind(field), _value(field.default), _text(field), tried))
    return "\n".join(rows)


def variable(*path: str) -> str:
    """The environment variable of a setting."""
    return "ZHIYIN_" + "__".join(path).upper()


def _row(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _text(field: FieldInfo) -> str:
    return " ".join((field.description or "").replace("``", "`").split())


def _value(value: Any) -> str:
    if isinstance(value, str):
        return f'`"{value}"`'
    if isinstance(value, bool):
        return f"`{str(value).lower()}`"
    if isinstance(value, list):
        return f"`{json.dumps(value)}`"
    return f"`{value}`" if value is not None else "None"


def _kind(field: FieldInfo) -> str:
    """Type and bounds in words."""
    return ", ".join((_type(field.annotation), *(words for one in field.metadata if (words := _bound(one)))))


def _type(kind: Any) -> str:
    if get_origin(kind) in (Union, types.UnionType):
        return " or ".join(_type(one) for one in get_args(kind))
    if get_origin(kind) is Literal:
        return " or ".join(f'`"{one}"`' for one in get_args(kind))
    if get_origin(kind) is dict:
        return f"table of {_type(get_args(kind)[1])}"
    if get_origin(kind) is list:
        return f"list of {_type(get_args(kind)[0])}"
    if isinstance(kind, type) and issubclass(kind, StrEnum):
        return " or ".join(f'`"{one}"`' for one in kind)
    if isinstance(kind, type) and issubclass(kind, Section):
        return f"({', '.join(f'`{name}`' for name in kind.model_fields)})"
    if kind is Any:
        return "anything"
    names = {str: "text", int: "whole number", float: "number", bool: "true or false", type(None): "None"}
    return names[kind]


def _bound(one: Any) -> str:
    match one:
        case bounds.Ge():
            return f"≥ {_figure(one.ge)}"
        case bounds.Gt():
            return f"> {_figure(one.gt)}"
        case bounds.Le():
            return f"≤ {_figure(one.le)}"
        case bounds.Lt():
            return f"< {_figure(one.lt)}"
        case bounds.MinLen():
            return f"≥ {one.min_length} characters"
        case bounds.MaxLen():
            return f"≤ {one.max_length} characters"
        case _:
            return ""


def _figure(value: Any) -> str:
    return str(int(value)) if value == int(value) else str(value)


PAGES = {"configuration": configuration, "commands": commands}


def main(words: list[str]) -> None:
    """Print the page named. Raises UsageError for any other word."""
    if len(words) != 1 or words[0] not in PAGES:
        raise UsageError("name one page", fix=f"python -m zhiyin.reference {'|'.join(PAGES)}")
    sys.stdout.write(PAGES[words[0]]())


if __name__ == "__main__":
    from zhiyin.cli.common import fail
    from zhiyin.errors import ZhiyinError

    try:
        main(sys.argv[1:])
    except ZhiyinError as error:
        fail(error)
