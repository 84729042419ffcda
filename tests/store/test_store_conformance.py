from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

for name in ("stores", "changes", "served_stores", "scenario_stores"):
    pytest.register_assert_rewrite(f"zhiyin.testing.{name}")

from zhiyin.store import open_store  # noqa: E402
from zhiyin.store.sql import SqlStore  # noqa: E402
from zhiyin.testing import changes, scenario_stores, served_stores, stores  # noqa: E402

CHECKS = [*stores.CHECKS, *changes.CHECKS, *served_stores.CHECKS, *scenario_stores.CHECKS]


@pytest.fixture(params=["sqlite", "postgresql"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[changes.Make]:
    url = "sqlite:///zhiyin.db" if request.param == "sqlite" else request.getfixturevalue("postgres").fresh()
    with ExitStack() as opened:

        def fresh() -> SqlStore:
            return opened.enter_context(closing(open_store(url, tmp_path)))

        yield fresh


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_store(check: changes.Check, make: changes.Make) -> None:
    check(make)
