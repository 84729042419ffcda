"""JSON out of answers, and what a schema allows."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.llm.chat import is_strict
from zhiyin.llm.schema import fault, read_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES)
def test_whole_answers(value: Any) -> None:
    assert read_json(json.dumps(value)) == value
    assert read_json(f"\n {json.dumps(value, ensure_ascii=False, indent=1)} \n") == value


@given(
    st.dictionaries(st.text(), VALUES, max_size=3), st.sampled_from(["", "好的：", "Sure! ", "<think>{x}</think>\n"])
)
def test_objects_among_words(value: Any, before: str) -> None:
    text = json.dumps(value, ensure_ascii=False)
    assert read_json(f"{before}{text}") == value
    if "```" not in text:
        assert read_json(f"{before}\n```json\n{text}\n```\nDone.") == value


@given(st.text())
def test_no_text_breaks_the_reader(text: str) -> None:
    with contextlib.suppress(ValueError):
        read_json(text)


@pytest.mark.parametrize("text", ["", "no", "{", '{"a": NaN}', "[" * 100_000, '{"a": 1', "Infinity", "1 2"])
def test_no_json(text: str) -> None:
    with pytest.raises(ValueError, match="no JSON"):
        read_json(text)


SCHEMA: dict[str, Any] = {
    "type": "object",
    "properties": {
        "主题": {
            "type": "array",
            "items": {"enum": ["茶", "books"]},
            "minItems": 1,
            "maxItems": 2,
            "uniqueItems": True,
        },
        "n": {"type": "integer", "minimum": 0, "maximum": 9},
        "s": {"type": ["string", "null"], "minLength": 1, "maxLength": 3},
        "b": {"type": "boolean"},
        "x": {"anyOf": [{"type": "number"}, {"const": "none"}]},
    },
    "required": ["主题"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"主题": ["茶"]}, None),
        ({"主题": ["茶", "books"], "n": 9, "s": "一二三", "b": True, "x": 1.5}, None),
        ({"主题": ["茶"], "s": None, "x": "none"}, None),
        ([], "answer must be of type object"),
        ({}, "answer lacks '主题'"),
        ({"主题": []}, "answer.主题 must have at least 1 entries"),
        ({"主题": ["茶", "茶"]}, "answer.主题 must not repeat itself"),
        ({"主题": ["茶", "books", "茶"]}, "at most 2 entries"),
        ({"主题": ["咖啡"]}, "answer.主题[0] must be one of"),
        ({"主题": "茶"}, "answer.主题 must be of type array"),
        ({"主题": ["茶"], "n": 10}, "answer.n must be at most 9"),
        ({"主题": ["茶"], "n": -1}, "answer.n must be at least 0"),
        ({"主题": ["茶"], "n": True}, "answer.n must be of type integer"),
        ({"主题": ["茶"], "n": 1.5}, "answer.n must be of type integer"),
        ({"主题": ["茶"], "s": ""}, "answer.s must have at least 1 characters"),
        ({"主题": ["茶"], "s": "一二三四"}, "at most 3 characters"),
        ({"主题": ["茶"], "b": 1}, "answer.b must be of type boolean"),
        ({"主题": ["茶"], "x": "other"}, "answer.x must be of type number"),
        ({"主题": ["茶"], "more": 1}, "answer must not have 'more'"),
    ],
)
def test_faults(value: Any, said: str | None) -> None:
    found = fault(value, SCHEMA)
    assert found is None if said is None else found is not None and said in found


def test_one_is_not_true() -> None:
    assert fault(True, {"enum": [1]}) is not None
    assert fault(1, {"enum": [True]}) is not None


def test_a_schema_is_not_checked_by_half() -> None:
    with pytest.raises(ValueError, match="patternProperties"):
        fault({}, {"patternProperties": {}})


def test_which_schemas_are_strict() -> None:
    assert is_strict({"type": "object", "properties": {"a": {}}, "required": ["a"], "additionalProperties": False})
    assert not is_strict(SCHEMA)
    assert not is_strict({"type": "array", "items": {"type": "object", "properties": {}}})
