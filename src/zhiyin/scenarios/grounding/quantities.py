"""Numbers with what they count or measure, however written: 1,000 ml, １升, three, 百分之五, $5, 2024年3月5日."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from dataclasses import dataclass

from zhiyin.explain.numbers import numbers
from zhiyin.scenarios.grounding.folding import HAN

Date = tuple[int, int | None, int | None]
"""Year, month, day; None where not said."""

COUNT = "count"
_UNITS: dict[str, tuple[float, str]] = {
    "ml": (1, "ml millilitre millilitres milliliter milliliters 毫升"),
    "ml.": (1000, "l litre litres liter liters 升 公升"),
    "floz": (1, "fl oz|fl. oz.|fl. oz|fl.oz.|fl.oz|floz|fluid ounce|fluid ounces|液体盎司|液盎司"),
    "oz": (1, "oz oz. ounce ounces 盎司"),
    "g": (1, "g gram grams 克"),
    "g.": (1000, "kg kilogram kilograms kilo kilos 千克 公斤"),
    "g..": (0.001, "mg milligram milligrams 毫克"),
    "g...": (500, "斤"),
    "lb": (1, "lb lbs lb. lbs. pound pounds 磅"),
    "mm": (1, "mm millimetre millimetres millimeter millimeters 毫米"),
    "mm.": (10, "cm centimetre centimetres centimeter centimeters 厘米 公分"),
    "mm..": (1000, "m metre metres meter meters 米"),
    "in": (1, "inch inches in. 英寸 寸"),
    "ft": (1, "ft feet foot 英尺"),
    "%": (1, "% percent per-cent 个百分点"),
    "$": (1, "usd dollar dollars us-dollars 美元 美金 刀"),
    "¥": (1, "yuan rmb cny 元 块 块钱 人民币"),
    "€": (1, "eur euro euros 欧元"),
    "£": (1, "gbp 英镑"),
    "s": (1, "second seconds sec secs 秒 秒钟"),
    "s.": (60, "minute minutes min mins 分钟"),
    "s..": (3600, "hour hours hr hrs 小时 个小时"),
    "day": (1, "day days 天"),
    "day.": (7, "week weeks 周 星期 个星期"),
    "month": (1, "month months 个月"),
    "year": (1, "year years yr yrs 年"),
    "w": (1, "w watt watts 瓦"),
    "v": (1, "v volt volts 伏"),
    "mah": (1, "mah 毫安"),
    "gb": (1, "gb"),
    "mb": (1, "mb"),
    "hz": (1, "hz 赫兹"),
    "°": (1, "°c ℃ °f degrees degree 度 摄氏度"),
    "star": (1, "star stars 星"),
    "×": (1, "times 倍 x"),
    "page": (1, "page pages 页"),
    "kcal": (1, "kcal calories calorie 千卡 卡路里"),
    "people": (1, "people persons person users customers 人 位"),
    COUNT: (
        1,
        "count ct ct. pcs pc piece pieces pack packs 件 件装 件套 片 片装 支 支装 只 只装 粒 粒装 个 包 包装 "
        "瓶 瓶装 盒 盒装 袋 袋装 条 把 块装 张 套 双 对",
    ),
}  # fmt: skip
_SIGNS = {"$": "$", "us$": "$", "¥": "¥", "rmb": "¥", "usd": "$", "€": "€", "£": "£"}


def _names() -> dict[str, tuple[str, float]]:
    found = {}
    for key, (factor, words) in _UNITS.items():
        for word in words.split("|" if "|" in words else None):
            found[word.replace("per-cent", "per cent").replace("us-d", "us d")] = (key.rstrip("."), factor)
    return found


UNITS = _names()
_UNIT = re.compile(
    r"\s*+-?\s*+(" + "|".join(re.escape(name) for name in sorted(UNITS, key=len, reverse=True)) + r")(?![a-z])"
)
_SIGN = re.compile(r"(us\$|[$¥€£]|\brmb|\busd)\s*$")
_SCALES = {"万": 10_000, "亿": 100_000_000, "千": 1_000, "百": 100, "k": 1000}
_MONTHS = {
    name: place
    for place, names in enumerate(
        "january jan|february feb|march mar|april apr|may|june jun|july jul|august aug|september sept sep|october oct"
        "|november nov|december dec".split("|"),
        1,
    )
    for name in names.split()
}
_MONTH = "|".join(sorted(_MONTHS, key=len, reverse=True))
_DATES = (
    re.compile(r"(?<!\d)(?P<y>\d{4})[-/.](?P<m>\d{1,2})[-/.](?P<d>\d{1,2})(?!\d)"),
    re.compile(r"(?<!\d)(?P<y>\d{4})\s*年\s*(?:(?P<m>\d{1,2})\s*月\s*(?:(?P<d>\d{1,2})\s*[日号])?)?"),
    re.compile(rf"\b(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\s+(?P<n>{_MONTH})\.?,?\s+(?P<y>\d{{4}})\b"),
    re.compile(rf"\b(?P<n>{_MONTH})\.?\s+(?:(?P<d>\d{{1,2}})(?:st|nd|rd|th)?,?\s+)?(?P<y>\d{{4}})\b"),
    re.compile(r"(?<![\d.年])(?P<m>\d{1,2})\s*月\s*(?:(?P<d>\d{1,2})\s*[日号])?"),
    re.compile(rf"\b(?P<n>{_MONTH})\.?\s+(?P<d>\d{{1,2}})(?:st|nd|rd|th)?\b(?![\d,.]*\d)"),
)
_FRACTION = re.compile(r"(?<![\d/.])(?:(\d+)\s+)?(\d+)/(\d+)(?![\d/])")
_CODE = re.compile(
    rf"(?<![^\W{HAN}])(?=[a-z0-9.-]{{0,64}}[a-z])(?=[a-z0-9.-]{{0,64}}\d)[a-z0-9]+(?:[.-][a-z0-9]+)*(?![^\W{HAN}])"
)
_MEASURE = re.compile(r"(?:\d++(?:[.,]\d++)?+[-x]?+)+([a-z.-]*)")
"""Possessive: a long number could be taken apart in too many ways."""
_BEFORE = 16
"""Characters before a number in which the sign of a currency is looked for."""


@dataclass(frozen=True)
class Quantity:
    """Characters ``start`` to ``end`` of a folded text say ``value`` of ``unit``: "" for a bare number, "date" where
    ``date`` is what they say."""

    start: int
    end: int
    value: float
    unit: str
    date: Date | None = None

    def says(self, other: Quantity) -> bool:
        """Whether this, which a source says, bears ``other`` out."""
        if other.date is not None:
            if self.date is None:
                return self.unit == "" and other.date == (self.value, None, None)
            return _within(self.date, other.date)
        if self.date is not None:
            # Of a whole date its year may be said alone.
            return other.unit in ("", "year") and other.value == self.date[0] > 0
        year = {self.unit, other.unit} <= {"", "year"} and 1800 <= self.value <= 2200
        alike = self.unit == other.unit or year or {self.unit, other.unit} <= {"", COUNT}
        return alike and math.isclose(self.value, other.value, rel_tol=1e-9)


def _within(known: Date, said: Date) -> bool:
    return all(one is None or one == have for have, one in zip(known, said, strict=True)) or (
        said[0] == 0 and known[1:] == said[1:] and known[1] is not None
    )


def quantities(text: str) -> list[Quantity]:
    """Every number, measure, price and date of ``text``, which is folded, in order."""
    found, taken = [], bytearray(len(text))

    def keep(one: Quantity) -> None:
        found.append(one)
        taken[one.start : one.end] = b"\1" * (one.end - one.start)

    for pattern in _DATES:
        for match in pattern.finditer(text):
            if not any(taken[match.start() : match.end()]) and (one := _date(match)) is not None:
                keep(Quantity(match.start(), match.end(), 0.0, "date", one))
    for start, end in codes(text):
        taken[start:end] = b"\1" * (end - start)
    for match in _FRACTION.finditer(text):
        if not any(taken[match.start() : match.end()]) and float(match[3]):
            value = float(match[1] or 0) + float(match[2]) / float(match[3])
            keep(_measured(text, match.start(), match.end(), value, False))
    for number in numbers(text):
        if not any(taken[number.start : number.end]):
            keep(_measured(text, number.start, number.end, number.value, number.percent))
    return sorted(found, key=lambda one: one.start)


def codes(text: str) -> Iterable[tuple[int, int]]:
    """Where letters and digits stand together and are no measure: B5, 2-in-1 is none, iphone15 is."""
    for match in _CODE.finditer(text):
        word = match[0]
        measure = _MEASURE.fullmatch(word)
        if measure and (measure[1].strip("-") in UNITS or measure[1] in ("st", "nd", "rd", "th", "s", "k", "-in", "x")):
            continue
        if re.fullmatch(r"\d+(?:-[a-z]+)+(?:-\d+)?|[a-z]+(?:-[a-z]+)*-\d+(?:\.\d+)?", word):
            continue  # words and numbers joined by hyphens are read one by one
        yield match.start(), match.end()


def _date(match: re.Match[str]) -> Date | None:
    told = match.groupdict()
    month = _MONTHS[told["n"]] if told.get("n") else int(told["m"]) if told.get("m") else None
    day = int(told["d"]) if told.get("d") else None
    if (month is not None and not 1 <= month <= 12) or (day is not None and not 1 <= day <= 31):
        return None
    return int(told.get("y") or 0), month, day


def _measured(text: str, start: int, end: int, value: float, percent: bool) -> Quantity:
    if percent:
        return Quantity(start, end, value, "%")
    scale = text[end : end + 1]
    scaled = scale in _SCALES and text[end : end + 2] not in ("千克", "千卡", "千米") and text[start].isdigit()
    if scaled and (scale != "k" or not text[end + 1 : end + 2].isalpha()):
        value, end = value * _SCALES[scale], end + 1
    if (sign := _SIGN.search(text, max(0, start - _BEFORE), start)) is not None:
        return Quantity(sign.start(), end, value, _SIGNS[sign[1]])
    if (unit := _UNIT.match(text, end)) is not None:
        name, factor = UNITS[unit[1]]
        return Quantity(start, unit.end(), value * factor, name)
    return Quantity(start, end, value, "")
