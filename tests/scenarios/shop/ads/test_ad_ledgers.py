"""One suite for every ledger: what was shown and spent, and the limits that hold whatever is asked."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, nullcontext
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from zhiyin.scenarios.shop.ads.ledger import Ledger, MemoryLedger
from zhiyin.store import open_store
from zhiyin.store.ads import AdLedger
from zhiyin.store.schema import ad_counts, ad_shows
from zhiyin.store.spending import Limits, Show, Spent, Tried
from zhiyin.testing.postgres import PostgresServer

Opened = Callable[[], AbstractContextManager[Ledger]]
NAMES = ["茶/1", "a b?#"]
PEOPLE = ["张伟", "u", "%_"]
WINDOW = 50

RACING = """
import sys
from pathlib import Path
from zhiyin.store import open_store
from zhiyin.store.ads import AdLedger
from zhiyin.store.schema import ad_counts, ad_shows
from zhiyin.store.spending import Limits, Show

store = open_store(sys.argv[2], Path(sys.argv[1]))
limits = Limits(1000, 700, ((3, 10_000),), ((4, 10_000),))
print("ready", flush=True)
sys.stdin.readline()
for number in range(110):
    with store.ads.claiming() as ledger:
        key, who, day = f"{sys.argv[3]}-{number}", f"u{number % 60}", number // 80
        ledger.claim(Show(key, "茶", "c", who, "home", number, day, 7, "show", 0.1, 1.0), limits)
"""


def show(number: int, **more: object) -> Show:
    told = {
        "campaign": "茶/1",
        "creative": "c",
        "user_id": "张伟",
        "time": number,
        "day": 0,
        "price": 5,
        "pays": "show",
    }
    own = {"show_id": f"s{number}", "surface": "home", "probability": 0.1, "propensity": 0.5} | told | more
    return Show(**own)  # type: ignore[arg-type]


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
def opened(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opened]:
    if request.param == "memory":
        ledger = MemoryLedger()
        yield lambda: nullcontext(ledger)
        return
    url = "sqlite:///zhiyin.db" if request.param == "sqlite" else request.getfixturevalue("postgres").fresh()
    with closing(open_store(url, tmp_path)) as store:
        yield store.ads.claiming


def test_budgets_to_the_last_millionth(opened: Opened) -> None:
    limits = Limits(12, 10)
    with opened() as ledger:
        assert ledger.claim(show(1), limits)
        assert ledger.claim(show(2), limits)
        assert not ledger.claim(show(3), limits), "the day is spent"
        assert not ledger.claim(show(4, day=1), limits), "it would pass the total"
        assert ledger.claim(show(5, day=1, price=2), limits)
        assert ledger.claim(show(6, day=1, price=0), limits), "what costs nothing fits"
        assert ledger.spent(["茶/1", "none"], [1, 1]) == [Spent(12, 2), Spent(0, 0)]
        assert ledger.tried() == {("茶/1", "c"): Tried(4, 0)}


def test_a_click_counts_once(opened: Opened) -> None:
    limits = {"茶/1": Limits(8, None)}
    with opened() as ledger:
        others: list[dict[str, object]] = [{}, {}, {"withheld": True}, {"pays": "show", "price": 1}]
        for number, more in enumerate(others):
            assert ledger.claim(show(number, **{"pays": "click", "creative": f"c{number}", **more}), limits["茶/1"])
        first = ledger.click("s0", 3, 0, limits, WINDOW)
        assert first is not None
        assert (first.campaign, first.creative, first.charged) == ("茶/1", "c0", 5)
        assert ledger.click("s0", 4, 0, limits, WINDOW) is None, "twice"
        assert ledger.click("none", 4, 0, limits, WINDOW) is None
        assert ledger.click("s2", 4, 0, limits, WINDOW) is None, "it was withheld"
        assert ledger.click("s3", 4 + WINDOW, 0, limits, WINDOW) is None, "too late"
        last = ledger.click("s1", 1 + WINDOW, 7, limits, WINDOW)
        assert last is not None
        assert last.charged == 2, "as far as the budget reaches"
        assert ledger.spent(["茶/1"], [7]) == [Spent(8, 2)]
        assert ledger.tried()["茶/1", "c1"] == Tried(1, 1)
        assert ("茶/1", "c2") not in ledger.tried()


def test_caps_in_any_window(opened: Opened) -> None:
    limits = Limits(None, 1000, ((2, 100),), ((3, 1000),))
    with opened() as ledger:
        assert [ledger.claim(show(time), limits) for time in (200, 250, 299, 300)] == [True, True, False, True]
        assert not ledger.claim(show(301, campaign="a"), limits), "three in all"
        assert ledger.claim(show(301, campaign="a", user_id="u"), limits)
        assert ledger.claim(show(1301, campaign="a"), limits)
        assert {name: list(times) for name, times in ledger.seen("张伟", 0).items()} == {
            "茶/1": [200, 250, 300],
            "a": [1301],
        }
        late = Limits(None, 1000, ((2, 100),))
        assert not ledger.claim(show(260), late), "it would be the third within 100"


ask = st.tuples(
    st.sampled_from(NAMES),
    st.sampled_from(PEOPLE),
    st.integers(0, 60),
    st.integers(0, 9),
    st.sampled_from(["show", "click"]),
    st.booleans(),
)
caps = st.lists(st.tuples(st.integers(1, 3), st.integers(1, 30)), max_size=2).map(tuple)
bounds = st.builds(Limits, st.none() | st.integers(0, 40), st.integers(0, 20), caps, caps)


@pytest.fixture(scope="module")
def stores(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Opened]]:
    folder = tmp_path_factory.mktemp("ledgers")
    with (
        closing(open_store("sqlite:///zhiyin.db", folder)) as one,
        closing(open_store(postgres.fresh(), folder)) as other,
    ):
        yield [one.ads.claiming, other.ads.claiming]


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(asks=st.lists(ask, max_size=25), limits=bounds, clicks=st.lists(st.integers(0, 24), max_size=8))
def test_all_agree_and_no_limit_is_passed(
    stores: list[Opened], asks: list[tuple[str, str, int, int, str, bool]], limits: Limits, clicks: list[int]
) -> None:
    memory = MemoryLedger()
    shows = [
        Show(f"{number}", name, "c", who, "home", time, time // 20, price, pays, 0.1, 1.0, held)
        for number, (name, who, time, price, pays, held) in enumerate(asks)
    ]
    said = []
    places: list[Opened] = [lambda: nullcontext(memory), *stores]
    for place in places:
        with place() as ledger:
            if isinstance(ledger, AdLedger):
                for table in (ad_shows, ad_counts):
                    ledger._connection.execute(table.delete())
            heard: list[object] = [ledger.claim(one, limits) for one in shows]
            heard += [ledger.click(f"{one}", 61, 3, dict.fromkeys(NAMES, limits), 45) for one in clicks]
            said.append([*heard, ledger.spent(NAMES, [0, 1]), ledger.tried()])
    assert said[0] == said[1] == said[2]
    taken = [one for one, done in zip(shows, said[0], strict=False) if done]
    for name in NAMES:
        for day in range(4):
            spent = memory.spent([name], [day])[0]
            assert limits.total is None or spent.total <= limits.total
            assert limits.daily is not None
            assert spent.day <= limits.daily
    for number, window in limits.caps:
        for one in taken:
            same = [other.time for other in taken if (other.campaign, other.user_id) == (one.campaign, one.user_id)]
            assert sum(one.time - window < time <= one.time for time in same) <= number
    for number, window in limits.person_caps:
        for one in taken:
            same = [other.time for other in taken if other.user_id == one.user_id]
            assert sum(one.time - window < time <= one.time for time in same) <= number


@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_processes_over_one_store_share_the_limits(kind: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    url = "sqlite:///zhiyin.db" if kind == "sqlite" else request.getfixturevalue("postgres").fresh()
    with closing(open_store(url, tmp_path)) as store:
        command = [sys.executable, "-c", RACING, str(tmp_path), url]
        running = [
            subprocess.Popen([*command, name], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            for name in ("a", "b")
        ]
        for one in running:
            assert one.stdout is not None
            assert one.stdout.readline() == "ready\n"
        for one in running:
            one.communicate("\n")
        assert [one.returncode for one in running] == [0, 0]
        days = [one for one in store.ads.days("茶") if not one.creative]
        frame = store.ads.frame()
        assert sum(one.spent for one in days) == 7 * len(frame) <= 1000
        assert all(one.spent <= 700 for one in days)
        assert frame.group_by("user_id").len()["len"].max() <= 3  # type: ignore[operator]
        assert len(frame) >= 1000 // 7 - 1, "and the budget was used"
