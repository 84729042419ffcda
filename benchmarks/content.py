"""The content scenario: topics against classes, rising topics, summaries, headlines, time.

    .venv/bin/python -m benchmarks content
    .venv/bin/python -m benchmarks.content --documents DIR --cache DIR    # keep packages and vectors there
    .venv/bin/python -m benchmarks.content --tune                         # the tables that defaults were chosen by

Needs the data folder ``shared/data`` beside the repository for headlines; documents are those of ``long_texts``. Parts
whose data are not here are skipped with a line. Headlines: 2,000 are the validation part, figures are for the other
8,000. Documents: every second one is validation. References of summaries are the documents' own headings, which are
taken out of the text.
"""

from __future__ import annotations

import argparse
import re
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
from numpy.typing import NDArray

from benchmarks.data import SHARED
from benchmarks.long_texts import LEAST, MOST, PACKAGES, fetch, groups, sections
from benchmarks.tables import markdown
from benchmarks.zh_topics import HEADLINES, SPLIT_SEED, VALIDATION, read
from zhiyin.config import EncoderSettings
from zhiyin.ports import Silent
from zhiyin.scenarios.content.topics import TopicsSettings, WindowSettings
from zhiyin.scenarios.content.topics.activity import active_of
from zhiyin.scenarios.content.topics.grouping import groups_of
from zhiyin.scenarios.content.topics.rising import rising, spread_of
from zhiyin.scenarios.content.writing import article as articles
from zhiyin.scenarios.content.writing.article import Article
from zhiyin.scenarios.content.writing.audience import NOBODY
from zhiyin.scenarios.content.writing.effects import learn
from zhiyin.scenarios.content.writing.headlines import held
from zhiyin.scenarios.content.writing.making import make
from zhiyin.store import open_store
from zhiyin.types import Floats
from zhiyin.understand.cache import encode_catalogue
from zhiyin.understand.encoder import make_encoder
from zhiyin.understand.fusion import Fusion
from zhiyin.understand.items.terms import grams
from zhiyin.understand.long_texts import extract

Values = NDArray[np.float64]
SEEDS = range(5)
TOPICS, DAYS = 40, 35
RUNS = 200


@dataclass(frozen=True)
class Document:
    title: str
    headings: str
    text: str


def headlines(cache: Path, tune: bool, quick: bool) -> tuple[Floats, NDArray[np.int32]]:
    """Centred vectors of headlines, and their classes."""
    texts, classes = read()
    order = np.random.default_rng(SPLIT_SEED).permutation(len(texts))
    held_out = np.sort(order[:VALIDATION] if tune else order[VALIDATION : VALIDATION + 600 if quick else None])
    store = open_store("sqlite:///vectors.db", cache)
    try:
        encoder = make_encoder(EncoderSettings(model="multilingual"), texts, Silent())
        assert encoder is not None
        vectors = encode_catalogue([texts[row] for row in held_out], encoder, store, Silent())
    finally:
        store.close()
    return Fusion([vectors])([vectors]), classes[held_out]


def purity(groups: NDArray[np.int32], classes: NDArray[np.int32]) -> float:
    """Share of the grouped whose class is the commonest of their group."""
    inside = groups >= 0
    best = sum(np.bincount(classes[groups == one]).max() for one in np.unique(groups[inside]))
    return float(best / max(1, inside.sum()))


def topics_table(cache: Path, tune: bool, quick: bool) -> None:
    from sklearn.cluster import KMeans
    from sklearn.metrics import normalized_mutual_info_score

    vectors, classes = headlines(cache, tune, quick)

    def row(name: str, found: Sequence[NDArray[np.int32]], seconds: float) -> list[str]:
        told = []
        for groups_ in found:
            inside = groups_ >= 0
            mutual = normalized_mutual_info_score(classes[inside], groups_[inside])
            told.append((len(np.unique(groups_[inside])), inside.mean(), purity(groups_, classes), mutual))
        count, share, pure, mutual = np.mean(told, axis=0)
        return [name, f"{count:.0f}", f"{share:.1%}", f"{pure:.3f}", f"{mutual:.3f}", f"{seconds:.1f}"]

    rows = []
    grid = [(10, 4.0), (20, 1.0), (20, 2.0), (20, 4.0), (20, 8.0)] if tune else [(20, 1.0), (20, 4.0), (20, 12.0)]
    for neighbours, resolution in grid:
        began = time.perf_counter()
        found = [
            groups_of(vectors, TopicsSettings(neighbours=neighbours, resolution=resolution, seed=seed))
            for seed in SEEDS
        ]
        took = (time.perf_counter() - began) / len(found)
        mark = " (the default)" if (neighbours, resolution) == (20, 4.0) else ""
        rows.append(row(f"topics, {neighbours} neighbours, resolution {resolution:g}{mark}", found, took))
        count = round(np.mean([one.max() + 1 for one in found]))
        began = time.perf_counter()
        found = [
            KMeans(count, n_init=1, max_iter=100, random_state=seed).fit_predict(vectors).astype(np.int32)
            for seed in SEEDS
        ]
        rows.append(row(f"k-means, k = {count}", found, (time.perf_counter() - began) / len(found)))
    part = "validation" if tune else "test"
    print(
        f"Topics of {len(classes):,} headlines ({part}), 10 classes, vectors of `multilingual`, {len(SEEDS)} seeds:\n"
    )
    print(markdown(["method", "groups", "placed", "purity", "NMI", "seconds"], rows))


def simulated(random: np.random.Generator, growth: float, rising_topics: int, bursts: float) -> pl.DataFrame:
    """Events of 600 people with tastes of their own over ``DAYS`` days; of the last 7, ``rising_topics`` topics are
    ``growth`` times as likely. With the chance ``bursts`` a topic has a day on which it is three times as likely."""
    people = random.dirichlet(np.full(TOPICS, 0.3), 600)
    busy = np.where(random.random((DAYS, TOPICS)) < bursts, 3.0, 1.0)
    busy[:7, :rising_topics] *= growth
    parts = []
    for day in range(DAYS):
        active = np.flatnonzero(random.random(600) < 0.3)
        took = np.repeat(active, random.integers(1, 5, len(active)))
        chance = people[took] * busy[day]
        bounds = (chance / chance.sum(axis=1, keepdims=True)).cumsum(axis=1)
        topic = np.minimum((random.random(len(took))[:, None] > bounds).sum(axis=1), TOPICS - 1)
        parts.append(np.stack([took, topic, np.full(len(took), day)]))
    user, item, days = np.concatenate(parts, axis=1)
    return pl.DataFrame({"user_id": user.astype(str), "item_id": item.astype(str), "day": days})


def rising_table(quick: bool) -> None:
    window = WindowSettings()
    places = {str(topic): topic for topic in range(TOPICS)}
    rows = []
    for name, growth, planted, bursts, shuffled in (
        ("nothing rises, times shuffled", 2.0, 3, 0.0, True),
        ("nothing rises", 1.0, 0, 0.0, False),
        ("nothing rises, busy days", 1.0, 0, 0.03, False),
        ("3 topics x 1.3", 1.3, 3, 0.0, False),
        ("3 topics x 1.5", 1.5, 3, 0.0, False),
        ("3 topics x 2", 2.0, 3, 0.0, False),
        ("3 topics x 2, busy days", 2.0, 3, 0.03, False),
    ):
        runs = 10 if quick else RUNS
        told: dict[str, list[tuple[bool, float, float]]] = {"with": [], "without": []}
        for run in range(runs):
            random = np.random.default_rng([run, 5])
            events = simulated(random, growth, planted, bursts)
            if shuffled:
                events = events.with_columns(pl.Series("day", random.permutation(events["day"].to_numpy())))
            own = active_of(events, places, TOPICS, window)
            found = rising(own.late, own.before, own.active_late, own.active_before, window.prior)
            plain = _without_spread(own.late, own.before, own.active_late, own.active_before)
            wanted = np.zeros(TOPICS, dtype=bool)
            wanted[: 0 if shuffled else planted] = growth > 1
            for key, q in (("with", found.q), ("without", plain)):
                up = (q <= window.alarms) & (found.low > 1)
                false = (up & ~wanted).sum() / max(1, up.sum())
                told[key].append(
                    (bool((up & ~wanted).any()), float(false), float((up & wanted).sum() / max(1, wanted.sum())))
                )
        cells = []
        for key in ("with", "without"):
            any_, false, recall = np.mean(np.array(told[key], dtype=np.float64), axis=0)
            cells += [f"{any_:.1%}", f"{false:.1%}", f"{recall:.0%}" if planted and not shuffled else "-"]
        rows.append([name, *cells])
    print(f"\nRising topics, {TOPICS} topics, 600 people, {runs} runs each; at most 10 % false alarms asked for:\n")
    head = [
        "log",
        "any false alarm",
        "false alarms",
        "found",
        "any false alarm, spread left out",
        "false alarms",
        "found",
    ]
    print(markdown(head, rows))


def _without_spread(late: Values, before: Values, active_late: float, active: Values) -> Values:
    """The q-values that come out where counts are taken for independent."""
    from zhiyin.scenarios.content.topics.rising import benjamini_hochberg, upper_tail

    assert spread_of(before, active).min() >= 1
    share = active_late / (active_late + float(active.sum()))
    return benjamini_hochberg(upper_tail(late, late + before.sum(axis=1), share))


def real_times(quick: bool) -> None:
    """MovieLens latest-small: the first genre of a film as its topic, windows of 30 against 120 days at random ends."""
    folder = SHARED / "ml_latest_small"
    if not folder.is_dir():
        print("\nMovieLens latest-small is not here: skipped")
        return
    ratings = pl.read_csv(folder / "ratings.csv")
    movies = pl.read_csv(folder / "movies.csv")
    genre = {
        key: (told or "").split("|")[0]
        for key, told in zip(movies["movieId"].to_list(), movies["genres"].to_list(), strict=True)
    }
    names = sorted(set(genre.values()))
    places = {str(key): names.index(one) for key, one in genre.items()}
    days = ratings["timestamp"].to_numpy() // 86_400
    window = WindowSettings(days=30, before=120)
    alarms, runs = [], 20 if quick else 100
    for run in range(runs):
        random = np.random.default_rng([run, 6])
        shuffled = random.permutation(days)
        end = int(np.quantile(days, random.uniform(0.2, 1.0)))
        frame = pl.DataFrame(
            {
                "user_id": ratings["userId"].cast(pl.String),
                "item_id": ratings["movieId"].cast(pl.String),
                "day": end - shuffled,
            }
        )
        frame = frame.filter((pl.col("day") >= 0) & (pl.col("day") < 150))
        own = active_of(frame, places, len(names), window)
        found = rising(own.late, own.before, own.active_late, own.active_before, window.prior)
        alarms.append(bool(((found.q <= window.alarms) & (found.low > 1)).any()))
    print(f"\nMovieLens latest-small, genres, times shuffled: any alarm in {np.mean(alarms):.1%} of {runs} windows.")


def documents(folder: Path, language: str) -> list[Document]:
    """Pages of documentation with three headings and more, which are taken out; in an order drawn by seed."""
    found: dict[str, Document] = {}
    for package in (package for package in PACKAGES if package.language == language):
        for path in sorted((folder / package.name).glob(package.pages)):
            for group in groups(list(sections(path.read_text(encoding="utf-8", errors="replace"))), MOST[language]):
                heads = [heading for _, heading, _ in group[1:] if heading]
                keys = {_letters(head) for head in (*heads, group[0][1] if group else "")} - {""}
                blocks = [block for _, _, blocks in group for block in blocks]
                # A table of contents would give the reference away.
                blocks = [
                    one for one in blocks if _letters(one) not in keys and sum(key in _letters(one) for key in keys) < 3
                ]
                text = "\n".join(blocks)
                spoken = language == "English" or len(re.findall("[\u4e00-\u9fff]", text)) >= 0.25 * len(text)
                if LEAST[language] <= len(text) <= MOST[language] and len(heads) >= 3 and spoken:
                    found.setdefault(text, Document(group[0][1], " ".join(heads), text))
    told = list(found.values())
    rows = np.random.default_rng(0).permutation(len(told))[:120]
    return [told[row] for row in rows]


def _letters(text: str) -> str:
    return re.sub(r"[\W\d_]+", "", text).casefold()


def overlap(summary: str, reference: str) -> tuple[float, float]:
    """Recall and precision of words (pairs of Chinese characters), as ROUGE-1 counts them (Lin 2004)."""
    said, wanted = Counter(grams(summary)), Counter(grams(reference))
    both = sum((said & wanted).values())
    return both / max(1, sum(wanted.values())), both / max(1, sum(said.values()))


def summaries_table(folder: Path, tune: bool, quick: bool) -> None:
    rows = []
    for language in ("Chinese", "English"):
        every = documents(folder, language)[0 if tune else 1 :: 2]
        every = every[:10] if quick else every
        told: dict[str, list[tuple[float, float]]] = {}
        for one in every:
            article = Article.of(one.text, one.title)
            good = [place for place, width in enumerate(article.widths) if width >= 4]
            room = max(float(article.widths[good[:3]].sum()), 60.0)
            first, used = [], 0.0
            for place in good:
                used += float(article.widths[place])
                if used > room:
                    break
                first.append(article.sentences[place].text)
            own = [article.sentences[place].text for place in article.chosen(99, room)]
            told.setdefault("first sentences (lead-3)", []).append(overlap(" ".join(first), one.headings))
            told.setdefault("frequent words (`long_texts.extract`)", []).append(
                overlap(extract(one.text, room), one.headings)
            )
            told.setdefault("**summary of `zhiyin write`**", []).append(overlap(" ".join(own), one.headings))
        for name, values in told.items():
            recall, precision = np.mean(values, axis=0)
            spread = np.std([value[0] for value in values]) / np.sqrt(len(values))
            rows.append([language, str(len(every)), name, f"{recall:.3f} ± {spread:.3f}", f"{precision:.3f}"])
    part = "validation" if tune else "test"
    print(f"\nSummaries of documents ({part}) as long as their first three sentences, held against their headings:\n")
    print(markdown(["language", "documents", "summary", "recall", "precision"], rows))


def tuning_summaries(folder: Path) -> None:
    rows = []
    for early in (0.0, 0.3, 0.5):
        for relevance in (0.4, 0.6, 0.8):
            articles.EARLY, articles.RELEVANCE = early, relevance
            cells = []
            for language in ("Chinese", "English"):
                values = []
                for one in documents(folder, language)[::2]:
                    article = Article.of(one.text, one.title)
                    good = [place for place, width in enumerate(article.widths) if width >= 4]
                    room = max(float(article.widths[good[:3]].sum()), 60.0)
                    own = [article.sentences[place].text for place in article.chosen(99, room)]
                    values.append(overlap(" ".join(own), one.headings)[0])
                cells.append(f"{np.mean(values):.3f}")
            rows.append([f"{early:g}", f"{relevance:g}", *cells])
    print("\nWhere the worth of a sentence comes from (validation, recall):\n")
    print(markdown(["early", "relevance", "Chinese", "English"], rows))


def writing_table(folder: Path, quick: bool) -> None:
    rows = []
    for language in ("Chinese", "English"):
        every = documents(folder, language)
        every = every[:5] if quick else every
        walls, cpus, said, away, sizes = [], [], 0, 0, []
        for one in every:
            text = one.text[:4000]
            began, cpu = time.perf_counter(), time.process_time()
            article = Article.of(text, one.title)
            made = make(article, NOBODY)
            walls.append(time.perf_counter() - began)
            cpus.append(time.process_time() - cpu)
            sizes.append(len(text))
            plain = " ".join(text.split())
            for place in made.summary_of:
                said, away = said + 1, away + (article.sentences[place].text not in plain)
            for part in made.outline:
                said, away = said + len(part.points), away + sum(point not in plain for point in part.points)
            for headline in made.headlines:
                if headline.sentences:
                    said += 1
                    away += not held(headline.text, article.sentences[headline.sentences[0]].text)
        cells = [f"{1000 * np.quantile(values, at):.0f}" for values in (walls, cpus) for at in (0.5, 0.95)]
        rows.append([language, str(len(every)), f"{np.median(sizes):,.0f}", f"{away} of {said:,}", *cells])
    print("\nA draft by templates: outline, draft, headlines, summary and tags; milliseconds of one:\n")
    head = [
        "language",
        "documents",
        "characters",
        "sentences not in the source",
        "median",
        "95 %",
        "processor, median",
        "95 %",
    ]
    print(markdown(head, rows))


def effects_table(quick: bool) -> None:
    """Lists of 10 titles; a title with a number is opened ``ratio`` times as often as others in the same place."""
    runs, rows = 5 if quick else 60, []
    for ratio in (1.0, 1.2, 1.5):
        sure = np.zeros(2)
        for run in range(runs):
            random = np.random.default_rng([run, 8])
            number, question = random.random(400) < 0.4, random.random(400) < 0.3
            titles = {
                str(at): f"title{' 7' if number[at] else ''} words of it{'?' if question[at] else ''}"
                for at in range(400)
            }
            lists = [random.choice(400, 10, replace=False) for _ in range(2000)]
            item, place = np.concatenate(lists), np.tile(np.arange(1, 11), 2000)
            person = np.repeat(random.integers(0, 400, 2000), 10)
            chance = 0.12 / np.log2(1 + place) * np.where(number[item], ratio, 1.0)
            frame = pl.DataFrame(
                {
                    "user_id": person.astype(str),
                    "item_id": item.astype(str),
                    "position": place,
                    "reward": (random.random(len(item)) < chance) * 1.0,
                }
            )
            told = {one.trait: one.sure for one in learn(frame, titles, seed=run).effects}
            sure += [told.get("number", False), any(value for trait, value in told.items() if trait != "number")]
        rows.append([f"{ratio:g}", f"{sure[0] / runs:.0%}", f"{sure[1] / runs:.0%}"])
    print(f"\nTraits of headlines, 20,000 titles shown to 400 people, {runs} runs:\n")
    print(markdown(["ratio of the trait", "called sure", "another called sure"], rows))


def main() -> int:
    parser = argparse.ArgumentParser(prog="benchmarks.content", description="The content scenario.")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--tune", action="store_true", help="validation parts")
    parser.add_argument("--cache", type=Path, help="folder of vectors to keep")
    parser.add_argument("--documents", type=Path, help="folder of packages to keep")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        cache, folder = given.cache or Path(scratch) / "vectors", given.documents or Path(scratch) / "documents"
        for one in (cache, folder):
            one.mkdir(parents=True, exist_ok=True)
        if HEADLINES.is_dir():
            topics_table(cache, given.tune, given.quick)
        else:
            print(f"{HEADLINES} is not here: topics are skipped")
        if not given.tune:
            rising_table(given.quick)
            real_times(given.quick)
            effects_table(given.quick)
        if (why := fetch(folder)) is not None:
            print(f"\ndocuments are skipped: {why}")
            return 0
        if given.tune:
            tuning_summaries(folder)
        else:
            summaries_table(folder, given.tune, given.quick)
            writing_table(folder, given.quick)
    return 0


if __name__ == "__main__":
    sys.exit(main())
