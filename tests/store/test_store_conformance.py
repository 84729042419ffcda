from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, closing
from pathlib import Path

import pytest

pytest.register_assert_rewrite("zhiyin.testing.stores")

from zhiyin.ports import Store  # noqa: E402
from zhiyin.store import open_store  # noqa: E402
from zhiyin.testing import stores as suite  # noqa: E402


@pytest.fixture
def make(tmp_path: Path) -> Iterator[suite.Make]:
    with ExitStack() as opened:

        def fresh() -> Store:
            return opened.enter_context(closing(open_store("sqlite:///zhiyin.db", tmp_path)))

        yield fresh


@pytest.mark.parametrize("check", suite.CHECKS, ids=lambda check: check.__name__)
def test_sqlite(check: suite.Check, make: suite.Make) -> None:
    check(make)
