"""/v1 under schemathesis, all checks, for a short while; see ``fuzzing`` for longer."""

from __future__ import annotations

from pathlib import Path

import pytest
from fuzzing import fuzz


@pytest.mark.parametrize(("with_keys", "paths"), [(False, "^/v1/(items|profile|recommend)"), (True, "^/v1/(u|e|b|s)")])
def test_nothing_that_is_sent_is_a_fault(project: Path, with_keys: bool, paths: str) -> None:
    told = fuzz(project, paths, examples=2, with_keys=with_keys, seconds=240)
    assert "Test cases" in told
