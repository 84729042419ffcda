"""Rows for a store, written short."""

from __future__ import annotations

from collections.abc import Iterable

import polars as pl

from zhiyin.ports import Store, Written

USER_COLUMNS: dict[str, type[pl.DataType] | pl.DataType] = {"user_id": pl.String, "attributes": pl.String}
ITEM_COLUMNS: dict[str, type[pl.DataType] | pl.DataType] = {
    "item_id": pl.String,
    "title": pl.String,
    "description": pl.String,
    "categories": pl.List(pl.String),
    "attributes": pl.String,
    "time": pl.Int64,
    "hidden": pl.Boolean,
}
GIVEN_COLUMNS = {
    "event_id": pl.String,
    "user_id": pl.String,
    "item_id": pl.String,
    "event_type": pl.String,
    "value": pl.Float64,
    "time": pl.Int64,
}
LINK_COLUMNS = {"user_id": pl.String, "other_id": pl.String, "weight": pl.Float64, "time": pl.Int64}
User = tuple[str, str]
Item = tuple[str, str | None, str | None, list[str], str, int | None, bool]
Event = tuple[str | None, str, str, str, float | None, int | None]
Link = tuple[str, str, float | None, int | None]


def users_frame(rows: Iterable[User]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=USER_COLUMNS, orient="row")


def items_frame(rows: Iterable[Item]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=ITEM_COLUMNS, orient="row")


def events_frame(rows: Iterable[Event]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=GIVEN_COLUMNS, orient="row")


def links_frame(rows: Iterable[Link]) -> pl.DataFrame:
    return pl.DataFrame(list(rows), schema=LINK_COLUMNS, orient="row")


def item(item_id: str, title: str | None = None, *, hidden: bool = False) -> Item:
    return (item_id, title, None, [], "{}", None, hidden)


def event(user: str, thing: str, time: int | None = None, *, event_id: str | None = None) -> Event:
    return (event_id, user, thing, "view", None, time)


def put_users(store: Store, rows: Iterable[User]) -> Written:
    with store.writing() as writer:
        return writer.put_users(users_frame(rows))


def put_items(store: Store, rows: Iterable[Item]) -> Written:
    with store.writing() as writer:
        return writer.put_items(items_frame(rows))


def put_events(store: Store, rows: Iterable[Event]) -> Written:
    with store.writing() as writer:
        return writer.put_events(events_frame(rows))


def put_links(store: Store, rows: Iterable[Link]) -> Written:
    with store.writing() as writer:
        return writer.put_links(links_frame(rows))
