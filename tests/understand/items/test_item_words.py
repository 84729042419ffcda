"""Language, sentences, attributes and audience: what rules find in one item, in English and Chinese."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from zhiyin.understand.items.attributes import attributes, leading_brand, leading_names
from zhiyin.understand.items.audience import NAMES, audiences, known_audience
from zhiyin.understand.items.language import common_latin, language
from zhiyin.understand.items.sentences import CHARACTERS, closest_to_centre, sentences
from zhiyin.understand.items.source import item_source
from zhiyin.understand.items.terms import TermCounts, terms


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("The tea is from the hills and it is not for children", "en"),
        ("这款绿茶产自云南，口感清香", "zh"),
        ("iPhone 15 手机壳 防摔透明款", "zh"),
        ("日本のお茶は世界で人気があります", "ja"),
        ("한국에서 온 녹차", "ko"),
        ("Der Tee ist nicht für Kinder und kommt aus dem Norden", "de"),
        ("Le thé est pour les enfants et pour vous", "fr"),
        ("Зелёный чай", "ru"),
        ("OPI E71 Polka.com", ""),
        ("12 345", ""),
        ("", ""),
    ],
)
def test_language_by_script_and_function_words(text: str, code: str) -> None:
    assert language(text) == code


def test_a_short_latin_title_takes_the_language_of_the_catalogue() -> None:
    texts = ["The tea of the house", "A pot for the tea and you", "OPI Red"]
    assert common_latin(texts) == "en"
    assert language("OPI Red", common_latin(texts)) == "en"
    assert language("绿茶", "en") == "zh"
    assert common_latin(["The tea of the house", "Der Tee ist für den Mann"]) == ""
    assert common_latin([]) == ""


def test_english_sentences_keep_abbreviations_and_decimals() -> None:
    text = "Dr. Smith made 3.5 fl. oz. of it. It works! Does it? Yes."
    assert sentences(text) == ["Dr. Smith made 3.5 fl. oz. of it.", "It works!", "Does it?", "Yes."]


def test_chinese_sentences_need_no_spaces() -> None:
    said = ["产自云南。", "口感清香！", "适合送礼吗？", "“适合。”", "他说"]
    assert sentences("".join(said)) == said


def test_the_sentence_closest_to_the_centre() -> None:
    english = ["Green tea from green hills.", "Shipping takes two days.", "The green tea tastes of the hills."]
    assert closest_to_centre(english) in (english[0], english[2])
    chinese = ["这款绿茶清香。", "三天内发货。", "绿茶来自高山，绿茶清香。"]
    assert closest_to_centre(chinese) in (chinese[0], chinese[2])
    vectors = np.array([[1, 0], [0, 1], [0.1, 1]], dtype=np.float32)
    assert closest_to_centre(["a", "b", "c"], vectors) == "c"
    assert closest_to_centre([]) == ""
    assert len(closest_to_centre(["x" * 1000])) <= CHARACTERS


@given(st.text(max_size=300))
def test_sentences_lose_no_letter(text: str) -> None:
    kept = "".join("".join(sentences(text)).split())
    assert sum(map(str.isalnum, kept)) == sum(map(str.isalnum, text)) or len(sentences(text)) == 24


@pytest.mark.parametrize(
    ("title", "fields", "name", "value"),
    [
        ("OPI Nail Lacquer, 0.5-Fluid Ounce", "{}", "volume", "0.5-Fluid Ounce"),
        ("Shampoo 22.5 Ounce (Pack of 3)", "{}", "count", "Pack of 3"),
        ("洗发水 500毫升 2瓶装", "{}", "volume", "500毫升"),
        ("洗发水 500毫升 2瓶装", "{}", "count", "2瓶装"),
        ("面膜 10片 白色", "{}", "color", "白色"),
        ("Zeno Device, White", "{}", "color", "White"),
        ("Toy Story (1995)", "{}", "year", "1995"),
        ("流浪地球 2019年", "{}", "year", "2019"),
        ("《三体》 作者：刘慈欣", "{}", "author", "刘慈欣"),
        ("导演: 郭帆 主演: 吴京", "{}", "director", "郭帆"),
        ("Angel by Thierry Mugler for Women", "{}", "maker", "Thierry Mugler"),
        ("a novel by Ursula K. Le Guin, 1969", "{}", "author", "Ursula K. Le Guin"),
        ("Pillow 50 x 70 cm", "{}", "size", "50 x 70 cm"),
        ("Tea", '{"品牌": "立顿"}', "brand", "立顿"),
        ("Tea", '{"Manufacturer": "Lipton", "colour": ["green", "black"]}', "color", "green, black"),
        ("Tea", '{"details": {"net weight": 250.0}}', "details.net_weight", "250"),
    ],
)
def test_attributes(title: str, fields: str, name: str, value: str) -> None:
    assert attributes(item_source("i", title, attributes=fields))[name] == value


@pytest.mark.parametrize("fields", ["", "[]", "not json", '{"a": null}', '{"": "x"}', '{"a": {"b": {}}}', "3"])
def test_bad_metadata_is_none(fields: str) -> None:
    assert item_source("茶/1 号", "Tea", attributes=fields).fields == ()


@given(
    st.text(max_size=80), st.text(max_size=80), st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=5)
)
def test_any_item_can_be_read(title: str, description: str, fields: dict[str, str]) -> None:
    import json

    source = item_source("x", title, description, [title], json.dumps(fields))
    found = attributes(source)
    assert all(name and value and len(value) <= 80 for name, value in found.items())
    assert set(audiences(source.whole)) <= set(NAMES)


def test_brands_are_names_that_open_titles() -> None:
    titles = [
        *(f"Burt's Bees {thing} x" for thing in "balm soap lotion cream shampoo".split()),
        *(f"OPI {colour} lacquer" for colour in ("Red", "Blue", "Green", "Black", "Gold")),
        *(f"John Frieda {thing} x" for thing in "balm soap lotion cream shampoo".split()),
        *(f"John Masters {thing} x" for thing in "balm soap lotion cream shampoo".split()),
        "Red lipstick by OPI",
        *(f"{word} Red pen" for word in ("A", "My", "Your", "Old", "Thin")),
        *(f"Red pen {n}" for n in range(5)),
        *(f"Thing{n} and more" for n in range(40)),
    ]
    brands = leading_names(titles)
    assert brands == {"burt's bees", "opi", "john", "john frieda", "john masters"}
    assert leading_brand("OPI Something Else", brands) == "OPI"
    assert leading_brand("Something by OPI", brands) is None
    assert leading_names([]) == frozenset()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Shaving cream for men", ["men"]),
        ("Women's perfume", ["women"]),
        ("适合婴儿和孕妇", ["babies", "parents"]),
        ("儿童绘本", ["children"]),
        ("猫粮 成年猫", ["pet owners"]),
        ("Mental arithmetic", []),
        ("女巫的故事", []),
        ("", []),
    ],
)
def test_audience_by_cue_words(text: str, found: list[str]) -> None:
    assert audiences(text) == found


def test_audience_names_in_both_languages() -> None:
    assert known_audience("女性") == known_audience(" Women ") == "women"
    assert known_audience("robots") is None


def test_terms_of_chinese_need_no_spaces() -> None:
    assert {"绿茶", "云南", "云南绿茶"} <= terms("云南绿茶")
    assert {"green", "tea", "green tea"} <= terms("Green tea, the best")
    assert "tea the" not in terms("Green tea, the best")


def test_distinctive_terms_speak_of_some_texts_and_not_of_others() -> None:
    texts = ["云南绿茶 新茶", "云南绿茶 礼盒", "云南绿茶 散装", "蓝牙音箱 黑色", "蓝牙音箱 白色", "蓝牙耳机 新款"]
    counts = TermCounts(texts)
    assert "绿茶" in counts.distinctive([0, 1, 2], 3)[0]
    assert "蓝牙" in counts.distinctive([3, 4, 5], 3)[0]
    vectors = counts.vectors(8, seed=0)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1)
    assert vectors[0] @ vectors[1] > 0.5 > abs(vectors[0] @ vectors[3])
