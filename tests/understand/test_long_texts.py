"""Long texts: pieces cover them, ways give the vectors they should, memory stays bounded, a model's answers are used or
replaced."""

from __future__ import annotations

import hashlib
import tracemalloc
from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from zhiyin.errors import LlmError, LlmTimeout
from zhiyin.llm.prompts import render
from zhiyin.ports import Answer, Encoder, NoLanguageModels, Progress, Prompt
from zhiyin.types import Floats, Job, Tier
from zhiyin.understand.long_texts import (
    LongTextSettings,
    Pooled,
    Way,
    extract,
    item_vector,
    parts_of,
    pieces,
    read_long,
    scores,
    summarise,
    vectors_of,
    width,
)
from zhiyin.understand.long_texts.cutting import sentences
from zhiyin.understand.long_texts.mapreduce import PIECE, PIECES

ENGLISH = "The engine reads item 3.14 first. It then ranks them! Does it explain? Yes; it does.\nA new line"
CHINESE = "知音是一个推荐系统。它先读取商品！然后排序？（会给出理由。）最后一行"
LONG_ENGLISH = " ".join(f"Chapter {n} tells of the river {n % 7} and of boats that sail on it." for n in range(1500))
LONG_CHINESE = "".join(f"第{n}章讲述河流与船只的故事，主角是第{n % 7}位船长。" for n in range(4500))


class HashEncoder:
    """Vectors from the text's hash; remembers how many texts it was given at once."""

    model_id = "hash"
    dimension = 16

    def __init__(self) -> None:
        self.groups: list[int] = []

    def encode(self, texts: Sequence[str], progress: Progress | None = None) -> Floats:
        self.groups.append(len(texts))
        rows = [np.frombuffer(hashlib.sha256(text.encode()).digest(), dtype=np.int8)[:16] for text in texts]
        found = np.stack(rows).astype(np.float32)
        unit: Floats = found / np.linalg.norm(found, axis=1, keepdims=True)
        return unit


def squeezed(text: str) -> str:
    return "".join(text.split())


def test_sentences_by_hand() -> None:
    assert list(sentences(ENGLISH)) == [
        "The engine reads item 3.14 first.",
        "It then ranks them!",
        "Does it explain?",
        "Yes;",
        "it does.",
        "A new line",
    ]
    assert list(sentences(CHINESE)) == [
        "知音是一个推荐系统。",
        "它先读取商品！",
        "然后排序？",
        "（会给出理由。）",
        "最后一行",
    ]
    assert list(sentences("")) == list(sentences(" \n ")) == []


@example("33。！！", 3.0)
@given(st.text(alphabet=st.sampled_from("ab c.!?;。！\n（）”'知音 3"), max_size=400), st.floats(3, 60))
def test_pieces_cover_the_text_and_keep_to_their_size(text: str, size: float) -> None:
    found = list(pieces(text, size))
    assert squeezed("".join(found)) == squeezed(text)
    assert all(piece.strip() and width(piece) <= size + 1e-6 for piece in found)
    windows = list(pieces(text, size, 0.5))
    assert all(piece.strip() and width(piece) <= size + 1e-6 for piece in windows)
    assert len(windows) >= len(found)
    assert set(squeezed(text)) == set(squeezed("".join(windows)))


@pytest.mark.parametrize("text", [LONG_ENGLISH, LONG_CHINESE])
def test_windows_overlap_in_whole_sentences(text: str) -> None:
    windows = list(pieces(text, 100, 0.5))
    for left, right in pairwise(windows):
        shared = set(sentences(left)) & set(sentences(right))
        assert shared
        assert width("".join(shared)) <= 60
    assert len(windows) > 1.5 * len(list(pieces(text, 100)))


@pytest.mark.parametrize("text", ["." * 100_000 + "a", "长" * 100_000, "a" * 100_000, "a.b" * 30_000, "。" * 100_000])
def test_odd_long_texts_are_cut_quickly(text: str) -> None:
    found = list(pieces(text, 100))
    assert squeezed("".join(found)) == text
    assert max(map(width, found)) <= 100


def test_a_short_text_stays_itself_in_every_way() -> None:
    for way in Way:
        for text in (ENGLISH.replace("\n", " "), CHINESE):
            assert squeezed("".join(parts_of(text, LongTextSettings(way=way)))) == squeezed(text)
        assert list(parts_of(" \n", LongTextSettings(way=way))) == []
        assert list(parts_of("", LongTextSettings(way=way), "Title")) == ["Title"]
        assert list(parts_of("Body.", LongTextSettings(way=way), "标题")) == ["标题. Body."]


@pytest.mark.parametrize("text", [LONG_ENGLISH, LONG_CHINESE])
def test_ways_give_as_many_vectors_as_they_should(text: str) -> None:
    encoder = HashEncoder()
    found = {way: vectors_of(text, encoder, LongTextSettings(way=way)) for way in Way}
    assert len(found[Way.BEGINNING]) == len(found[Way.SUMMARY]) == 1
    assert len(found[Way.CHUNKS]) == len(list(pieces(text, 100)))
    assert len(found[Way.WINDOWS]) > len(found[Way.CHUNKS]) > 100
    assert (found[Way.BEGINNING][0] == found[Way.CHUNKS][0]).all()
    assert max(encoder.groups) <= 64
    assert len(vectors_of(text, encoder, LongTextSettings(pieces=7))) == 7
    assert vectors_of("", encoder).shape == (0, 16)
    read = read_long(text, encoder, LongTextSettings(way=Way.SUMMARY))
    assert (read.vectors == found[Way.SUMMARY]).all()
    assert 0 < width(read.short) <= 100


@pytest.mark.parametrize(
    ("text", "way"),
    [
        (LONG_ENGLISH[:100_000], Way.CHUNKS),
        (LONG_ENGLISH[:100_000], Way.SUMMARY),
        (LONG_CHINESE[:100_000], Way.WINDOWS),
        (LONG_CHINESE[:100_000], Way.SUMMARY),
    ],
    ids=["chunks", "summary", "windows zh", "summary zh"],
)
def test_memory_does_not_grow_with_the_text(text: str, way: Way) -> None:
    """100,000 characters: beside the vectors, less than a few megabytes at any time."""
    encoder = HashEncoder()
    settings = LongTextSettings(way=way)
    read_long(text[:2000], encoder, settings)
    tracemalloc.start()
    vectors = read_long(text, encoder, settings).vectors
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(text) >= 90_000
    assert peak - vectors.nbytes < 8e6


def test_the_real_encoder_reads_a_long_text(multilingual: Encoder) -> None:
    multilingual.encode(list(pieces(LONG_CHINESE[:4000], 100)))
    tracemalloc.start()
    vectors = vectors_of(LONG_CHINESE[:100_000], multilingual)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(vectors) > 500
    assert peak < 120e6
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_a_summary_says_what_the_text_says_most() -> None:
    random = np.random.default_rng(0)
    letters = random.choice(list("aeiou bcdfg hklmn prstv"), (200, 60))
    filler = [f"{''.join(row).strip().capitalize()}." for row in letters]
    for place in (40, 90, 150):
        filler[place] = f"The lighthouse keeper repaired the lighthouse lamp in year {place} before the storm."
    assert "lighthouse" in extract(" ".join(filler), 60)
    chinese = ["".join(map(chr, random.integers(0x4E00, 0x9F00, 20))) + "。" for _ in range(200)]
    for place in (40, 90, 150):
        chinese[place] = f"灯塔看守人在第{place}年修好了灯塔的灯。"
    short = extract("".join(chinese), 60)
    assert width(short) <= 60
    assert all(sentence in "".join(chinese) for sentence in sentences(short))
    assert extract("short   text", 50) == "short text"
    assert width(extract("长" * 5000, 20)) <= 20


def test_pooling_by_hand() -> None:
    pieces = np.array([[1, 0], [0, 1], [0, 1], [-1, 0]], dtype=np.float32)
    owners = np.array([2, 0, 2, 0], dtype=np.int32)
    queries = np.array([[1, 0], [0, 1]], dtype=np.float32)
    half = 0.5**0.5
    np.testing.assert_allclose(scores(queries, pieces, owners, 3, Pooled.BEST), [[0, -1, 1], [1, -1, 1]])
    expected = [[-half, -1, half], [half, -1, half]]
    np.testing.assert_allclose(scores(queries, pieces, owners, 3, Pooled.MEAN), expected, rtol=1e-6)
    assert not item_vector(np.zeros((0, 3), dtype=np.float32)).any()
    assert not item_vector(np.array([[1, 0], [-1, 0]], dtype=np.float32)).any()
    empty = scores(queries, pieces[:0], owners[:0], 2, Pooled.BEST)
    assert (empty == -1).all()


class Models(NoLanguageModels):
    """Answers from ``reply``, which may be an error; remembers the prompts."""

    def __init__(self, reply: Any) -> None:
        self.reply = reply
        self.asked: list[Prompt] = []

    def tier(self, job: Job) -> Tier:
        return Tier.EMBEDDED

    def complete(
        self, job: Job, prompts: Sequence[Prompt], *, seconds: float | None = None, progress: Progress | None = None
    ) -> list[Answer | LlmError]:
        self.asked += prompts
        found = [self.reply(prompt) for prompt in prompts]
        return [a if isinstance(a, LlmError) else Answer(a, None, Tier.EMBEDDED, "m", False, 10, 5) for a in found]


@pytest.mark.parametrize("text", [LONG_ENGLISH[:20_000], LONG_CHINESE[:100_000]])
def test_one_question_a_piece_and_one_for_all(text: str) -> None:
    models = Models(lambda prompt: "All of it." if "reduce" in prompt.name else "A part is told.")
    found = summarise(text, 100, models, render)
    count = len(list(pieces(text, PIECE))) if width(text) <= PIECE * PIECES else None
    assert found.text == "All of it."
    assert (found.tier, found.failed) == (Tier.EMBEDDED, 0)
    assert found.calls == len(models.asked) <= PIECES + 1
    assert count is None or found.calls == count + 1
    assert found.tokens == 15 * found.calls


def test_a_failed_piece_is_extracted_and_a_dead_model_leaves_the_extract() -> None:
    models = Models(lambda p: LlmTimeout("late") if "Chapter 0 " in p.user or "reduce" in p.name else "Told.")
    found = summarise(LONG_ENGLISH, 100, models, render)
    assert found.failed == 2
    assert found.tier is Tier.EMBEDDED
    assert 0 < width(found.text) <= 100
    dead = summarise(LONG_ENGLISH, 100, Models(lambda _: LlmTimeout("late")), render)
    assert dead.tier is Tier.NONE
    assert dead.failed == dead.calls
    assert all(sentence in LONG_ENGLISH for sentence in sentences(dead.text))
    none = summarise(LONG_CHINESE, 100, NoLanguageModels(), render)
    assert (none.text, none.calls) == (extract(LONG_CHINESE, 100), 0)
    assert summarise("short  text", 100, models, render).text == "short text"


def test_a_garbled_answer_cannot_be_long() -> None:
    found = summarise(LONG_ENGLISH, 100, Models(lambda _: "word " * 5000), render)
    assert width(found.text) <= 100
    blank = summarise(LONG_ENGLISH, 100, Models(lambda _: " \n"), render)
    assert blank.tier is Tier.NONE
