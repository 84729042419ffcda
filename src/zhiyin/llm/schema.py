"""JSON out of a model's answer, held against its schema.

The part of JSON Schema that prompts use; a keyword outside it is a mistake in our own code and raises ValueError, so
that no schema is checked by half.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, NoReturn

KINDS: dict[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "null": (type(None),),
}
NOTES = {"title", "description", "default", "examples", "$schema"}
FENCE = re.compile(r"```[a-zA-Z]*\s*\n?(.*?)```", re.DOTALL)
THOUGHTS = re.compile(r"\A\s*<think>.*?</think>", re.DOTALL)


def read_json(text: str) -> Any:
    """The JSON value in ``text``: the whole of it, or the first object or list, fenced or among other words.

    Raises ValueError where there is none.
    """
    text = THOUGHTS.sub("", text).strip()
    tries = [text, *(part.strip() for part in FENCE.findall(text))]
    tries += [text[match.start() :] for match in list(re.finditer(r"[{\[]", text))[:1]]
    decoder = json.JSONDecoder(parse_constant=_refuse)
    for part in tries:
        try:
            value, end = decoder.raw_decode(part)
        except (ValueError, RecursionError):
            continue
        if isinstance(value, (dict, list)) or not part[end:].strip():
            return value
    raise ValueError("no JSON in it")


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is no JSON")


def fault(value: Any, schema: dict[str, Any], path: str = "answer") -> str | None:
    """The first thing in ``value`` that ``schema`` does not allow, in words; None where all is well."""
    unknown = schema.keys() - CHECKS.keys() - NOTES - {"additionalProperties"}
    if unknown:
        raise ValueError(f"the schema uses '{sorted(unknown)[0]}', which is not checked here")
    for keyword, rule in schema.items():
        if keyword in CHECKS and (found := CHECKS[keyword](value, rule, schema, path)):
            return found
    return None


def _type(value: Any, rule: Any, schema: dict[str, Any], path: str) -> str | None:
    names = rule if isinstance(rule, list) else [rule]
    for name in names:
        if isinstance(value, KINDS[name]) and (name == "boolean" or not isinstance(value, bool)):
            return None
    return f"{path} must be of type {' or '.join(names)}"


def _enum(value: Any, rule: Any, schema: dict[str, Any], path: str) -> str | None:
    if any(type(value) is type(one) and value == one for one in rule):
        return None
    shown = json.dumps(rule[:20], ensure_ascii=False)
    return f"{path} must be one of {shown}"


def _const(value: Any, rule: Any, schema: dict[str, Any], path: str) -> str | None:
    return _enum(value, [rule], schema, path)


def _properties(value: Any, rule: Any, schema: dict[str, Any], path: str) -> str | None:
    if not isinstance(value, dict):
        return None
    rest = schema.get("additionalProperties", True)
    for name, one in value.items():
        inner = rule.get(name, rest)
        if inner is False:
            return f"{path} must not have '{name}'"
        if isinstance(inner, dict) and (found := fault(one, inner, f"{path}.{name}")):
            return found
    return None


def _required(value: Any, rule: Any, schema: dict[str, Any], path: str) -> str | None:
    missing = [name for name in rule if name not in value] if isinstance(value, dict) else []
    return f"{path} lacks '{missing[0]}'" if missing else None


def _items(value: Any, rule: Any, schema: dict[str, Any], path: str) -> str | None:
    if isinstance(value, list):
        for place, one in enumerate(value):
            if found := fault(one, rule, f"{path}[{place}]"):
                return found
    return None


def _unique(value: Any, rule: Any, schema: dict[str, Any], path: str) -> str | None:
    if rule and isinstance(value, list) and len({json.dumps(one, sort_keys=True) for one in value}) < len(value):
        return f"{path} must not repeat itself"
    return None


def _any_of(value: Any, rule: Any, schema: dict[str, Any], path: str) -> str | None:
    found = [fault(value, one, path) for one in rule]
    return None if None in found else found[0]


def _count(value: Any, rule: Any, kind: type, least: bool, path: str, unit: str) -> str | None:
    if not isinstance(value, kind) or (len(value) >= rule if least else len(value) <= rule):  # type: ignore[arg-type]
        return None
    return f"{path} must have {'at least' if least else 'at most'} {rule} {unit}"


def _bound(value: Any, rule: Any, least: bool, path: str) -> str | None:
    if not isinstance(value, (int, float)) or isinstance(value, bool) or (value >= rule if least else value <= rule):
        return None
    return f"{path} must be {'at least' if least else 'at most'} {rule}"


CHECKS: dict[str, Callable[[Any, Any, dict[str, Any], str], str | None]] = {
    "type": _type,
    "enum": _enum,
    "const": _const,
    "properties": _properties,
    "required": _required,
    "items": _items,
    "uniqueItems": _unique,
    "anyOf": _any_of,
    "minItems": lambda value, rule, schema, path: _count(value, rule, list, True, path, "entries"),
    "maxItems": lambda value, rule, schema, path: _count(value, rule, list, False, path, "entries"),
    "minLength": lambda value, rule, schema, path: _count(value, rule, str, True, path, "characters"),
    "maxLength": lambda value, rule, schema, path: _count(value, rule, str, False, path, "characters"),
    "minimum": lambda value, rule, schema, path: _bound(value, rule, True, path),
    "maximum": lambda value, rule, schema, path: _bound(value, rule, False, path),
}
