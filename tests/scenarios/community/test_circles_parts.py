"""Circles in parts: graphs read by eye, partings against another library's measures, ids that stay, words that hold."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import networkx  # type: ignore[import-untyped]  # it ships no types
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import sparse

from zhiyin.errors import ConfigError
from zhiyin.scenarios.community.circles import CirclesParams, circles, circles_params
from zhiyin.scenarios.community.circles.graph import Layers, alike, fused, together
from zhiyin.scenarios.community.circles.kept import keep
from zhiyin.scenarios.community.circles.layout import centres, radii, spots
from zhiyin.scenarios.community.circles.members import memberships, stable_ids
from zhiyin.scenarios.community.circles.naming import by_template, refused
from zhiyin.scenarios.community.circles.parting import belonging, by_size, conductances, densities, modularity, parted
from zhiyin.scenarios.community.circles.typical import Typical, TypicalInterest, TypicalItem
from zhiyin.store import open_store
from zhiyin.store.circles import Member
from zhiyin.types import Histories

PLAIN = CirclesParams(smallest=2)


def graph(n: int, *edges: tuple[int, int, float]) -> sparse.csr_array:
    cells = np.zeros((n, n), dtype=np.float32)
    for one, other, weight in edges:
        cells[one, other] = cells[other, one] = weight
    return sparse.csr_array(cells)


def two_triangles() -> sparse.csr_array:
    """0-1-2 and 3-4-5, with one thin edge between; 6 alone."""
    inside = [(0, 1, 1.0), (1, 2, 1.0), (0, 2, 1.0), (3, 4, 1.0), (4, 5, 1.0), (3, 5, 1.0)]
    return graph(7, *inside, (2, 3, 0.5))


@pytest.mark.parametrize("method", ["leiden", "louvain"])
def test_two_triangles(method: str) -> None:
    params = PLAIN.model_copy(update={"method": method})
    found = parted(two_triangles(), params, 1.0)
    assert found.tolist() == [0, 0, 0, 1, 1, 1, -1]
    assert parted(two_triangles(), params, 1.0).tolist() == found.tolist(), "the same again"
    shares = memberships(two_triangles(), found, params).toarray()
    assert shares[0].tolist() == [1, 0]
    assert shares[2].tolist() == [pytest.approx(0.8), pytest.approx(0.2)], "of both, by the weight of the edges"
    assert not shares[6].any(), "who has no edge is in no circle"
    assert parted(graph(3), params, 1.0).tolist() == [-1, -1, -1]


@pytest.mark.parametrize("method", ["leiden", "louvain"])
def test_the_same_graph_is_parted_the_same_way_again(method: str) -> None:
    rng = np.random.default_rng(3)
    cells = np.triu(rng.random((150, 150)) < 0.06, 1).astype(np.float32)
    told = sparse.csr_array(cells + cells.T)
    params = CirclesParams.model_validate({"method": method, "tries": 2})
    found = [parted(told, params, 1.0).tolist() for _ in range(4)]
    assert found == [found[0]] * 4
    other = params.model_copy(update={"seed": 9})
    assert parted(told, other, 1.0).tolist() != found[0], "another seed, another beginning"


def test_small_groups_are_no_circles() -> None:
    pair = graph(8, (0, 1, 1), (1, 2, 1), (0, 2, 1), (3, 4, 1))
    shares = memberships(pair, parted(pair, PLAIN, 1.0), CirclesParams(smallest=3))
    assert shares.shape == (8, 1)
    assert not shares[3:].nnz


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 7), st.integers(0, 7), st.integers(1, 3)), min_size=1, max_size=20), st.data())
def test_measures_are_those_of_networkx(edges: list[tuple[int, int, int]], data: st.DataObject) -> None:
    told = graph(8, *[(one, other, float(weight)) for one, other, weight in edges if one != other])
    labels = np.array(data.draw(st.lists(st.integers(0, 2), min_size=8, max_size=8)), dtype=np.int32)
    if not told.nnz:
        assert modularity(told, labels) == 0
        return
    theirs = networkx.from_scipy_sparse_array(told)
    groups = [set(np.flatnonzero(labels == label).tolist()) for label in np.unique(labels)]
    assert modularity(told, labels) == pytest.approx(networkx.community.modularity(theirs, groups), abs=1e-6)
    ours = conductances(told, belonging(labels))
    for label in np.unique(labels):
        own = set(np.flatnonzero(labels == label).tolist())
        rest = set(range(8)) - own
        volumes = [sum(weight for _, weight in theirs.degree(some, weight="weight")) for some in (own, rest)]
        if min(volumes) > 0:
            cut = networkx.conductance(theirs, own, rest, weight="weight")
            assert ours[label] == pytest.approx(cut, abs=1e-6)


def test_nothing_leaves_by_less_than_nothing() -> None:
    """Sums of thirds are not what they should be, by a hair."""
    rng = np.random.default_rng(0)
    for _ in range(50):
        weights = rng.random((12, 12)).astype(np.float32) / 3
        weights[:6, 6:] = 0
        told = sparse.csr_array(np.triu(weights, 1) + np.triu(weights, 1).T)
        shares = conductances(told, belonging(np.repeat(np.array([0, 1], dtype=np.int32), 6)))
        assert (shares >= 0).all()
        assert shares == pytest.approx([0, 0], abs=1e-5)


def test_densities_count_pairs() -> None:
    groups = sparse.csr_array(np.array([[1, 0], [1, 0], [1, 1], [0, 1], [0, 0], [0, 0], [0, 0]], dtype=float))
    assert densities(two_triangles(), groups).tolist() == [1.0, 1.0]
    assert np.isnan(densities(two_triangles(), groups[:, [1]] * 0)).all()


def test_edges_from_shared_items_count_what_is_rare() -> None:
    # 0 and 1 share a rare item, 2 and 3 one that everybody has; 4 has nothing.
    histories = Histories.of([[0, 9], [0, 9], [9, 3], [9, 4], []])
    found = together(histories, 10, CirclesParams(neighbours=3)).toarray()
    assert found[0, 1] > 3 * found[2, 3] > 0
    assert not found[4].any()
    assert not found.diagonal().any()
    assert (found == found.T).all()


def test_edges_from_interests() -> None:
    told = np.array([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9], [0.0, 0.0]], dtype=np.float32)
    found = alike(told, 2).toarray()
    assert found[0, 1] == pytest.approx(1.0)
    assert not found[2].any(), "nobody is like it"
    assert not found[3].any(), "nothing is known of it"


def test_layers_weigh_the_same_whatever_their_scale() -> None:
    one, other = graph(3, (0, 1, 1.0)), graph(3, (1, 2, 50.0))
    whole = fused(Layers(one, other), CirclesParams(friends=1, together=2, alike=0), 3).toarray()
    assert whole[1, 2] == pytest.approx(2 * whole[0, 1])
    assert not fused(Layers(), CirclesParams(), 3).nnz


def shares_of(*circles: dict[str, float], people: list[str]) -> sparse.csr_array:
    return sparse.csr_array(np.array([[circle.get(one, 0.0) for circle in circles] for one in people]))


def test_a_circle_keeps_its_id_while_it_is_the_same() -> None:
    people = ["a", "b", "c", "d", "e", "f", "张"]
    former = {"c1": {"a": 1.0, "b": 1.0, "c": 1.0}, "c7": {"d": 1.0, "e": 1.0, "gone": 1.0}}
    shares = shares_of(
        {"d": 1, "e": 1, "f": 1}, {"a": 1, "b": 1, "c": 0.5, "张": 0.5}, {"张": 1, "f": 1}, people=people
    )
    assert stable_ids(shares, people, former, ["c1", "c7", "c9"], 0.25) == ["c7", "c1", "c10"]
    assert stable_ids(shares, people, former, ["c1"], 0.9) == ["c8", "c9", "c10"], "what is too different is new"
    # Of two that are like it, the one that has more in common, so that the sum is largest.
    split = shares_of({"a": 1}, {"b": 1, "c": 1}, people=people)
    assert stable_ids(split, people, former, [], 0.25) == ["c8", "c1"]
    assert stable_ids(shares[:, []], people, former, [], 0.25) == []


@given(st.permutations(range(4)))
def test_ids_do_not_depend_on_the_order_of_circles(order: list[int]) -> None:
    people = [f"人/{number}" for number in range(12)]
    circles = [dict.fromkeys(people[start : start + 3], 1.0) for start in (0, 3, 6, 9)]
    former = {f"c{number + 1}": circle for number, circle in enumerate(circles)}
    shares = shares_of(*(circles[place] for place in order), people=people)
    assert stable_ids(shares, people, former, former, 0.25) == [f"c{place + 1}" for place in order]


def test_groups_are_numbered_by_size() -> None:
    assert by_size(np.array([5, 2, 2, 9, 9], dtype=np.int32)).tolist() == [2, 0, 0, 1, 1]


def test_words_of_templates() -> None:
    items = [TypicalItem("1", "绿茶", 0.5, 3.0), TypicalItem("2", None, 0.4, 2.0)]
    told = Typical(items, [TypicalInterest("i1", "茶", 0.3, 2.0)], [], [], [0, 1])
    assert by_template(told, 12, "zh") == "12 人，比别人更常选《绿茶》、《2》，也更偏爱“茶”。"
    assert by_template(told, 12, "en") == (
        "12 people who take “绿茶” and “2” more often than others do, and care more than others for 茶."
    )
    nothing = Typical([], [], [], [], [])
    assert by_template(nothing, 3, "zh") == "3 人彼此相连，但很少选到一起。"
    assert by_template(nothing, 3, "en").endswith("have taken little in common.")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("People who enjoy “Green Tea” in the evening.", None),
        ("They share a love of green tea.", None),
        ("People who enjoy “Black Coffee” and green tea.", "quotes 'Black Coffee', which is not typical"),
        ("Friends of green tea who also follow Beyonce.", "names 'Beyonce', which is not known"),
        ("The 12 best friends of green tea.", "holds signs that no description needs"),
        ("A nice group.", "says nothing of what is typical"),
        ("", "empty, or too long"),
    ],
)
def test_what_a_model_says_must_hold(text: str, why: str | None) -> None:
    told = Typical([TypicalItem("1", "Green Tea", 0.5, 3.0)], [], [], [], [0])
    assert refused(text, told, "Tea", "en") == why


def test_chinese_descriptions_name_only_what_is_known() -> None:
    told = Typical([TypicalItem("1", "绿茶", 0.5, 3.0)], [], [], [], [0])
    assert refused("一群爱喝《绿茶》的人", told, "茶", "zh") is None
    assert refused("一群爱喝绿茶和 Coffee 的人", told, "茶", "zh") == "names 'Coffee', which is not known"


def test_pictures_keep_circles_apart() -> None:
    sizes = [400, 100, 90, 25, 9, 9, 3]
    ties = np.zeros((7, 7))
    ties[0, 1] = ties[1, 0] = 5.0
    wide = radii(sizes)
    place = centres(ties, wide)
    assert (centres(ties, wide) == place).all()
    far = np.linalg.norm(place[:, None] - place[None], axis=2) + np.eye(7) * 9
    assert (far >= (wide[:, None] + wide[None]) * 0.98).all()
    inside = spots(50, place[0], float(wide[0]))
    assert (np.linalg.norm(inside - place[0], axis=1) < wide[0]).all()
    assert centres(np.zeros((0, 0)), radii([])).shape == (0, 2)


def test_parameters_come_from_a_file(tmp_path: Path) -> None:
    assert circles_params(tmp_path) == CirclesParams()
    (tmp_path / "circles.toml").write_text("resolution = 2\nbelongs = 0.3\n", encoding="utf-8")
    assert circles_params(tmp_path).resolution == 2
    for text, said in [
        ("resolutoin = 2", "unknown key 'resolutoin'"),
        ("belongs = 2", "key 'belongs': Input should be less than 1"),
        ("belongs", "not valid TOML"),
    ]:
        (tmp_path / "circles.toml").write_text(text, encoding="utf-8")
        with pytest.raises(ConfigError, match=said) as refused_:
            circles_params(tmp_path)
        assert "circles.toml" in refused_.value.line


def test_circles_are_kept_in_one_go(tmp_path: Path) -> None:
    body = {"size": 2, "name": {"en": "a", "zh": "甲"}}
    with closing(open_store("sqlite:///zhiyin.db", tmp_path)) as store:
        with store.writing() as writer:
            writer.set_users([("here", "{}"), ("there", "{}")])
        keep(
            store, [Member("c1", "here"), Member("c1", "there"), Member("c1", "erased meanwhile")], {"c1": body}, [], {}
        )
        assert [one.user_id for one in store.circles.all()] == ["here", "there"]

        def broken() -> Iterator[Member]:
            yield Member("c2", "here")
            raise RuntimeError("in the middle")

        with pytest.raises(RuntimeError):
            keep(store, broken(), {"c2": body}, ["c1"], {})
        assert [one.circle_id for one in store.circles.all()] == ["c1", "c1"]
        assert [one.id for one in circles(store)] == ["c1"]
