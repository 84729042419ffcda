"""A second reader of generated texts, written apart from ``scenarios.grounding`` and sharing no code with it: what in a
text is neither in the source nor one of the plain words listed here? For tests and benchmarks, so that a generator is
not judged by the checker that it was made with alone.

It strikes out what the source says, longest first, then the plain words, and gives back whatever is left.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Iterable, Sequence
from functools import cache
from pathlib import Path

PLAIN_EN = frozenset(
    """a an the this that these it its is are was be been and or but if so as at by for from in into of on to with under
    about you your we our they them who what which where when why how does do did can may one here there item items
    product listed list list's lists find found look looking looks take consider considering belongs belong category
    categories brand size year count pack color colour material author director volume weight comes come name named
    called those people interested something like who for title page question answer see described details shown has
    have also all any other not more only say says said tell know read choose get give use used make made""".split()
)
PLAIN_ZH = (
    "这款商品名为 本商品名为 本商品 所属类别为 收录在 类别中 属于 归入 类别 品牌 规格 数量 年份 颜色 "
    "材质 容量 重量 作者 导演 主演 出版社 产地 语言 格式 如果想找 正在找 想找 来看看 可以看看 这一款 看看 "
    "你想找的 就在这里 喜欢 的话 它属于想看的 供关注 的顾客参考 它是什么 它属于什么 它的 是什么 什么 "
    "的 是 为 在 吗 和 与 它 这 其"
).split()
NUMBER_EN = frozenset(
    "one two three four five six seven eight nine ten eleven twelve twenty thirty forty fifty hundred thousand million "
    "half dozen double twice first second third".split()
)
PRAISE = re.compile(
    r"\b(?:best|finest|premium|perfect|ultimate|amazing|waterproof|organic|hypoallergenic|clinical\w*|dermatolog\w*|"
    r"award\w*|guarante\w*|cures?|heals?|vegan|natural|long-lasting|bestsell\w*)\b|"
    r"最佳|最好|第一|顶级|防水|纯棉|有机|天然|畅销|热销|正品|进口|治疗|美白|保湿|安全|国家级|独家"
)
_DIGITS = re.compile(r"\d+(?:[.,/]\d+)*")
_LATIN = re.compile(r"[a-zà-ÿ]+(?:['’][a-z]+)?")
_HAN = re.compile(r"[一-鿿]+")
_HAN_NUMBER = re.compile(
    r"[一二三四五六七八九十百千万两]+(?=[个件款瓶片支盒年月日天元克升米%成倍位条])|百分之[一二三四五六七八九十百]+"
)


@cache
def _chinese_of() -> dict[str, list[str]]:
    import zhiyin

    path = Path(zhiyin.__file__).parent / "scenarios" / "grounding" / "glossary.toml"
    told = tomllib.loads(path.read_text(encoding="utf-8"))["pairs"]
    return {name.casefold(): names.split("|") for name, names in told.items()}


def leftovers(text: str, source: Sequence[str], more: Iterable[str] = ()) -> list[str]:
    """What of ``text`` neither the values of ``source`` hold nor this file knows to be plain; ``more`` are further
    plain words or phrases. Empty for a text that says nothing of its own."""
    known = [_flat(value) for value in source if value.strip()]
    names = [_flat(name) for value in source for name in _chinese_of().get(value.strip().casefold(), ())]
    wide = _flat(text)
    found = [f"praise: {match[0]}" for match in PRAISE.finditer(wide) if not _in(match[0], [*known, *names])]
    numbers = {_plain_number(one) for value in known for one in _DIGITS.findall(value)}
    found += [f"number: {one}" for one in _DIGITS.findall(wide) if _plain_number(one) not in numbers]
    found += [
        f"number: {one}" for one in _HAN_NUMBER.findall(wide) if one and not _in(one, known) and one not in ("一",)
    ]
    words = {_bare(word) for value in known for word in _LATIN.findall(value)}
    plain = PLAIN_EN | {_bare(word) for phrase in more for word in _LATIN.findall(_flat(phrase))}
    for word in _LATIN.findall(wide):
        bare = _bare(word)
        if bare in words or (bare in plain and bare not in NUMBER_EN) or word in plain:
            continue
        if re.search(rf"\d{re.escape(word)}", wide) and any(re.search(rf"\d{re.escape(word)}", one) for one in known):
            continue
        found.append(f"word: {word}")
    return found + [f"characters: {run}" for run in _unknown_han(wide, known, names, more)]


def _unknown_han(wide: str, known: Sequence[str], names: Sequence[str], more: Iterable[str]) -> list[str]:
    runs = {run for one in known for run in _HAN.findall(one)}
    pieces = runs | {run[low:high] for run in runs for low, high in _spans(len(run))}
    pieces |= set(names) | set(PLAIN_ZH) | {phrase for phrase in more if _HAN.search(phrase)}
    # By length, and then by letter, so that every run strikes the same.
    ordered = sorted((piece for piece in pieces if len(piece) > 1 or piece in runs), key=lambda one: (-len(one), one))
    for piece in ordered:
        if piece in wide:
            wide = wide.replace(piece, "\n")
    return [left for run in _HAN.findall(wide) if (left := "".join(one for one in run if one not in PLAIN_ZH))]


def _spans(size: int) -> Iterable[tuple[int, int]]:
    return ((low, high) for low in range(size) for high in range(low + 2, min(size, low + 10) + 1))


def _in(piece: str, values: Sequence[str]) -> bool:
    return any(piece in value for value in values)


def _flat(text: str) -> str:
    return unicodedata.normalize("NFKC", text.replace("½", " 1/2").replace("¼", " 1/4")).lower()


def _bare(word: str) -> str:
    word = word.replace("’", "'").removesuffix("'s").replace("'", "")
    for ending in ("ies", "es", "s"):
        if len(word) > len(ending) + 2 and word.endswith(ending) and not word.endswith("ss"):
            return word[: -len(ending)]
    return word.removesuffix("y").removesuffix("e") if len(word) > 4 else word


def _plain_number(said: str) -> str:
    said = said.replace(",", "").rstrip("./")
    return said.lstrip("0") or "0"
