"""The latest lists alone, of a store that holds many."""

from __future__ import annotations

from contextlib import closing
from pathlib import Path

from zhiyin.store import open_store
from zhiyin.store.impressions import Impression


def test_the_latest_lists_alone(tmp_path: Path) -> None:
    with closing(open_store("sqlite:///zhiyin.db", tmp_path)) as store:
        assert store.impressions.frame(most=3).is_empty()
        with store.writing() as writer:
            writer.put_impressions(
                [Impression(f"{n}", f"u/{n % 2}", "home", n, [("茶 1", 0, 0.1), ("b", 1, 0.1)]) for n in range(9)]
            )
        assert store.impressions.frame(most=3)["impression_id"].to_list() == ["6", "6", "7", "7", "8", "8"]
        assert store.impressions.frame(most=3, until=7)["impression_id"].to_list() == ["6", "6"]
        assert store.impressions.surfaces(3) == {"home"}
        with store.writing() as writer:
            writer.put_impressions([Impression(f"后{n}", "u", "动态", n, []) for n in range(2)])
        assert store.impressions.surfaces(3) == {"home", "动态"}
        assert store.impressions.surfaces(2) == {"动态"}
        assert store.impressions.frame(most=100).equals(store.impressions.frame())
