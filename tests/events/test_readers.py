"""The same few rows in every format."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from zhiyin.events.columns import Kind, assign
from zhiyin.events.read import FileRead, Reading, read_file

FIRST, SECOND = 1_700_000_000_000_000, 1_700_000_060_000_000
EVENTS = [
    (None, "u/1", "商品 7", "view", None, FIRST),
    (None, "u/1", "😀", "purchase", 2.5, SECOND),
    (None, "007", "商品 7", "view", None, None),
]
ROWS = [
    {
        "userId": user,
        "itemId": item,
        "event": kind,
        "value": value,
        "timestamp": None if time is None else time // 10**6,
    }
    for _, user, item, kind, value, time in EVENTS
]


def read(path: Path, content: str | bytes, kind: Kind = Kind.EVENTS, **how: Any) -> FileRead:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return read_file(path, kind, Reading(**how))


def rows(found: FileRead) -> list[tuple[Any, ...]]:
    assert found.rejects.counts() == {}
    return found.frame.rows()


def table(separator: str) -> str:
    head = separator.join(ROWS[0])
    body = [separator.join("" if cell is None else str(cell) for cell in row.values()) for row in ROWS]
    return "\n".join([head, *body]) + "\n"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("e.csv", table(",")),
        ("e.csv", table(";")),
        ("e.csv", table(",").replace("\n", "\r\n")),
        ("e.csv", "\ufeff" + table(",")),
        ("e.csv", "\n\n" + table(",").replace("\n", "\n\n")),
        ("e.tsv", table("\t")),
        ("e.txt", table("\t").rstrip("\n")),
        ("e.jsonl", "\n".join(json.dumps(row) for row in ROWS)),
        ("e.ndjson", "\n".join(json.dumps(row, ensure_ascii=False) for row in ROWS) + "\n"),
        ("e", "\n".join(json.dumps({k: v for k, v in row.items() if v is not None}) for row in ROWS)),
    ],
)
@pytest.mark.parametrize("packed", [False, True])
def test_text_formats_say_the_same(tmp_path: Path, name: str, content: str, packed: bool) -> None:
    data = gzip.compress(content.encode()) if packed else content.encode()
    assert rows(read(tmp_path / (name + ".gz" * packed), data)) == EVENTS


@pytest.mark.parametrize("packed", [False, True])
def test_parquet(tmp_path: Path, packed: bool) -> None:
    pl.DataFrame(ROWS).write_parquet(tmp_path / "e.parquet")
    data = (tmp_path / "e.parquet").read_bytes()
    assert rows(read(tmp_path / ("f.parquet" + ".gz" * packed), gzip.compress(data) if packed else data)) == EVENTS


def test_parquet_types(tmp_path: Path) -> None:
    frame = pl.DataFrame(
        {
            "user_id": pl.Series([1, 2], dtype=pl.UInt32),
            "item_id": pl.Series([1.0, 22.0]),
            "event_type": pl.Series(["view", "view"], dtype=pl.Categorical),
            "rating": pl.Series([4.5, None], dtype=pl.Float32),
            "datetime": pl.Series([datetime(2023, 11, 14, 22, 13, 20, tzinfo=UTC), None]).dt.convert_time_zone(
                "Asia/Shanghai"
            ),
        }
    )
    frame.write_parquet(tmp_path / "e.parquet")
    found = read_file(tmp_path / "e.parquet", Kind.EVENTS, Reading())
    assert rows(found) == [(None, "1", "1", "view", 4.5, FIRST), (None, "2", "22", "view", None, None)]


def test_recbole_atomic_files(tmp_path: Path) -> None:
    inter = "user_id:token\titem_id:token\trating:float\ttimestamp:float\n196\t1.0\t3\t1700000000\n"
    assert rows(read(tmp_path / "x.inter", inter)) == [(None, "196", "1.0", "rating", 3.0, FIRST)]
    item = (
        "item_id:token\tmovie_title:token_seq\trelease_year:token\tclass:token_seq\tprice:float\tvec:float_seq\n"
        '1\tToy "Story" 2\t1995\tAnimation Children\'s\t1.5\t0.5 2\n'
    )
    [row] = rows(read(tmp_path / "x.item", item, Kind.ITEMS))
    assert row[:4] == ("1", 'Toy "Story" 2', None, ["Animation", "Children's"])
    assert json.loads(row[4]) == {"price": 1.5, "release_year": "1995", "vec": [0.5, 2.0]}
    user = "user_id:token\tage:token\n1\t24\n"
    assert rows(read(tmp_path / "x.user", user, Kind.USERS)) == [("1", '{"age": "24"}')]


def test_movielens_files(tmp_path: Path) -> None:
    expected = [(None, "1", "1193", "rating", 5.0, FIRST)]
    assert rows(read(tmp_path / "ratings.dat", "1::1193::5::1700000000\n")) == expected
    assert rows(read(tmp_path / "u.data", "1\t1193\t5\t1700000000\n")) == expected
    movies = "1::Toy Story: a tale (1995)::Animation|Comedy\n2::Amélie::Romance\n".encode("latin-1")
    found = read(tmp_path / "movies.dat", movies, Kind.ITEMS)
    assert [row[:4] for row in rows(found)] == [
        ("1", "Toy Story: a tale (1995)", None, ["Animation", "Comedy"]),
        ("2", "Amélie", None, ["Romance"]),
    ]
    assert "Latin-1" in found.notes[0]
    users = read(tmp_path / "users.dat", "1::F::1::10::48067\n", Kind.USERS)
    assert json.loads(rows(users)[0][1]) == {"age": "1", "gender": "F", "occupation": "10", "zip_code": "48067"}


def test_gorse_jsonl(tmp_path: Path) -> None:
    feedback = {"FeedbackType": "star", "UserId": "u", "ItemId": "i", "Value": 1, "Timestamp": "2023-11-14T22:13:20Z"}
    assert rows(read(tmp_path / "feedback.jsonl", json.dumps(feedback))) == [(None, "u", "i", "star", 1.0, FIRST)]
    item = {
        "ItemId": "i",
        "IsHidden": True,
        "Categories": ["a", "b"],
        "Timestamp": "2023-11-14T22:13:20Z",
        "Labels": {"topic": ["x"]},
        "Comment": "关于音乐",
    }
    [row] = rows(read(tmp_path / "items.jsonl", json.dumps(item), Kind.ITEMS))
    assert row == ("i", None, "关于音乐", ["a", "b"], '{"Labels": {"topic": ["x"]}}', FIRST, True)
    user = {"UserId": "u", "Labels": ["x"]}
    assert rows(read(tmp_path / "users.jsonl", json.dumps(user), Kind.USERS)) == [("u", '{"Labels": ["x"]}')]


def test_quoted_fields_may_hold_anything(tmp_path: Path) -> None:
    text = 'item_id,title,genres,price\n1,"A ""quoted"", long\ntitle","Drama|War",3\n2,plain,,\n'
    found = rows(read(tmp_path / "items.csv", text, Kind.ITEMS))
    assert [row[:5] for row in found] == [
        ("1", 'A "quoted", long\ntitle', None, ["Drama", "War"], '{"price": "3"}'),
        ("2", "plain", None, [], "{}"),
    ]


def test_a_tab_separated_title_may_begin_with_a_quote(tmp_path: Path) -> None:
    text = 'id\tname\n1\t"Weird Al" Yankovic\n2\t"Heroes\n3\t"a\ttab"\n'
    found = rows(read(tmp_path / "artists.dat", text, Kind.ITEMS))
    assert [row[:2] for row in found] == [("1", '"Weird Al" Yankovic'), ("2", '"Heroes'), ("3", "a\ttab")]


def test_the_last_row_of_an_item_wins_and_the_others_are_counted(tmp_path: Path) -> None:
    found = read(tmp_path / "i.csv", "item_id,title\n1,old\n2,b\n1,new\n", Kind.ITEMS)
    assert [row[:2] for row in rows(found)] == [("1", "new"), ("2", "b")]
    assert (found.rows, found.superseded) == (3, 1)


def test_ids_from_columns_of_floats_lose_their_point_zero(tmp_path: Path) -> None:
    found = read(tmp_path / "e.csv", "user,item,weight\n1.0,1.0,2\n2.0,1.5,2\n")
    assert rows(found) == [(None, "1", "1.0", "view", 2.0, None), (None, "2", "1.5", "view", 2.0, None)]
    assert ["user_id" in note for note in found.notes] == [True]


def test_json_ids_are_text_whatever_their_type(tmp_path: Path) -> None:
    lines = '{"user": 1, "item": 1.0}\n{"user": "2", "item": "1.0"}\n{"item": "x", "user": 12345678901234567890}\n'
    found = rows(read(tmp_path / "e.jsonl", lines))
    assert [row[1:3] for row in found] == [("1", "1"), ("2", "1.0"), ("12345678901234567890", "x")]


@pytest.mark.parametrize(
    ("header", "kind"),
    [("rating", "rating"), ("stars", "rating"), ("weight", "view"), ("value", "view"), ("rating,type", "view")],
)
def test_type_of_events_that_name_none(tmp_path: Path, header: str, kind: str) -> None:
    text = f"user,item,{header}\nu,i,3{',' * header.count(',')}\n"
    assert rows(read(tmp_path / "e.csv", text)) == [(None, "u", "i", kind, 3.0, None)]
    assert rows(read(tmp_path / "f.csv", "user,item\nu,i\n", default_type="click"))[0][3] == "click"


def test_columns_named_by_flag_win(tmp_path: Path) -> None:
    text = "user_id,who,thing,score\nwrong,u,i,3\n"
    found = read(tmp_path / "e.csv", text, columns={"user": "who", "item": "Thing"})
    assert rows(found) == [(None, "u", "i", "rating", 3.0, None)]


def test_synonyms_by_spelling_and_rank() -> None:
    assert assign(Kind.EVENTS, ["User ID", "ITEM-ID", "Date", "timestamp"], {}) == {
        "user": "User ID",
        "item": "ITEM-ID",
        "time": "timestamp",
    }
    assert assign(Kind.EVENTS, ["reviewerID", "parent_asin", "asin", "overall", "unixReviewTime"], {}) == {
        "user": "reviewerID",
        "item": "parent_asin",
        "value": "overall",
        "time": "unixReviewTime",
    }
    assert assign(Kind.ITEMS, ["id", "name", "tags", "body", "IsHidden"], {}) == {
        "item": "id",
        "title": "name",
        "description": "body",
        "categories": "tags",
        "hidden": "IsHidden",
    }


def test_events_may_bring_their_own_id(tmp_path: Path) -> None:
    found = read(tmp_path / "e.csv", "event_id,user,item\nx,u,i\n,u,i\n")
    assert rows(found) == [("x", "u", "i", "view", None, None), (None, "u", "i", "view", None, None)]


def test_another_encoding_by_name(tmp_path: Path) -> None:
    data = "item_id,title,导演\n1,音乐之声,怀斯\n".encode("gb18030")
    found = read(tmp_path / "i.csv", data, Kind.ITEMS, encoding="gb18030")
    assert rows(found) == [("1", "音乐之声", None, [], '{"导演": "怀斯"}', None, False)]
    assert found.notes == []


SHARED = Path(__file__).parents[2].parent / "shared" / "data"


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no data at {SHARED}")
@pytest.mark.parametrize(
    ("name", "kind", "count"),
    [
        ("amazon_beauty/events.csv.gz", Kind.EVENTS, 198_502),
        ("amazon_beauty/items.jsonl.gz", Kind.ITEMS, 12_101),
        ("ml_latest_small/ratings.csv", Kind.EVENTS, 100_004),
        ("ml_latest_small/movies.csv", Kind.ITEMS, 9_125),
        ("hetrec_lastfm/user_artists.dat", Kind.EVENTS, 92_846),
        ("hetrec_lastfm/artists.dat", Kind.ITEMS, 17_632),
    ],
)
def test_public_data_arrives_whole(name: str, kind: Kind, count: int) -> None:
    assert len(rows(read_file(SHARED / name, kind, Reading()))) == count
