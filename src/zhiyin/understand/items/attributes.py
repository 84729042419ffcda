"""Attributes out of metadata and of patterns in the text: brand, maker, volume, weight, count, colour, year and so on.

What is found is kept as it is said. Metadata comes before patterns, and a pattern gives the first thing it meets.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from zhiyin.understand.items.source import ItemSource, folded
from zhiyin.understand.items.terms import STOP
from zhiyin.understand.texts import shorten

MOST = 24
"""Attributes of one item."""
CHARACTERS = 80
"""Longest value of an attribute."""
BRAND_TITLES = 4
"""Titles that must begin with a name before it is taken for a brand ..."""
BRAND_LEADS = 0.8
"""... and the share of the titles with that name in which it stands first."""
BRAND_WIDEST = 0.2
"""A word that opens more than this share of the titles is no brand, or the catalogue's only one, which says nothing."""
BRAND_CATALOGUE = 0.25
"""Where fewer of the titles begin with such a name, titles do not begin with brands here: 5 % of MovieLens-100K's do
("Star", "Bad"), 54 % of Amazon Beauty's."""
BRAND_OWN, BRAND_PART, BRAND_COMMON = 0.8, 0.2, 0.1
"""A further word belongs to a brand when this share of the titles with the word are of the brand and this share of the
brand's titles have it; a word of which the brand has less than the last share never does."""

SYNONYMS = {
    "brand": "brand manufacturer maker label marque 品牌 厂商 生产商 制造商 牌子",
    "author": "author authors writer writers 作者 著者 编者 作家",
    "director": "director directors 导演",
    "actors": "actor actors cast starring stars 主演 演员",
    "artist": "artist artists singer band composer 歌手 艺术家 艺人 演唱者 作曲",
    "publisher": "publisher 出版社 出版商 发行商",
    "year": "year release_year published release_date released 年份 出版年 上映年份 年代",
    "color": "color colour colors colours shade 颜色 色号 色系",
    "size": "size sizes dimensions 尺寸 尺码 规格 大小",
    "volume": "volume capacity 容量 净含量",
    "weight": "weight net_weight 重量 净重",
    "material": "material materials fabric ingredients 材质 材料 面料 成分",
    "count": "count quantity pack_size pieces 数量 件数",
    "country": "country origin country_of_origin 国家 产地 地区",
    "language": "language 语言",
    "format": "format binding platform 装帧 格式 平台",
}
_NAMES = {word: name for name, words in SYNONYMS.items() for word in words.split()}

_NUMBER = r"\d+(?:[.,]\d+)?"
COLOURS = (
    "black white red blue green yellow pink purple orange brown grey gray beige gold silver ivory navy turquoise "
    "violet burgundy coral nude bronze copper lavender"
).split()
_HAN_COLOURS = "黑色 白色 红色 蓝色 绿色 黄色 粉色 粉红色 紫色 橙色 棕色 灰色 米色 金色 银色 青色 藏青色 咖啡色".split()
# A name begins with a capital or is Chinese; it ends at punctuation or at a small word.
_LATIN_NAME = r"[A-ZÀ-Þ][\w.'’&-]*(?:\s+(?:[A-ZÀ-Þ][\w.'’&-]*|de|van|von|la|du|&)){0,3}"
_VOLUME = "fl\\.?\\s*-?\\s*oz|fluid\\s+ounces?|ml|millilit(?:er|re)s?|lit(?:er|re)s?|毫升|升|l(?![a-z])"
_WEIGHT = "ounces?|oz|grams?|kg|kilograms?|lbs?|pounds?|mg|千克|公斤|克|斤|g(?![a-z])"
_LENGTH = "cm|mm|m|inch(?:es)?|in|厘米|毫米|米"
_MEASURE = "inch(?:es)?|cm|mm|英寸|寸|厘米|毫米"
_PACKS = "件装|片装|支装|瓶装|件套|片|只装|粒装|盒装"


def _pattern(said: str) -> re.Pattern[str]:
    return re.compile(said, re.IGNORECASE)


_PATTERNS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("author", re.compile(r"(?:作者|著者)\s*[:：]\s*([^\s,，;；。|/]{2,30})")),
    ("author", re.compile(rf"\b(?:[Ww]ritten by|[Aa]uthor:|[Aa] novel by)\s+({_LATIN_NAME})")),
    ("director", re.compile(r"导演\s*[:：]\s*([^\s,，;；。|/]{2,30})")),
    ("director", re.compile(rf"\b(?:[Dd]irected by|[Dd]irector:)\s+({_LATIN_NAME})")),
    ("actors", re.compile(r"(?:主演|演员)\s*[:：]\s*([^\s;；。|]{2,60})")),
    ("brand", re.compile(r"(?:品牌|牌子)\s*[:：]\s*([^\s,，;；。|/]{1,30})")),
    ("brand", re.compile(rf"\b[Bb]rand:\s+({_LATIN_NAME})")),
    ("maker", re.compile(rf"\bby\s+({_LATIN_NAME})")),
    ("publisher", re.compile(r"出版社\s*[:：]\s*([^\s,，;；。|/]{2,30})")),
    ("volume", _pattern(rf"({_NUMBER}\s*-?\s*(?:{_VOLUME}))")),
    ("weight", _pattern(rf"({_NUMBER}\s*-?\s*(?:{_WEIGHT}))")),
    (
        "count",
        _pattern(rf"(\b(?:pack|set|box|case) of \d+|\d+\s*-?\s*(?:count|pack|pcs|pieces?|ct)\b|\d+\s*(?:{_PACKS}))"),
    ),
    ("size", _pattern(rf"({_NUMBER}(?:\s*[x×*]\s*{_NUMBER}){{1,2}}\s*(?:{_LENGTH})?)")),
    ("size", _pattern(rf"({_NUMBER}\s*-?\s*(?:{_MEASURE})(?![a-z]))")),
    ("year", re.compile(r"[(（]((?:19|20)\d\d)[)）]|(?<!\d)((?:19|20)\d\d)\s*年")),
    ("color", _pattern(rf"\b({'|'.join(COLOURS)})\b|({'|'.join(sorted(_HAN_COLOURS, key=len, reverse=True))})")),
)


def attributes(source: ItemSource, brands: frozenset[str] = frozenset()) -> dict[str, str]:
    """Name to value, both as text. Names are those of ``SYNONYMS``, "maker" ("by X"), or the field's own.

    ``brands`` are folded names that open many titles of the catalogue (see ``leading_names``).
    """
    found: dict[str, str] = {}
    for key, value in source.fields:
        name = attribute_name(key)
        if name not in found:
            found[name] = shorten(value, CHARACTERS)
    if (brand := leading_brand(source.title, brands)) and "brand" not in found:
        found["brand"] = brand
    for text in (source.title, source.description):
        for name, pattern in _PATTERNS:
            if name not in found and (match := pattern.search(text)):
                found[name] = shorten(" ".join(next(part for part in match.groups() if part).split()), CHARACTERS)
    if found.get("maker") and found["maker"] in (found.get("author"), found.get("director"), found.get("brand")):
        del found["maker"]
    return dict(list(found.items())[:MOST])


def attribute_name(key: str) -> str:
    """The usual name for a field called ``key``, or its own, folded."""
    name = folded(key).replace(" ", "_").replace("-", "_")
    return _NAMES.get(name, name)[:CHARACTERS]


def leading_names(titles: Sequence[str]) -> frozenset[str]:
    """Folded names of one to three words that open at least ``BRAND_TITLES`` titles and rarely stand elsewhere.

    Brands, for the most part, in catalogues whose metadata does not tell them. A name of more words stands beside or
    in place of its beginning where its last word belongs to it (see ``_grown``). None where too few titles begin so.
    """
    rows = [_title_words(title) for title in titles]
    keys = [[folded(word) for word in row] for row in rows]
    first = Counter(
        " ".join(key[:size])
        for row, key in zip(rows, keys, strict=True)
        for size in (1, 2, 3)
        if len(row) > size and (row[0][:1].isupper() or row[0][:1].isdigit())
    )
    most = max(BRAND_TITLES, BRAND_WIDEST * len(titles))
    opening = {name for name, count in first.items() if " " not in name and BRAND_TITLES <= count <= most}
    words = Counter(word for key in keys for word in set(key))
    names = {
        name
        for name in opening
        if first[name] >= BRAND_LEADS * words[name] and len(name) > 1 and not name.isdigit() and name not in STOP
    }
    found = frozenset(_grown(_grown(names, first, words, 2), first, words, 3))
    opened = sum(leading_brand(title, found) is not None for title in titles)
    return found if opened >= BRAND_CATALOGUE * len(titles) else frozenset()


def _grown(names: set[str], first: Counter[str], words: Counter[str], size: int) -> set[str]:
    """Names whose next word is part of them: nearly every title goes on with it (Burt's Bees), which replaces the
    shorter name, or it hardly occurs without the name and a good part of its titles goes on so (John Frieda)."""
    grown = set(names)
    for name, count in first.items():
        head, _, last = name.rpartition(" ")
        if name.count(" ") != size - 1 or head not in names or count < BRAND_TITLES:
            continue
        own = count >= BRAND_OWN * words[last]
        if count >= BRAND_LEADS * first[head] and count >= BRAND_COMMON * words[last]:
            grown.discard(head)
            grown.add(name)
        elif own and count >= BRAND_PART * first[head]:
            grown.add(name)
    return grown


def leading_brand(title: str, brands: frozenset[str]) -> str | None:
    """The name out of ``brands`` that opens ``title``, as written there; the longest one."""
    words = _title_words(title)
    for size in (3, 2, 1):
        name = " ".join(words[:size])
        if len(words) > size and folded(name) in brands:
            return name
    return None


def _title_words(title: str) -> list[str]:
    return [word.strip(",;:()[]®™") for word in title.split()][:12]
