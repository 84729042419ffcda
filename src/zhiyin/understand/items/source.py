"""What a reader may know of an item: its own words and metadata, nothing from elsewhere."""

from __future__ import annotations

import hashlib
import json
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from zhiyin.understand.texts import item_text, plain, shorten

if TYPE_CHECKING:
    import polars as pl

FIELDS = 50
"""Fields of metadata that are looked at; an item with more is cut here."""
FIELD_CHARACTERS = 300
READ_CHARACTERS = 4000
"""Beginning of a description that is read. Longer texts are the business of ``understand.long``."""


@dataclass(frozen=True)
class ItemSource:
    """One item as plain text. Any part may be empty. ``fields`` is the metadata, flattened: lists joined by ", ",
    objects inside objects by ".", everything else left out."""

    item_id: str
    title: str
    description: str = ""
    categories: tuple[str, ...] = ()
    fields: tuple[tuple[str, str], ...] = ()

    @cached_property
    def text(self) -> str:
        """Title and description."""
        return ". ".join(part for part in (self.title, self.description) if part)

    @cached_property
    def whole(self) -> str:
        """Everything said of the item: what a claim about it must be found in."""
        return "\n".join(
            [self.title, self.description, *self.categories, *(f"{key}: {value}" for key, value in self.fields)]
        )

    @cached_property
    def encoded(self) -> str:
        """The text that stands for the item in front of the encoder."""
        return item_text(self.title, self.description, self.categories)

    @cached_property
    def content(self) -> str:
        """Hexadecimal sha256 of all but the id: two items that say the same are read once."""
        told = json.dumps([self.title, self.description, self.categories, self.fields], ensure_ascii=False)
        return hashlib.sha256(told.encode("utf-8")).hexdigest()


def item_sources(items: pl.DataFrame) -> list[ItemSource]:
    """Sources in the row order of ``items``, which has the columns of ``Store.items``."""
    columns = items.select("item_id", "title", "description", "categories", "attributes").iter_rows()
    return [item_source(*row) for row in columns]


def item_source(
    item_id: str,
    title: str | None,
    description: str | None = None,
    categories: Sequence[str] | None = None,
    attributes: str | None = None,
) -> ItemSource:
    """One source from raw values; ``attributes`` is a JSON object as text, and anything else counts as none."""
    kinds = (plain(kind) for kind in categories or [])
    return ItemSource(
        item_id,
        plain(title or ""),
        shorten(plain(description or ""), READ_CHARACTERS),
        tuple(dict.fromkeys(kind for kind in kinds if kind)),
        _flat(attributes),
    )


def folded(text: str) -> str:
    """``text`` for comparing: width, case and white space do not count."""
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())


def _flat(attributes: str | None) -> tuple[tuple[str, str], ...]:
    try:
        told = json.loads(attributes or "{}")
    except ValueError:
        return ()
    found: dict[str, str] = {}
    if isinstance(told, dict):
        _collect("", told, found)
    return tuple(list(found.items())[:FIELDS])


def _collect(prefix: str, told: dict[str, Any], found: dict[str, str]) -> None:
    for key, value in told.items():
        name = plain(f"{prefix}{key}")
        if isinstance(value, dict):
            if name.count(".") < 3:
                _collect(f"{name}.", value, found)
            continue
        parts = value if isinstance(value, list) else [value]
        words = [plain(_word(part)) for part in parts]
        text = ", ".join(word for word in words if word)
        if name and text:
            found[name] = shorten(text, FIELD_CHARACTERS)


def _word(value: Any) -> str:
    if isinstance(value, bool) or value is None or isinstance(value, (dict, list)):
        return ""
    if isinstance(value, float) and value.is_integer() and abs(value) < 1e15:
        return str(int(value))
    return str(value)
