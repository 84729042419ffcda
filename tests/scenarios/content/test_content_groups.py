from __future__ import annotations

import pytest

from zhiyin.cli.common import Project
from zhiyin.errors import UsageError
from zhiyin.scenarios.content.groups import EVERYBODY, Group, members
from zhiyin.store.circles import Member


def test_who_is_in_a_group(site: Project) -> None:
    assert members(site.store, EVERYBODY) is None
    hangzhou = members(site.store, Group.of({"city": "杭州"}))
    assert hangzhou is not None
    assert len(hangzhou) == 30
    old = members(site.store, Group.of('{"city_not": "杭州", "age_above": 70}'))
    assert old == sorted(f"读者/{person}" for person in range(52, 60, 2))
    assert members(site.store, Group.of({"id": ["读者/1", "nobody"]})) == ["读者/1"]
    assert members(site.store, Group.of({"city": "berlin", "age_below": 22})) == ["读者/0"]
    with site.store.writing() as writer:
        writer.replace_circle_members([Member("圈/1", "读者/3"), Member("圈/1", "读者/2", 0.5)])
    assert members(site.store, Group.of(circle="圈/1")) == ["读者/2", "读者/3"]


def test_groups_have_names_and_are_compared_by_what_they_mean() -> None:
    one, other = Group.of({"city": "杭州", "age_above": 30}), Group.of('{"age_above": 30.0, "city": ["杭州"]}')
    assert one == other
    assert hash(one) == hash(other)
    assert one.name == "age_above 30, city 杭州"
    assert (EVERYBODY.name, Group.of(circle="c").name) == ("everybody", "circle c")


@pytest.mark.parametrize(
    ("where", "circle", "said"),
    [
        ({"town": "杭州"}, None, "nobody has the attribute 'town'"),
        ({"title_has": "x"}, None, "'title_has' is of items"),
        ({"age_above": "old"}, None, "takes a number"),
        ("{", None, "is not JSON"),
        (None, "没有", "no circle '没有'"),
        ({"city": "杭州"}, "c", "a segment and a circle at once"),
    ],
)
def test_what_is_no_group_is_refused(site: Project, where: object, circle: str | None, said: str) -> None:
    with pytest.raises(UsageError, match=said):
        members(site.store, Group.of(where, circle))  # type: ignore[arg-type]
