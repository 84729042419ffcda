"""Asking in plain words: people without a history, rules obeyed, misspelt words, and requests read by hand.

    python -m benchmarks asking [--quick] [--embedded]

MovieLens-100K. ``--embedded`` also reads the requests with the small model in this process.
"""

from __future__ import annotations

import argparse
import json
import string
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.data import Missing, load, make_project
from benchmarks.tables import figure, markdown
from zhiyin.cli.common import open_project
from zhiyin.cli.progress import make_progress
from zhiyin.config import EncoderSettings, LlmSettings
from zhiyin.errors import ZhiyinError
from zhiyin.evaluate.intervals import bootstrap, bootstrap_difference
from zhiyin.evaluate.metrics import accuracy
from zhiyin.ports import LanguageModels, NoLanguageModels
from zhiyin.prepare import Prepared
from zhiyin.preprocess.splits import Trial, random_split
from zhiyin.types import Catalogue, Floats, Ints, Tier
from zhiyin.understand.encoder import make_encoder
from zhiyin.understand.wishes.matcher import Matcher
from zhiyin.understand.wishes.parse import parse
from zhiyin.understand.wishes.rank import POPULARITY, REQUEST, prior, rank, scored
from zhiyin.understand.wishes.vocabulary import Vocabulary
from zhiyin.understand.wishes.words import is_han

SEED = 20240607
K = 10
LIKED = 3
"""Genres a person's request names."""
WEIGHTS = (0.0, 0.1, 0.3, 0.6, 0.9, 1.5, 3.0)
"""Weights of popularity beside wishes that are tried on validation."""
CHINESE = {
    "Drama": "剧情片",
    "Comedy": "喜剧片",
    "Action": "动作片",
    "Thriller": "惊悚片",
    "Romance": "爱情片",
    "Adventure": "冒险片",
    "Children's": "儿童片",
    "Crime": "犯罪片",
    "Sci-Fi": "科幻片",
    "Horror": "恐怖片",
    "War": "战争片",
    "Mystery": "悬疑片",
    "Musical": "歌舞片",
    "Documentary": "纪录片",
    "Animation": "动画片",
    "Western": "西部片",
    "Film-Noir": "黑色电影",
    "Fantasy": "奇幻片",
}
REFUSALS = {
    "en": (
        "no {0}",
        "I like {1} but no {0}",
        "{1} without {0}",
        "anything but {0}",
        "I hate {0}",
        "please never show me {0} again",
        "{1}, except {0}",
        "{1} films, not {0}",
        "stop recommending {0}",
        "I don't want {0}. More {1}.",
        "exclude {0} and give me {1}",
        "less {1}, and no {0} at all",
    ),
    "zh": (
        "不要{0}",
        "我喜欢{1}，但是不要{0}",
        "想看{1}，别推荐{0}",
        "除了{0}，什么都可以",
        "我讨厌{0}",
        "再也不想看{0}了",
        "{1}可以，{0}就算了",
        "不想看{0}",
        "别给我推{0}，多来点{1}",
        "排除{0}",
        "不喜欢{0}，喜欢{1}",
        "{1}少一点，{0}不要",
    ),
}
REQUEST_FILES = ("requests.jsonl", "requests_later.jsonl")
REQUESTS = Path(__file__).parents[1] / "tests" / "understand" / "wishes"


@dataclass(frozen=True)
class Bench:
    prepared: Prepared
    matcher: Matcher
    popularity: Floats

    @property
    def catalogue(self) -> Catalogue:
        return self.prepared.catalogue

    @property
    def vocabulary(self) -> Vocabulary:
        return self.matcher.vocabulary


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks asking", description="Requests in plain words.")
    parser.add_argument("--quick", action="store_true", help="a small slice: to see that it runs")
    parser.add_argument("--embedded", action="store_true", help="read requests with the model in this process too")
    given = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        try:
            run(given.quick, given.embedded, Path(folder))
        except Missing as absent:
            print(f"skipped: {absent.line}")


def run(quick: bool, embedded: bool, folder: Path) -> None:
    progress = make_progress(quick)
    data = load("movielens-100k", quick, folder / "slice")
    prepared, settings = make_project(data, folder / "project", quick, progress)
    with open_project(folder / "project") as project:
        frame = project.store.items(prepared.interactions.items.ids)
        said = dict(zip(frame["item_id"].to_list(), frame["attributes"].to_list(), strict=True))
        attributes = [said[key] for key in prepared.interactions.items.ids]
        vocabulary = Vocabulary.of(prepared.catalogue, attributes)
        matcher = Matcher.of(
            prepared.catalogue, vocabulary, project.store, settings.encoder, prepared.encoder, progress
        )
        counts = np.bincount(prepared.interactions.histories.items, minlength=vocabulary.n_items).astype(np.float32)
        bench = Bench(prepared, matcher, counts)
        cold_start(bench)
        obedience(bench, 100 if quick else 1000)
        misspellings(bench, 50 if quick else 500)
        readers: list[tuple[str, LanguageModels]] = [("none (rules)", NoLanguageModels())]
        if embedded:
            from zhiyin.llm.opening import open_models

            readers.append(
                ("embedded", open_models(LlmSettings(provider="embedded", answer_seconds=60), project.store))
            )
        by_hand(bench, readers)


# People without a history


def cold_start(bench: Bench) -> None:
    split = random_split(bench.prepared.interactions, seed=SEED)
    search, test = split.search(), split.strict()
    foreign = make_encoder(EncoderSettings(model="multilingual"), ["text"])
    own = make_encoder(EncoderSettings(model="english"), ["text"])
    assert foreign is not None
    assert own is not None
    labels = [", ".join([t, *c]) for t, c in zip(bench.catalogue.titles, bench.catalogue.categories, strict=True)]
    spaces = {"en": (own, own.encode(bench.catalogue.texts)), "zh": (foreign, foreign.encode(labels))}

    lines = []
    for candidate in WEIGHTS:
        score = wishing(bench, search, candidate)
        made = {w: measured(bench, search, requests_of(bench, search, w), score) for w in ("en", "zh")}
        lines.append([f"{candidate:g}", *(figure(float(np.nanmean(value))) for value in made.values())])
    usual = float(np.nanmean(measured(bench, search, [""] * len(search.users), popular(search))))
    lines.append(["popular alone", figure(usual), figure(usual)])
    print(f"\n### Weight of popularity beside wishes of weight {REQUEST:g}, NDCG@{K} on validation\n")
    print(markdown(("weight", "English", "Chinese"), lines))
    print(f"\nServed: {POPULARITY:g}. More would let popular items pass those that say what was asked.")

    nobody = measured(bench, test, [""] * len(test.users), popular(test))
    rows = [["popular", "-", *cells(nobody)]]
    gaps = []
    for language, name in (("en", "English"), ("zh", "Chinese")):
        texts = requests_of(bench, test, language)
        encoder, vectors = spaces[language]

        def content(text: str) -> Floats:
            found: Floats = vectors @ encoder.encode([text])[0]  # noqa: B023
            return found

        by_words = measured(bench, test, texts, content)
        by_wishes = measured(bench, test, texts, wishing(bench, test, 0.0))
        both = measured(bench, test, texts, wishing(bench, test, POPULARITY))
        rows += [
            ["vector of the words", name, *cells(by_words)],
            ["wishes alone", name, *cells(by_wishes)],
            [f"wishes and popularity ({POPULARITY:g})", name, *cells(both)],
        ]
        for other, values in (("popular", nobody), ("the vector of the words", by_words)):
            gap = bootstrap_difference(both, values)
            interval = f"(95 % {gap.low:+.4f} to {gap.high:+.4f})"
            gaps.append(f"{name}, wishes and popularity minus {other}: {gap.mean:+.4f} {interval}.")
    print(f"\n### People known by a few words only, {len(test.users):,} of them, test\n")
    print(markdown(("model", "request", f"NDCG@{K}"), rows))
    print(
        f"\nEach request names the {LIKED} genres that a person's training events hold more often than everybody's. No "
        "history is given; items of the person's training and validation events are left out of all lists. A fifth of "
        "each person's events, drawn at random, is the test, a tenth the validation.\n"
    )
    print("\n".join(gaps))


def requests_of(bench: Bench, trial: Trial, language: str) -> list[str]:
    """One request for each user of ``trial``, from their training events alone."""
    kinds = [kind for kind in bench.vocabulary.categories if kind in CHINESE]
    says = np.zeros((bench.vocabulary.n_items, len(kinds)))
    for place, kind in enumerate(kinds):
        says[[row for row, own in enumerate(bench.catalogue.categories) if kind in own], place] = 1
    train = trial.train.histories
    usual = says[train.items].mean(axis=0)
    texts = []
    for user in trial.users:
        mine = train.items[train.indptr[user] : train.indptr[user + 1]]
        more = says[mine].mean(axis=0) - usual if len(mine) else np.zeros(len(kinds))
        liked = [kinds[place] for place in np.argsort(-more, kind="stable")[:LIKED] if more[place] > 0]
        if language == "zh":
            texts.append("我喜欢" + "、".join(CHINESE[kind] for kind in liked))
        else:
            texts.append("I like " + ", ".join(liked[:-1]) + (" and " if len(liked) > 1 else "") + "".join(liked[-1:]))
    return texts


def wishing(bench: Bench, trial: Trial, weight: float) -> Callable[[str], Floats]:
    counts = np.bincount(trial.train.histories.items, minlength=bench.vocabulary.n_items).astype(np.float32)
    share = prior(counts)

    def score(text: str) -> Floats:
        scores, _ = scored(parse(text, bench.vocabulary).wishes, bench.matcher)
        return (scores + np.float32(weight) * share).astype(np.float32)

    return score


def popular(trial: Trial) -> Callable[[str], Floats]:
    counts = np.bincount(trial.train.histories.items, minlength=trial.train.n_items).astype(np.float32)
    return lambda text: counts


def measured(bench: Bench, trial: Trial, texts: Sequence[str], score: Callable[[str], Floats]) -> NDArray[np.float64]:
    """NDCG of each user's list, what they took before the target left out."""
    lists: Ints = np.full((len(trial.users), K), -1, dtype=np.int32)
    known: dict[str, Floats] = {}
    for place, text in enumerate(texts):
        if text not in known:
            known[text] = score(text)
        scores = known[text].copy()
        history = trial.histories
        scores[history.items[history.indptr[place] : history.indptr[place + 1]]] = -np.inf
        lists[place] = np.argsort(-scores, kind="stable")[:K]
    found: NDArray[np.float64] = accuracy(lists, trial.targets, (K,))[f"NDCG@{K}"]
    return found


def cells(values: NDArray[np.float64]) -> list[str]:
    interval = bootstrap(values, seed=SEED)
    return [figure(float(np.nanmean(values)), interval.low, interval.high)]


# Rules


def obedience(bench: Bench, times: int) -> None:
    """Lists for generated requests with an exclusion, checked against the catalogue's own categories."""
    random = np.random.default_rng(SEED)
    kinds = [kind for kind in bench.vocabulary.categories if kind in CHINESE]
    rows = []
    for language, templates in REFUSALS.items():
        broken = outside = short = shown = 0
        for _ in range(times // 2):
            out, wanted = random.choice(len(kinds), 2, replace=False)
            names = [kinds[out], kinds[wanted]]
            words = [CHINESE[name] for name in names] if language == "zh" else [name.lower() for name in names]
            asked = parse(templates[random.integers(len(templates))].format(*words), bench.vocabulary)
            base = random.normal(size=bench.vocabulary.n_items).astype(np.float32) if random.random() < 0.5 else None
            ranked = rank(asked.wishes, bench.matcher, K, base=base, popularity=bench.popularity)
            shown += len(ranked.rows)
            short += len(ranked.rows) < K
            outside += sum(not 0 <= row < len(bench.catalogue.titles) for row in ranked.rows.tolist())
            broken += any(names[0] in bench.catalogue.categories[row] for row in ranked.rows)
        name = "English" if language == "en" else "Chinese"
        rows.append([name, str(times // 2), str(broken), f"{shown:,}", f"{outside / max(shown, 1):.0%}", str(short)])
    print("\n### Exclusions obeyed\n")
    header = (
        "language",
        "requests",
        "lists with an excluded item",
        "items shown",
        "out of the catalogue",
        "short lists",
    )
    print(markdown(header, rows))


# Misspelt words


def misspellings(bench: Bench, times: int) -> None:
    random = np.random.default_rng(SEED)
    english = [name for name in CHINESE if name in bench.vocabulary.categories]
    rows = []
    for edits in (1, 2):
        right = wrong = 0
        for _ in range(times):
            name = english[random.integers(len(english))]
            said = parse(f"more {misspelt(name.lower(), edits, random)} movies", bench.vocabulary).wishes
            right += [wish.text for wish in said if wish.field == "category"] == [name]
            wrong += any(wish.field == "category" and wish.text != name for wish in said)
        rows.append(["English", f"{edits} in a name", f"{right / times:.1%}", f"{wrong / times:.1%}"])
    right = wrong = 0
    signs = "".join(
        sorted({sign for line in bench.vocabulary.lexicon.names for name in line for sign in name if is_han(sign)})
    )
    for _ in range(times):
        name = english[random.integers(len(english))]
        word = list(CHINESE[name])
        word[random.integers(len(word) - 1)] = signs[random.integers(len(signs))]
        said = parse(f"多来点{''.join(word)}", bench.vocabulary).wishes
        right += [wish.text for wish in said if wish.field == "category"] == [name]
        wrong += any(wish.field == "category" and wish.text != name for wish in said)
    rows.append(["Chinese", "1 character of a name", f"{right / times:.1%}", f"{wrong / times:.1%}"])
    print("\n### Misspelt names of genres\n")
    print(markdown(("language", "typos", "read as meant", "read as another genre"), rows))
    print(
        "\nTypos are letters swapped, left out, put in or replaced, anywhere in the name, drawn at random; a wrong "
        "Chinese character is drawn from those of the lexicon. What is read as neither stays a phrase."
    )


def misspelt(word: str, edits: int, random: np.random.Generator) -> str:
    letters = list(word)
    for _ in range(edits):
        at = int(random.integers(len(letters) - 1))
        letter = string.ascii_lowercase[random.integers(26)]
        kind = random.integers(4)
        if kind == 0:
            letters[at], letters[at + 1] = letters[at + 1], letters[at]
        elif kind == 1 and len(letters) > 3:
            del letters[at]
        elif kind == 2:
            letters.insert(at, letter)
        else:
            letters[at] = letter
    return "".join(letters)


# Requests by hand


def by_hand(bench: Bench, readers: Sequence[tuple[str, LanguageModels]]) -> None:
    rows = []
    for name, models in readers:
        for file in REQUEST_FILES:
            cases = [json.loads(line) for line in (REQUESTS / file).read_text(encoding="utf-8").splitlines()]
            right = kept = took_part = 0
            for case in cases:
                try:
                    asked = parse(case["text"], bench.vocabulary, models)
                except ZhiyinError as failed:
                    raise SystemExit(failed.line) from failed
                made = sorted([wish.text, wish.weight, wish.hard, wish.field] for wish in asked.wishes)
                right += made == sorted(case["wishes"]) and asked.k == case.get("k")
                kept += all(wish in made for wish in case["wishes"])
                took_part += asked.tier is not Tier.NONE
            share = f"{right} of {len(cases)} ({right / len(cases):.0%})"
            rows.append([name, file.removesuffix(".jsonl"), share, f"{kept} of {len(cases)}", str(took_part)])
    print("\n### Requests by hand, exactly the wishes written down\n")
    print(markdown(("tier", "set", "exact", "every expected wish there", "model took part"), rows))


if __name__ == "__main__":
    main()
