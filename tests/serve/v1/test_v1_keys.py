"""Who may do what: keys, scopes, tenants; nothing crosses."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient
from v1_help import make_key, trained_tenant, with_key

from zhiyin.errors import ConfigError
from zhiyin.serve.app import make_app
from zhiyin.serve.auth import HEADER, TRUSTED_SECONDS
from zhiyin.serve.folders import add
from zhiyin.serve.keys import Scope, hashed, make, matches, prefix_of
from zhiyin.serve.tenants import Tenants
from zhiyin.testing.project import TEAS, run

TENANTS = ["default", "店-甲", "shop_b"]
ASKED: dict[Scope, list[tuple[str, str, dict[str, Any]]]] = {
    Scope.READ: [
        ("GET", "/v1/items", {"params": {"item_id": "{id}"}}),
        ("GET", "/v1/users", {"params": {"user_id": "{id}"}}),
        ("GET", "/v1/users", {"params": {"limit": 1000}}),
        ("GET", "/v1/items", {"params": {"limit": 1000}}),
        ("GET", "/v1/profile", {"params": {"user_id": "{id}"}}),
        ("POST", "/v1/recommend", {"json": {"user_id": "{id}", "include_seen": True, "k": 50}}),
        ("GET", "/v1/explain", {"params": {"user_id": "{id}", "item_id": TEAS[0]}}),
        ("GET", "/v1/bundles", {}),
        ("GET", "/v1/llm/usage", {}),
        ("GET", "/v1/", {}),
    ],
    Scope.WRITE: [
        ("PUT", "/v1/items", {"json": {"item_id": "{id}", "title": "{tenant}"}}),
        ("PUT", "/v1/users", {"json": {"user_id": "{id}", "attributes": {"of": "{tenant}"}}}),
        ("POST", "/v1/events", {"json": {"user_id": "{id}", "item_id": "{id}", "event_id": "{id}"}}),
        ("POST", "/v1/sessions/merge", {"json": {"session_id": "{id}", "user_id": "{id}"}}),
        ("DELETE", "/v1/items", {"params": {"item_id": "{id}"}}),
        ("DELETE", "/v1/users", {"params": {"user_id": "{id}"}}),
    ],
    Scope.ADMIN: [
        ("DELETE", "/v1/person", {"params": {"user_id": "{id}"}}),
        ("POST", "/v1/bundles/rollback", {}),
        ("GET", "/v1/audit", {}),
    ],
    Scope.EXPORT: [("GET", "/v1/person", {"params": {"user_id": "{id}"}})],
}
MARK = "mine alone: "
"""Begins what each tenant tells of its own rows; no other tenant's answer may have it. No request says it, so that
it cannot come from what an earlier request wrote."""
SHARED = "one name, three tenants"
"""A person and an item of this name are in every tenant."""


@pytest.fixture(scope="module")
def several(trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[TestClient]:
    import shutil

    root = Path(shutil.copytree(trained, tmp_path_factory.mktemp("several") / "root"))
    for name in TENANTS[1:]:
        trained_tenant(root, name)
    app = make_app(root)
    with TestClient(app, client=("127.0.0.1", 1)) as client:
        for name in TENANTS:
            tenant = app.state.tenants.get(name)
            with tenant.store.writing() as writer:
                for one in (SHARED, f"{MARK}{name}"):
                    writer.set_users([(one, json.dumps({"of": f"{MARK}{name}"}))])
                    writer.set_items([(one, f"{MARK}{name}", None, ["茶"], "{}", None, False)])
                    writer.add_events([(None, one, f"{MARK}{name}", "view", None, 1)])
        yield client


def _filled(value: Any, key: str, tenant: str) -> Any:
    if isinstance(value, str):
        return value.replace("{id}", key).replace("{tenant}", tenant)
    if isinstance(value, dict):
        return {name: _filled(one, key, tenant) for name, one in value.items()}
    return value


def _rows(app: FastAPI) -> dict[str, Any]:
    """All that each tenant's store holds of people, items, events and what was shown."""
    found = {}
    for name in TENANTS:
        store = app.state.tenants.get(name).store
        found[name] = (store.users().rows(), store.items().rows(), store.events().rows())
    return found


ids = st.one_of(
    st.just(SHARED),
    st.sampled_from(["tea-0", TEAS[0], "../店-甲", "shop_b/x", "%2e%2e"]),
    st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), min_size=1, max_size=30),
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    tenant=st.sampled_from(TENANTS),
    scopes=st.sets(st.sampled_from(list(Scope)), min_size=1),
    steps=st.lists(st.tuples(st.sampled_from(list(Scope)), st.integers(0, 9), ids), min_size=1, max_size=6),
)
def test_nothing_crosses(
    several: TestClient, tenant: str, scopes: set[Scope], steps: list[tuple[Scope, int, str]]
) -> None:
    """Whatever a key asks: only its tenant's rows change, only its tenant's rows are told, and never beyond its
    scopes."""
    app: Any = several.app
    key = make_key(app.state.tenants, tenant, tuple(str(one) for one in scopes))
    before = _rows(app)
    for scope, number, asked_id in steps:
        method, path, how = ASKED[scope][number % len(ASKED[scope])]
        answer = several.request(method, path, headers=with_key(key), **_filled(how, asked_id, tenant))
        if scope not in scopes:
            assert answer.status_code == 403
            assert answer.json()["fix"] == f"use a key with the scope '{scope}'"
        else:
            assert answer.status_code in (200, 404, 409), answer.text
        text = answer.content.decode()
        for other in TENANTS:
            if other != tenant:
                assert f"{MARK}{other}" not in text
        if path == "/v1/" and answer.status_code == 200:
            assert answer.json()["tenant"] == tenant
    after = _rows(app)
    for other in TENANTS:
        if other != tenant:
            assert after[other] == before[other], f"{tenant} wrote to {other}"


def test_a_revoked_key_stops_within_two_seconds(several: TestClient) -> None:
    app: Any = several.app
    key = make_key(app.state.tenants, "shop_b")
    assert several.get("/v1/", headers=with_key(key)).json()["tenant"] == "shop_b"
    app.state.tenants.default.store.keys.revoke(prefix_of(key), time.time_ns() // 1000)
    end = time.monotonic() + TRUSTED_SECONDS
    time.sleep(max(0.0, end - time.monotonic()))
    answer = several.get("/v1/", headers=with_key(key))
    assert answer.status_code == 401
    assert "zhiyin keys" in answer.json()["fix"]


@pytest.mark.parametrize("key", ["", "zk_", "zk__", "zk_00000000_guess", "x", "zk_" + "a" * 5000, "钥匙"])
def test_other_keys_open_nothing(several: TestClient, key: str) -> None:
    make_key(several.app.state.tenants)  # type: ignore[attr-defined]
    several.app.state.gate._keys_until = 0.0  # type: ignore[attr-defined]
    answer = several.get("/v1/", headers=[(HEADER.encode(), key.encode())])
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


def test_a_prefix_with_another_secret_opens_nothing(several: TestClient) -> None:
    key = make_key(several.app.state.tenants)  # type: ignore[attr-defined]
    wrong = key[:-1] + ("a" if key[-1] != "a" else "b")
    assert several.get("/v1/", headers=with_key(wrong)).status_code == 401
    assert several.get("/v1/", headers=with_key(key)).status_code == 200


def test_without_keys_only_this_machine_is_answered(project: Path) -> None:
    app = make_app(project)
    for address, status in (("127.0.0.1", 200), ("::1", 200), ("::ffff:127.0.0.1", 200), ("10.0.0.7", 401)):
        with TestClient(app, client=(address, 1)) as client:
            assert client.get("/v1/").status_code == status, address
            if status == 401:
                assert "keys create" in client.get("/v1/").json()["fix"]
                assert client.get("/metrics").status_code == 401
        break  # the application is closed with its first client
    app = make_app(project)
    with TestClient(app, client=("10.0.0.7", 1)) as client:
        assert client.get("/v1/").status_code == 401
        assert "keys create" in client.get("/v1/").json()["fix"]
        assert client.get("/metrics").status_code == 401


def test_the_last_key_revoked_opens_nothing(client: TestClient, app: FastAPI) -> None:
    assert client.get("/v1/").status_code == 200
    key = make_key(app.state.tenants)
    app.state.tenants.default.store.keys.revoke(prefix_of(key), 1)
    app.state.gate._keys_until = 0.0
    assert client.get("/v1/").status_code == 401
    assert client.get("/v1/", headers=with_key(key)).status_code == 401


def test_metrics_are_free_here_and_need_a_key_elsewhere(client: TestClient, app: FastAPI) -> None:
    client.get("/v1/")
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert "zhiyin_requests_total" in answer.text
    key = make_key(app.state.tenants, scopes=("write",))
    app.state.gate._keys_until = 0.0
    assert client.get("/metrics").status_code == 200
    proxied = {"X-Forwarded-For": "10.0.0.7"}
    assert client.get("/metrics", headers=proxied).status_code == 401
    assert client.get("/metrics", headers=proxied | with_key(key)).status_code == 403
    assert client.get("/metrics", headers=proxied | with_key(make_key(app.state.tenants))).status_code == 200


def test_a_tenant_is_asked_of_too_often(project: Path) -> None:
    text = (project / "zhiyin.toml").read_text(encoding="utf-8")
    (project / "zhiyin.toml").write_text(
        text + "\n[serve]\nrequests_per_second = 1\nburst_seconds = 3\n", encoding="utf-8"
    )
    add(project, "other")
    app = make_app(project)
    with TestClient(app, client=("127.0.0.1", 1)) as client:
        key, other = make_key(app.state.tenants), make_key(app.state.tenants, "other")
        codes = [client.get("/v1/", headers=with_key(key)).status_code for _ in range(5)]
        assert codes[:3] == [200, 200, 200]
        assert codes[-1] == 429
        answer = client.get("/v1/", headers=with_key(key))
        assert int(answer.headers["Retry-After"]) >= 1
        assert answer.json()["retry_after"] >= 1
        assert client.get("/v1/", headers=with_key(other)).status_code == 200, "another tenant's bucket is its own"


def test_budgets_are_the_tenants_own(project: Path) -> None:
    folder = add(project, "frugal")
    with (folder / "zhiyin.toml").open("a", encoding="utf-8") as file:
        file.write("[llm.budget]\ntokens_a_day = 1000\ntokens_a_job = {queries = 10}\n")
    app = make_app(project)
    with TestClient(app, client=("127.0.0.1", 1)) as client:
        call = {"tenant": "default", "job": "queries", "prompt": "p:1", "model_id": "m", "key": "k", "outcome": "ok"}
        spent = call | {"tokens_in": 3, "tokens_out": 4, "money": 0.5, "seconds": 0.1}
        app.state.tenants.get("frugal").store.calls.record([spent], {})
        usage = client.get("/v1/llm/usage", headers=with_key(make_key(app.state.tenants, "frugal"))).json()
        assert usage["jobs"] == [{"job": "queries", "calls": 1, "tokens": 7, "money": 0.5}]
        left = {one["name"]: one["left"] for one in usage["limits"]}
        assert left == {"tokens_a_job.queries": 3, "tokens_a_day": 993}
        usage = client.get("/v1/llm/usage", headers=with_key(make_key(app.state.tenants))).json()
        assert usage["jobs"] == usage["limits"] == []


def test_deeds_of_consequence_are_in_the_log(client: TestClient, app: FastAPI) -> None:
    client.delete("/v1/person", params={"user_id": "张伟 tea-0"})
    client.get("/v1/person", params={"user_id": "tea-1"})
    key = make_key(app.state.tenants)
    app.state.gate._keys_until = 0.0
    client.delete("/v1/person", params={"user_id": "tea-2"}, headers=with_key(key))
    answer = client.get("/v1/audit", params={"limit": 2}, headers=with_key(key)).json()
    assert [one["action"] for one in answer["entries"]] == ["person.erase", "person.export"]
    assert [one["key_prefix"] for one in answer["entries"]] == [prefix_of(key), None]
    rest = client.get("/v1/audit", params={"before": answer["before"]}, headers=with_key(key)).json()
    assert [one["action"] for one in rest["entries"]] == ["person.erase"]
    assert rest["before"] is None
    kept = app.state.tenants.default.store.audit.latest(100)
    assert not any(name in str(kept) for name in ("tea-", "张伟")), "people by hash alone"
    assert len({one.target for one in kept}) == 3


def test_a_tenants_log_is_its_own(project: Path) -> None:
    add(project, "other")
    app = make_app(project)
    with TestClient(app, client=("127.0.0.1", 1)) as client:
        mine, theirs = (with_key(make_key(app.state.tenants, name)) for name in ("default", "other"))
        client.delete("/v1/person", params={"user_id": "x"}, headers=theirs)
        assert client.get("/v1/audit", headers=mine).json()["entries"] == []
        assert len(client.get("/v1/audit", headers=theirs).json()["entries"]) == 1


def test_two_tenants_may_not_share_a_store(project: Path) -> None:
    folder = add(project, "copy")
    with (folder / "zhiyin.toml").open("a", encoding="utf-8") as file:
        file.write('[store]\nurl = "sqlite:///../../zhiyin.db"\n')
    tenants = Tenants(project)
    try:
        with pytest.raises(ConfigError, match="would share one store"):
            tenants.get("copy")
    finally:
        tenants.close()


def test_an_address_in_the_environment_would_be_everybodys(project: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    add(project, "other")
    monkeypatch.setenv("ZHIYIN_STORE__URL", f"sqlite:///{project}/zhiyin.db")
    with pytest.raises(ConfigError, match="ZHIYIN_STORE__URL"):
        add(project, "third")
    tenants = Tenants(project)
    try:
        with pytest.raises(ConfigError, match="would share one store"):
            tenants.get("other")
    finally:
        tenants.close()


@given(st.text(min_size=1, max_size=80))
def test_keys_are_read_safely(text: str) -> None:
    prefix_of(text)
    made = make()
    assert prefix_of(made.key) == made.prefix
    assert matches(made.key, made.salt, made.hash)
    assert not matches(text, made.salt, hashed(made.key + "x", made.salt))


def test_keys_by_command(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run("tenants", "add", "茶馆", "--project", project) == 0
    assert run("keys", "list", "--project", project) == 0
    assert "answers this machine alone" in capsys.readouterr().out
    words = ("keys", "create", "--name", "shop front", "--tenant", "茶馆", "--scope", "read,export")
    assert run(*words, "--project", project) == 0
    told = capsys.readouterr()
    key = told.out.strip()
    assert "茶馆 may read, export" in told.err
    assert run("keys", "list", "--project", project) == 0
    listed = capsys.readouterr().out
    assert key not in listed
    prefix = prefix_of(key)
    assert f"{prefix}  茶馆  read,export" in listed
    assert key.split("_", 2)[2] not in "".join(
        path.read_bytes().decode("latin-1") for path in project.glob("zhiyin.db*")
    ), "the secret is kept nowhere"
    app = make_app(project)
    with TestClient(app, client=("10.0.0.7", 1)) as client:
        assert client.get("/v1/", headers=with_key(key)).json()["tenant"] == "茶馆"
    assert run("keys", "revoke", prefix or "", "--project", project) == 0
    assert run("keys", "revoke", prefix or "", "--project", project) == 2
    capsys.readouterr()
    assert run("keys", "list", "--format", "json", "--project", project) == 0
    (row,) = json.loads(capsys.readouterr().out)
    assert row["revoked"] is not None
    assert not {"hash", "salt", "key"} & row.keys()
    for wrong in (("--scope", "all"), ("--scope", ""), ("--tenant", "nobody"), ("--name", " ")):
        assert run("keys", "create", "--name", "n", *wrong, "--project", project) == 2


def test_tenants_by_command(project: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name in ("北京-店_1", "a"):
        assert run("tenants", "add", name, "--project", project) == 0
    assert run("tenants", "add", "a", "--project", project) == 2
    for name in ("default", "DEFAULT", "../x", "a/b", "a b", "", "x" * 61, "a.b", ".", "e\u0301"):
        assert run("tenants", "add", "--project", project, "--", name) == 2, name
    capsys.readouterr()
    assert run("tenants", "list", "--format", "json", "--project", project) == 0
    assert [one["name"] for one in json.loads(capsys.readouterr().out)] == ["default", "a", "北京-店_1"]
