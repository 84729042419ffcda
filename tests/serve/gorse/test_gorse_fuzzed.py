"""Every address of ``/api`` with requests made up from its description, good and bad, without keys and with one."""

from __future__ import annotations

import shutil
import time
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis.errors import Unsatisfiable
from schemathesis import Case
from schemathesis.core.result import Ok
from schemathesis.generation import GenerationMode
from starlette.testclient import TestClient

from zhiyin.serve import keys
from zhiyin.serve.app import make_app
from zhiyin.serve.auth import HEADER
from zhiyin.serve.folders import DEFAULT
from zhiyin.store.keys import KeptKey

FEW = settings(
    max_examples=1,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.explicit, Phase.generate],
    suppress_health_check=list(HealthCheck),
)


@pytest.mark.parametrize("with_key", [False, True])
def test_requests_made_up_from_the_description(trained: Path, tmp_path: Path, with_key: bool) -> None:
    app = make_app(Path(shutil.copytree(trained, tmp_path / "店 fuzzed")))
    headers: dict[str, Any] = {HEADER: _key(app)} if with_key else {}
    with TestClient(app, client=("127.0.0.1", 1)):
        api = schemathesis.openapi.from_asgi("/openapi.json", app).include(path_regex="^/api/")
        asked = 0
        for found in api.get_all_operations():
            assert isinstance(found, Ok)
            operation = found.ok()
            for mode in GenerationMode:

                @FEW
                @given(operation.as_strategy(generation_mode=mode))
                def ask(case: Case[Any]) -> None:
                    case.call_and_validate(headers=headers)

                try:
                    ask()
                    asked += 1
                except Unsatisfiable:
                    # Nothing can be wrong about a request without parameters.
                    assert mode is GenerationMode.NEGATIVE
    assert asked > 80


def _key(app: Any) -> str:
    made = keys.make()
    scopes = tuple(keys.Scope)
    row = KeptKey(made.prefix, made.hash, made.salt, DEFAULT, "test", scopes, time.time_ns() // 1000)
    app.state.tenants.default.store.keys.add(row)
    return made.key
