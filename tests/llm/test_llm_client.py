"""The client round a scripted model: cache, budgets, deadline, breaker, log."""

from __future__ import annotations

from pathlib import Path

import pytest

from zhiyin.config import LlmSettings
from zhiyin.llm import client_of, prompts
from zhiyin.ports import Answer
from zhiyin.store import open_store
from zhiyin.testing.llm import Scripted
from zhiyin.types import Job


def test_a_second_run_asks_nothing(tmp_path: Path) -> None:
    store = open_store("sqlite:///zhiyin.db", tmp_path)
    model = Scripted(lambda prompt: prompt.user.upper())
    models = client_of(model, LlmSettings(provider="openai"), store.calls)
    asked = [prompts.render("probe"), prompts.render("probe")]
    first = models.complete(Job.ITEMS, asked)
    assert [isinstance(got, Answer) and got.text for got in first] == ["ANSWER WITH THE WORD OK."] * 2
    again = client_of(Scripted(lambda prompt: pytest.fail("asked")), LlmSettings(provider="openai"), store.calls)
    second = again.complete(Job.ITEMS, asked)
    assert all(isinstance(got, Answer) and got.cached for got in second)
    assert model.asked == 1
    store.close()
