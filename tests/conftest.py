"""A small trained project that many tests share."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

# Before numpy is loaded. Engines of several threads in one process each put back the number of threads that they found,
# which may be another's; where it is one from the beginning, as in a service, sums come out the same in every test.
for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")

# Before whichever test file imports it first, alone or with others.
pytest.register_assert_rewrite("zhiyin.testing.models")

from zhiyin.testing.project import make_trained  # noqa: E402


@pytest.fixture(scope="session", autouse=True)
def _quiet_environment() -> None:
    for key in list(os.environ):
        if key.startswith("ZHIYIN_") and key != "ZHIYIN_ASSETS":
            del os.environ[key]


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trained project without a text encoder; tests must not change it."""
    return make_trained(tmp_path_factory.mktemp("shared"))
