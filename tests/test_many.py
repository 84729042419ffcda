"""Many lists at once are the lists of one by one, whoever asks and however awkward."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from zhiyin import choose
from zhiyin.answers import Recommendation
from zhiyin.candidates.base import Recommender
from zhiyin.errors import StoreError, UsageError, ZhiyinError
from zhiyin.fused import FusedModel
from zhiyin.fusing import Fusing, FusingParams, fuse
from zhiyin.listing import ListRequest
from zhiyin.recommend import Engine
from zhiyin.registry import MODELS
from zhiyin.testing.project import BOOKS, NEVER_TAKEN, TEAS, make_trained

PEOPLE = [
    None,
    *(f"tea-{at}" for at in (0, 1, 7)),
    "书-3",
    "one event",
    "nobody",
    "没有/这个人",
    "",
    "x' OR '1'='1",
    "%?#",
]
AWKWARD = ["tea-2", "书-5"]
"""They said something of their profiles."""
SURFACES = ["default", "home", "email", "similar"]
MEMBERS = ("popular", "item_knn", "user_knn", "als", "interests", "linear")
CONDITIONS = ['{"category": "茶"}', '{"category_not": "茶"}', '{"category": "nowhere"}', '{"price_below": 3}']


@pytest.fixture(scope="module", params=["single", "combined"])
def engine(request: pytest.FixtureRequest, trained: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    """Over one model, and over a combination that is served whether it is better or not."""
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "single":
        project = Path(shutil.copytree(trained, folder / "copy"))
    else:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(choose, "MODELS", {name: MODELS[name] for name in MEMBERS})
            patch.setattr(choose, "fuse", against_the_weakest)
            project = make_trained(folder)
    with Engine.open(project) as found:
        assert isinstance(found._model, FusedModel) == (request.param == "combined")
        found.edit_profile("tea-2", "no books please")
        found.edit_profile("书-5", "不要 book")
        yield found


def against_the_weakest(members: Mapping[str, Recommender], single: str, *given: Any, **named: Any) -> Fusing:
    """On data this easy one model alone is as good; so that the combination serves, it is held against the worst."""
    loose: list[Any] = [
        one.model_copy(update={"least_share": 0.0}) if isinstance(one, FusingParams) else one for one in given
    ]
    return fuse(members, "popular", *loose, **named)


def one_by_one(engine: Engine, asked: ListRequest) -> Recommendation | ZhiyinError:
    try:
        how: dict[str, Any] = {"exclude": asked.exclude, "include_seen": asked.include_seen, "where": asked.where}
        # Nobody in particular is asked for as somebody of whom nothing is known.
        told = engine.recommend(asked.user_id or "", asked.k, surface=asked.surface, **how)
    except ZhiyinError as refused:
        return refused
    return told


def same(found: Recommendation | ZhiyinError, expected: Recommendation | ZhiyinError, asked: ListRequest) -> None:
    if isinstance(expected, ZhiyinError):
        assert isinstance(found, type(expected))
        assert str(found) == str(expected)
        return
    assert isinstance(found, Recommendation)
    assert found.user_id == asked.user_id
    for name in ("bundle", "tier", "temperature", "fallback", "degraded", "asked", "surface", "trace"):
        assert getattr(found, name) == getattr(expected, name), name
    assert [one.item_id for one in found.items] == [one.item_id for one in expected.items]
    for one, other in zip(found.items, expected.items, strict=True):
        assert (one.title, one.rank, one.propensity) == (other.title, other.rank, other.propensity)
        assert one.score == pytest.approx(other.score, abs=2e-5)
        assert one.probability == pytest.approx(other.probability, abs=2e-5)
        assert one.sources == (other.sources if asked.reasons else [])
        told = [(reason.kind, reason.item_id, reason.title, reason.shared) for reason in one.reasons]
        wanted = [(reason.kind, reason.item_id, reason.title, reason.shared) for reason in other.reasons]
        assert told == (wanted if asked.reasons else [])
        for reason, before in zip(one.reasons, other.reasons, strict=False):
            assert reason.share == pytest.approx(before.share, abs=2e-4)


requests = st.builds(
    ListRequest,
    st.sampled_from([*PEOPLE, *AWKWARD]),
    st.sampled_from([0, 1, 3, 30]),
    st.sampled_from([(), (TEAS[0],), (BOOKS[1], "not there")]),
    st.booleans(),
    st.sampled_from([*SURFACES, "a/b"]),
    st.sampled_from([(), *((one,) for one in CONDITIONS), tuple(CONDITIONS[:2]), ('{"price_below": "x"}',)]),
    st.booleans(),
)


@settings(max_examples=40, deadline=None)
@given(st.lists(requests, max_size=9))
def test_many_lists_are_those_of_one_by_one(engine: Engine, asked: list[ListRequest]) -> None:
    found = engine.recommend_many(asked)
    assert len(found) == len(asked)
    for one, told in zip(asked, found, strict=True):
        same(told, one_by_one(engine, one), one)


def test_everybody_at_once(engine: Engine) -> None:
    users = [*engine.store.users()["user_id"].to_list(), "tea-0", "tea-0"]
    for reasons in (True, False):
        asked = [ListRequest(user, 4, reasons=reasons) for user in users]
        for one, told in zip(asked, engine.recommend_many(asked), strict=True):
            same(told, one_by_one(engine, one), one)


def test_nobody_gets_what_is_popular(engine: Engine) -> None:
    (told,) = engine.recommend_many([ListRequest(None, 3)])
    assert isinstance(told, Recommendation)
    assert told.user_id is None
    assert len(told.items) == 3
    assert told.fallback is not None
    assert "nothing is known" in told.fallback["reason"]


def test_a_request_that_is_wrong_spoils_no_other(engine: Engine) -> None:
    wrong = [ListRequest("tea-0", 0), ListRequest("tea-0", surface="a/b"), ListRequest("tea-0", where=("{",))]
    good, *refused = engine.recommend_many([ListRequest("tea-0"), *wrong])
    assert isinstance(good, Recommendation)
    assert all(isinstance(one, UsageError) for one in refused)


def test_a_store_that_is_gone_is_the_answer_to_all(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(*_: Any) -> None:
        raise StoreError("the database is gone", fix="wait")

    monkeypatch.setattr(engine.store, "event_marks", gone)
    assert [type(one) for one in engine.recommend_many([ListRequest("tea-0"), ListRequest(None)])] == [StoreError] * 2


@pytest.mark.parametrize(
    ("where", "named"),
    [
        ('{"category": ', "JSON"),
        ("[1]", "object"),
        ("{}", "at least one"),
        ('{"price_below": "cheap"}', "price_below"),
        ('{"new_days": true}', "new_days"),
        ('{"category": []}', "category"),
        ({"category": {"a": 1}}, "category"),
    ],
)
def test_a_condition_that_is_no_use_is_named(engine: Engine, where: Any, named: str) -> None:
    with pytest.raises(UsageError, match=named):
        engine.recommend("tea-0", where=[where])
    with pytest.raises(UsageError, match=named):
        engine.explain("tea-0", TEAS[0], where=[where])


def test_conditions_hold_of_every_item(engine: Engine) -> None:
    tea = {*TEAS, NEVER_TAKEN}
    assert {one.item_id for one in engine.recommend("书-1", 20, where=[{"category": "茶"}]).items} <= tea
    assert {one.item_id for one in engine.recommend("书-1", 20, categories=["茶", "饮料"]).items} <= tea
    both = engine.recommend("书-1", 20, categories=["茶", "Books"])
    assert not both.items, "nothing is in both"
    assert both.fallback is not None
    assert "category 茶 and category Books" in both.fallback["reason"]
    nothing = engine.recommend("书-1", where=[{"colour": "red"}])
    assert not nothing.items
    assert nothing.fallback == {"reason": "nothing that may come out meets the condition: colour red"}
    asked = engine.recommend("书-1", 20, query="tea", where=[{"category": "Books"}])
    assert {one.item_id for one in asked.items} <= set(BOOKS)


def test_why_not_names_the_condition(engine: Engine) -> None:
    taken = {item for item, _ in engine.history("tea-0")}
    left = next(key for key in TEAS if key not in taken)
    why = engine.explain("tea-0", left, "en", categories=["Books"]).why_not
    assert why is not None
    assert why.rule == "unmet"
    assert "category Books" in why.sentences[0]
    assert engine.explain("tea-0", left, "en", categories=["茶"]).why_not is None


def test_masks_of_conditions_do_not_pile_up(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zhiyin.holding.MASKS", 5)
    for price in range(30):
        engine.recommend_many([ListRequest("tea-0", where=(json.dumps({"price_below": price}),))])
    assert len(engine._arranger.items.masks) <= 7


def put(engine: Engine, key: str, hidden: bool) -> None:
    with engine.store.writing() as writer:
        writer.put_items(engine.store.items([key]).with_columns(hidden=pl.lit(hidden)))


def test_looking_again_is_enough_for_what_is_hidden(engine: Engine, tmp_path: Path) -> None:
    copy = Path(shutil.copytree(engine._project or Path(), tmp_path / "copy"))
    pinned = f"[[stage]]\nkind = \"pin\"\nitem = '{TEAS[5]}'\nposition = 1\n"
    (copy / "pipelines").mkdir(exist_ok=True)
    (copy / "pipelines" / "pinned.toml").write_text(pinned, encoding="utf-8")
    with Engine.open(copy) as other:
        ranker = other._ranker

        def shown() -> set[str]:
            found = set()
            for user in ("tea-0", "书-1", "nobody"):
                found |= {one.item_id for one in other.recommend(user, 20, include_seen=True).items}
            for told in other.recommend_many([ListRequest("tea-1", 20, surface="pinned", include_seen=True)]):
                assert isinstance(told, Recommendation)
                found |= {one.item_id for one in told.items}
            found |= {one.item_id for one in other.similar(TEAS[0], 20)}
            return found | set(pl.concat(other.recommend_all(20, surface="pinned"))["item_id"].to_list())

        assert TEAS[5] in shown()
        put(other, TEAS[5], hidden=True)
        other.look_again()
        assert TEAS[5] not in shown()
        put(other, TEAS[5], hidden=False)
        other.look_again()
        assert TEAS[5] in shown()
        assert other._ranker is ranker, "no model was made again"


def test_a_renewed_engine_shares_the_models(engine: Engine) -> None:
    newer = engine.renewed()
    newer.warm()
    assert newer._model is engine._model
    assert newer._arranger is not engine._arranger, "pipelines are read again"
    same(newer.recommend_many([ListRequest("tea-0")])[0], engine.recommend("tea-0"), ListRequest("tea-0"))


def test_histories_are_those_of_the_frames(engine: Engine) -> None:
    users = engine.store.users()["user_id"].to_list()
    now = engine._histories_now([*users, "nobody"])
    for place, user in enumerate([*users, "nobody"]):
        own, framed = now.slice(place, place + 1), engine._histories(engine.store.events(user), [user])
        assert np.array_equal(own.items, framed.items)
        assert np.array_equal(own.times, framed.times)
        assert np.allclose(own.weights, framed.weights)
        assert own.users.tolist() == framed.users.tolist()
