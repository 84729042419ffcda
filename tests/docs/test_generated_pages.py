"""docs/configuration.md and docs/commands.md are what the code says, and what they say is true."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from zhiyin.cli import app
from zhiyin.config import Settings, make_settings
from zhiyin.errors import ConfigError, UsageError
from zhiyin.parts import PARTS
from zhiyin.reference import COLUMNS, PAGES, commands, configuration, helps, main, sections
from zhiyin.registry import MODELS

DOCS = Path(__file__).parents[2] / "docs"
SETTINGS = re.findall(r"^\| `(\w+)` \| (.*?) \| .* \| `(ZHIYIN_\w+)` \|$", configuration(), re.MULTILINE)


@pytest.mark.parametrize("page", list(PAGES))
def test_the_page_is_what_the_code_says(page: str) -> None:
    kept = (DOCS / f"{page}.md").read_text(encoding="utf-8")
    assert kept == PAGES[page](), f"docs/{page}.md is not what the code says: run 'make docs'"


def test_the_page_does_not_depend_on_the_terminal() -> None:
    words = [sys.executable, "-m", "zhiyin.reference", "commands"]
    environment = {"COLUMNS": "40", "TERM": "dumb", "FORCE_COLOR": "1", "LC_ALL": "C.UTF-8"}
    printed = subprocess.run(words, capture_output=True, check=True, env=environment).stdout.decode()
    assert printed == commands()


@pytest.mark.parametrize(("words", "text"), list(helps()))
def test_a_help_text_is_what_the_command_prints(words: str, text: str) -> None:
    told = CliRunner().invoke(app, [*words.split()[1:], "--help"], prog_name="zhiyin", terminal_width=COLUMNS)
    assert told.exit_code == 0
    assert [line.rstrip() for line in told.output.strip().splitlines()] == text.splitlines()


def test_every_setting_is_on_the_page() -> None:
    inner = dict(sections(Settings))
    fields = [*Settings.model_fields.values(), *(one for kind in inner.values() for one in kind.model_fields.values())]
    assert len(SETTINGS) == len(fields) - len(inner)
    for name, params in PARTS.items():
        section = configuration().split(f"### [models.{name}]\n", 1)[1].split("\n#", 1)[0]
        assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == list(params.model_fields)
        assert "|  | `" not in section, f"a parameter of {name} is not documented"
    for name, kind in MODELS.items():
        section = configuration().split(f"### [models.{name}]\n", 1)[1].split("\n#", 1)[0]
        assert re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE) == list(kind.params_type.model_fields)
        assert "|  | `" not in section, f"a parameter of {name} is not documented"


@pytest.mark.parametrize(("key", "kind", "variable"), SETTINGS)
def test_every_variable_on_the_page_sets_its_setting(
    key: str, kind: str, variable: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if kind.startswith("text"):
        monkeypatch.setenv(variable, "茶 tea")
        assert "'茶 tea'" in repr(make_settings())
    else:
        # Nothing but text takes this; the message names what was set.
        monkeypatch.setenv(variable, '{"no": "\\u8336"}')
        with pytest.raises(ConfigError, match=rf"setting '(\w+\.)*{key}"):
            make_settings()


def test_the_example_is_valid() -> None:
    import tomllib

    example = re.search(r"^```toml\n(.*?)^```", configuration(), re.MULTILINE | re.DOTALL)
    assert example is not None
    settings = make_settings(tomllib.loads(example[1]))
    assert settings.preprocess.weights == {"wishlist": 2.0}
    for name, values in settings.models.items():
        MODELS[name].make_params(values)


def test_an_unknown_page() -> None:
    with pytest.raises(UsageError, match=r"configuration\|commands"):
        main(["models"])
