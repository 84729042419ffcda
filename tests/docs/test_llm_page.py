"""docs/llm.md: its settings are taken, its names exist."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from zhiyin import errors
from zhiyin.config import BudgetSettings, LlmSettings, make_settings
from zhiyin.llm import metrics
from zhiyin.llm.adapter import COMPLETE, EMBED, LIKELIHOODS, RERANK
from zhiyin.store.schema import metadata

PAGE = (Path(__file__).parents[2] / "docs" / "llm.md").read_text(encoding="utf-8")
TOML = re.findall(r"^```toml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
REST = re.sub(r"^```.*?^```", "", PAGE, flags=re.MULTILINE | re.DOTALL)


@pytest.mark.parametrize("text", TOML)
def test_settings_are_taken(text: str) -> None:
    made = make_settings(tomllib.loads(text))
    assert made.llm.provider in ("embedded", "openai")


def test_names_exist() -> None:
    settings = {*LlmSettings.model_fields, *BudgetSettings.model_fields, "likelihoods"}
    others = {COMPLETE, LIKELIHOODS, RERANK, EMBED, *metadata.tables}
    others |= {"none", "embedded", "openai", "job", "model", "outcome", "direction"}
    others |= {
        "temperature",
        "seed",
        "max_tokens",
        "response_format",
        "json_schema",
        "json_object",
        "prometheus_client",
    }
    words = set(re.findall(r"`([a-z_]+)`", REST))
    assert {word for word in words if not word.startswith("zhiyin_")} <= settings | others
    assert len(words & settings) >= 12


def test_errors_and_metrics_exist() -> None:
    for name in set(re.findall(r"\bLlm[A-Z][a-z]+\b", REST)):
        assert issubclass(getattr(errors, name), errors.LlmError)
    assert metrics.CALLS is not None
    known = {sample for family in REGISTRY.collect() for sample in (family.name, f"{family.name}_total")}
    for name in set(re.findall(r"`(zhiyin_llm_\w+)`", REST)):
        assert name in known
    assert {f"`{family.name}" in REST for family in REGISTRY.collect() if family.name.startswith("zhiyin_llm")} == {
        True
    }


def test_python_names_exist() -> None:
    import importlib

    for name in re.findall(r"`(zhiyin\.[\w.]+)`", REST):
        module, _, last = name.rpartition(".")
        found = importlib.import_module(module)
        assert hasattr(found, last) or importlib.import_module(name)
