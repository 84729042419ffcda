"""The taxonomy: where topics come from, that ids stay, what is merged, and that it ends."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from zhiyin.ports import Encoder
from zhiyin.store import open_store
from zhiyin.types import Floats
from zhiyin.understand.items.context import Context
from zhiyin.understand.items.features import unit
from zhiyin.understand.items.grow import Cluster, grow
from zhiyin.understand.items.source import ItemSource
from zhiyin.understand.items.taxonomy import Taxonomy, TaxonomySettings, load_taxonomy, name_key, topic_id

NONE = np.zeros((15, 512), dtype=np.float32)
SMALL = TaxonomySettings(support=3, cluster_items=6)


def encode(words: Sequence[str]) -> Floats:
    """Vectors by character, but for two names that are declared to be one thing."""
    same = {"护发": "hair care", "美发护理": "hair care"}
    rows = np.zeros((len(words), 512), dtype=np.float32)
    for row, word in enumerate(words):
        for sign in same.get(word, word.casefold()):
            rows[row, ord(sign) % 512] += 1
    return unit(rows)


def shelf(**kinds: int) -> list[ItemSource]:
    return [
        ItemSource(f"{kind}/{n}", f"{kind} number {n}", categories=("all", kind.replace("_", " ")))
        for kind, count in kinds.items()
        for n in range(count)
    ]


def names(taxonomy: Taxonomy) -> set[str]:
    return {topic.name for topic in taxonomy.active}


def test_topics_come_from_categories_with_enough_items_that_are_not_everywhere() -> None:
    grown = grow(Taxonomy(), shelf(tea=5, books=4, rare=2), SMALL)
    assert names(grown) == {"tea", "books"}


@pytest.mark.parametrize("word", ["Hair Care", "Haircare", "HAIR-CARE", "hair  cares", "Ｈair Ｃare"])
def test_spellings_of_one_name_are_one_topic(word: str) -> None:
    assert name_key(word) == name_key("hair care")
    assert topic_id(word) == topic_id("hair care")


def test_names_that_the_encoder_finds_alike_are_merged_and_the_old_id_leads_on() -> None:
    sources = [
        *(ItemSource(f"a{n}", "x", categories=("Hair Care",)) for n in range(6)),
        *(ItemSource(f"b{n}", "y", categories=("护发",)) for n in range(4)),
        *(ItemSource(f"c{n}", "z", categories=("Tea",)) for n in range(4)),
    ]
    grown = grow(Taxonomy(), sources, SMALL, vectors=np.zeros((14, 512), dtype=np.float32), encode=encode)
    assert names(grown) == {"Hair Care", "Tea"}
    assert grown.find("护发") == topic_id("Hair Care")
    assert grown.current(topic_id("护发")) == topic_id("Hair Care")
    assert grown.by_id[topic_id("护发")].merged_into == topic_id("Hair Care")


def test_categories_that_stand_side_by_side_or_speak_to_others_are_not_merged() -> None:
    both = [ItemSource(f"a{n}", "x", categories=("Hair Care", "护发")) for n in range(6)]
    other = [ItemSource(f"c{n}", "z", categories=("Tea",)) for n in range(9)]
    grown = grow(Taxonomy(), both + other, SMALL, vectors=np.zeros((15, 512), dtype=np.float32), encode=encode)
    assert {"Hair Care", "护发"} <= names(grown)
    people = [ItemSource(f"{k}{n}", "x", categories=(k,)) for k in ("Men's ab", "Women's ab", "Tea") for n in range(5)]
    grown = grow(Taxonomy(), people, TaxonomySettings(support=3, alike=0.1), vectors=NONE, encode=encode)
    assert {"Men's ab", "Women's ab"} <= names(grown)


def test_size_is_bounded_and_the_most_frequent_come_first() -> None:
    grown = grow(Taxonomy(), shelf(a=9, b=8, c=7, d=6, e=5), TaxonomySettings(size=3, support=3))
    assert names(grown) == {"a", "b", "c"}
    again = grow(grown, shelf(d=30, e=40, f=50), TaxonomySettings(size=3, support=3))
    assert names(again) == {"a", "b", "c"}


def test_ids_stay_when_the_catalogue_grows() -> None:
    first = grow(Taxonomy(), shelf(tea=6, books=5, rare=2), SMALL)
    second = grow(first, shelf(tea=6, books=5, rare=2, toys=8), SMALL)
    assert [topic for topic in second.topics if topic.name != "toys"] == list(first.topics)
    assert names(second) == {"tea", "books", "toys"}


def clustered() -> list[ItemSource]:
    """Texts in two languages without any category."""
    teas = [f"云南绿茶 {word}" for word in ("礼盒", "散装", "新茶", "袋泡", "特级", "春茶", "明前", "罐装")]
    speakers = [f"bluetooth speaker {word}" for word in "black white red small large loud light cheap".split()]
    return [ItemSource(f"{n}/号", text) for n, text in enumerate(teas + speakers)]


def test_texts_without_categories_are_clustered_and_named_by_their_terms() -> None:
    grown = grow(Taxonomy(), clustered(), SMALL)
    assert any("绿茶" in name or "云南" in name for name in names(grown))
    assert any("bluetooth" in name or "speaker" in name for name in names(grown))
    assert grow(Taxonomy(), clustered(), SMALL) == grown
    assert grow(grown, clustered(), SMALL).active == grown.active


def test_clusters_are_named_by_whoever_is_asked() -> None:
    seen: list[Cluster] = []

    def name(clusters: Sequence[Cluster]) -> list[str]:
        seen.extend(clusters)
        return [f"主题 {one.terms[0]}" for one in clusters]

    grown = grow(Taxonomy(), clustered(), SMALL, name=name)
    assert seen
    assert all(one.titles and one.items >= 3 for one in seen)
    assert all(topic.name.startswith("主题 ") for topic in grown.active)


def test_proposals_need_support() -> None:
    grown = grow(Taxonomy(), shelf(tea=5, books=5), SMALL, proposals=Counter({"slow travel": 3, "慢旅行": 2}))
    assert "slow travel" in names(grown)
    assert "慢旅行" not in names(grown)


def test_a_taxonomy_comes_back_from_the_store(tmp_path: Path) -> None:
    store = open_store("sqlite:///z.db", tmp_path)
    grown = grow(Taxonomy(), clustered() + shelf(茶=5), SMALL)
    store.features.put_topics(grown.to_rows())
    store.features.put_topics(grown.to_rows())
    assert load_taxonomy(store.features) == grown
    store.close()


def test_merges_in_a_circle_end() -> None:
    taxonomy = grow(Taxonomy(), shelf(tea=5, books=5), TaxonomySettings(support=3))
    one, two = (topic.topic_id for topic in taxonomy.active)
    merged = taxonomy.merged(one, two)
    assert merged.current(one) == two
    assert merged.merged(two, one).current(one) in (one, two)


def test_the_real_encoder_merges_across_languages(multilingual: Encoder) -> None:
    """ "护发" is nearer to "护发素" than to "Hair Care", and must still find its translation, not its neighbour."""
    pairs = ["Green tea", "绿茶", "Black tea", "红茶", "Skin Care", "护肤", "Hair Care", "护发", "Nail Polish"]
    sources = [ItemSource(f"{n}/{name}", name, categories=(name,)) for name in pairs for n in range(4)]
    vectors = multilingual.encode([source.title for source in sources])
    grown = grow(Taxonomy(), sources, SMALL, vectors=vectors, encode=multilingual.encode)
    assert grown.find("绿茶") == grown.find("Green tea")
    assert grown.find("护肤") == grown.find("Skin Care")
    assert grown.find("护发") == grown.find("Hair Care")
    assert grown.find("红茶") not in (grown.find("Green tea"), grown.find("绿茶"))
    assert len({grown.find(name) for name in pairs}) == 6


def test_a_title_alone_is_placed_by_vectors_and_words(multilingual: Encoder) -> None:
    kinds = {
        "Green tea": "leaf tea from the hills",
        "蓝牙音箱": "无线音响 低音",
        "Nail Polish": "red lacquer for nails",
    }
    sources = [ItemSource(f"{n}/{kind}", text, categories=(kind,)) for kind, text in kinds.items() for n in range(4)]
    vectors = multilingual.encode([source.encoded for source in sources])
    grown = grow(Taxonomy(), sources, SMALL, vectors=vectors, encode=multilingual.encode)
    context = Context.of(grown, sources, SMALL, multilingual.encode)
    new = [ItemSource("a", "green tea, loose leaves"), ItemSource("b", "便携蓝牙音箱"), ItemSource("c", "")]
    hints = context.hints(new, multilingual.encode([source.title for source in new]))
    assert [grown.name(hint.choices[0]) for hint in hints[:2]] == ["Green tea", "蓝牙音箱"]
    assert [grown.name(key) for key in hints[1].matched] == ["蓝牙音箱"]
    assert not any(hint.certain for hint in hints)
    assert hints[2].choices == ()
