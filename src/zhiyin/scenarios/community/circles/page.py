"""Circles as a page and as lines for a terminal, Chinese or English."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from zhiyin.report.sheet import Part, Sheet, write_sheet
from zhiyin.scenarios.community.circles.kept import Circle, circles, last_run
from zhiyin.scenarios.community.circles.picture import drawn, inline_picture
from zhiyin.scripts import Language
from zhiyin.store.sql import SqlStore

SHOWN = 5
"""Typical items in a line."""

WORDS: dict[Language, dict[str, str]] = {
    "en": {
        "kind": "circles",
        "title": "Circles of {name}",
        "lead": "{circles} circles of {members} people, by links, by what they take and by what interests them.",
        "none": "No circles have been found yet.",
        "picture": "Who stands where",
        "how": "A disc is a circle, as large as it has people. Dark points belong to it alone, coloured ones to a "
        "second circle too; a line between two circles is as wide as they share people.",
        "table": "What they have in common",
        "header": "circle|name|people|density|edges that leave|typical items|interests",
        "alone": "{alone} of {people} people have no edge to anybody, and {between} have edges and belong to no "
        "circle: nothing is made up for them.",
        "several": "{several} people belong to more than one circle.",
        "measures": "Modularity of the parting {modularity}; the middle circle has {conductance} of the weight of its "
        "edges outside.",
        "small": "Density is the share of pairs who have an edge.",
        "people": "people",
        "circles": "circles",
        "joint": ", ",
        "quote": "“{}”",
    },
    "zh": {
        "kind": "圈子",
        "title": "{name} 的圈子",
        "lead": "按好友关系、共同选择和相近兴趣，{members} 人分成 {circles} 个圈子。",
        "none": "还没有找到圈子。",
        "picture": "谁在哪里",
        "how": "一个圆是一个圈子，人越多圆越大。深色点只属于这一个圈子，彩色点还属于另一个；"
        "两圆之间的线越粗，共有的人越多。",
        "table": "他们的共同点",
        "header": "圈子|名字|人数|密度|外连边|典型物品|兴趣",
        "alone": "{people} 人中有 {alone} 人与任何人都没有联系，另有 {between} 人有联系但不属于任何圈子："
        "不为他们编造圈子。",
        "several": "{several} 人同时属于多个圈子。",
        "measures": "划分的模块度为 {modularity}；居中的圈子有 {conductance} 的边权通向圈外。",
        "small": "密度是有联系的人对所占的比例。",
        "people": "人",
        "circles": "圈子",
        "joint": "、",
        "quote": "《{}》",
    },
}


def sheet_of(store: SqlStore, name: str, language: Language) -> Sheet:
    """The page of the circles as kept."""
    words, found, run = WORDS[language], circles(store), last_run(store)
    title = words["title"].format(name=name)
    if run is None or not found:
        return Sheet(words["kind"], title, words["none"], [])
    picture = inline_picture(drawn(store, language), words["circles"])
    told = {**run, "modularity": f"{run['modularity']:.3f}", "conductance": _share(run["conductance"])}
    parts = [
        Part(words["picture"], [words["how"]], figures=[(words["circles"], picture)], wide=True),
        Part(
            words["table"],
            [words[key].format(**told) for key in ("several", "alone", "measures")],
            table=[tuple(words["header"].split("|")), *(_row(one, language) for one in found)],
            small=[words["small"]],
            prose=True,
        ),
    ]
    lead = words["lead"].format(circles=len(found), members=f"{run['members']:,}")
    facts = [(words["circles"], f"{len(found):,}"), (words["people"], f"{run['members']:,}")]
    return Sheet(words["kind"], title, lead, parts, facts=facts)


def write_circles_page(path: Path, store: SqlStore, name: str, language: Language) -> None:
    """Raises UsageError where it cannot be written."""
    write_sheet(path, sheet_of(store, name, language))


def lines_of(one: Circle, language: Language) -> list[str]:
    """One circle for a terminal."""
    body, words = one.body, WORDS[language]
    size = f"{body['size']:,} {words['people']}"
    lines = [f"{one.id}  {body['name'][language]}  ({size})", f"  {body['description'][language]}"]
    items = _items(body, language)
    lines += [f"  {items}"] if items else []
    lines += [f"  {_interests(body, language)}"] if body["interests"] else []
    return lines


def _row(one: Circle, language: Language) -> tuple[str, ...]:
    body = one.body
    figures = (f"{body['size']:,}", _share(body["density"]), _share(body["conductance"]))
    return one.id, body["name"][language], *figures, _items(body, language), _interests(body, language)


def _items(body: dict[str, Any], language: Language) -> str:
    words = WORDS[language]
    titles = [words["quote"].format(item["title"] or item["item_id"]) for item in body["items"][:SHOWN]]
    return words["joint"].join(titles)


def _interests(body: dict[str, Any], language: Language) -> str:
    told: Sequence[str] = [f"{one['name']} (x{one['lift']:.1f})" for one in body["interests"]]
    return WORDS[language]["joint"].join(told)


def _share(value: float | None) -> str:
    return "–" if value is None else f"{value:.1%}"
