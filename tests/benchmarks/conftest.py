"""Benchmarks run on small slices here, in processes of their own."""

from __future__ import annotations

import pytest


@pytest.fixture(autouse=True)
def _one_thread_each(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a busy machine, threads over so little work wait for each other many times longer than they work."""
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        monkeypatch.setenv(name, "1")
