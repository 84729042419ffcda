"""Moderation of Chinese and English comments: how often it is right, how surely, how fast, and what fools it.

    python -m benchmarks moderation [--quick] [--train FOLDER]

COLD (Deng et al. 2022, "COLD: A Benchmark for Chinese Offensive Language Detection", EMNLP): the shipped classifier
learned from its training part; settings were chosen by holding out folds of that part, and the dev part is looked at
here. Intervals are of 95 %, by bootstrap over texts. ``--train`` trains the classifier anew before, with the
transformers that ``python -m benchmarks.moderation_transformer FOLDER`` taught. Needs the folder ``shared/data`` beside
the repository.

``moderation_reread.csv`` names rows of the training part and the label that a second reader gave them, a large language
model that saw the beginning of each text without its label and went by the definition of the paper: whoever reports
contempt, asks about it or speaks up against it does not offend.
"""

from __future__ import annotations

import argparse
import copy
import csv
import tempfile
import time
import tomllib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load_file

from benchmarks.data import SHARED, Missing
from benchmarks.tables import figure, markdown
from zhiyin.cli.progress import make_progress
from zhiyin.evaluate.reliability import expected_calibration_error, reliability
from zhiyin.scenarios.community.moderation import Action, Moderator, load_policies
from zhiyin.scenarios.community.moderation.classifier.model import SHIPPED, Classifier, masked, open_classifier
from zhiyin.scenarios.community.moderation.classifier.second import learn_second
from zhiyin.scenarios.community.moderation.classifier.training import _grams, train_classifier
from zhiyin.scenarios.community.moderation.view import views

PROBES = Path(__file__).parent / "moderation_probes.toml"
REREAD = Path(__file__).parent / "moderation_reread.csv"
PARTS = 10
DRAWS, SEED = 1000, 0
DISTANT = 1.0
"""Log-odds that the shipped classifier loses of texts that name no group and speak to nobody: on texts held out that
costs nothing, and it halves what is hidden of news headlines."""
SHORT, OFFENCES = (15, 60), 400
QUICK = 200
TOPICS = ("race", "region", "gender")

Labels = NDArray[np.int64]
Chances = NDArray[np.float64]


@dataclass(frozen=True)
class Texts:
    texts: list[str]
    labels: Labels
    topics: list[str]

    def head(self, size: int | None) -> Texts:
        return Texts(self.texts[:size], self.labels[:size], self.topics[:size])


def cold(part: str) -> Texts:
    path = SHARED / "cold" / f"{part}.csv"
    if not path.is_file():
        raise Missing(f"COLD is not here: {path}", fix="put it there; see the README of that folder")
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    labels = np.array([int(row["label"]) for row in rows])
    return Texts([row["TEXT"] for row in rows], labels, [row["topic"] for row in rows])


def reread(train: Texts) -> tuple[Texts, Labels]:
    """Texts of the whole training part that were read anew, with the labels they had, and their new ones."""
    with REREAD.open(encoding="utf-8", newline="") as file:
        rows = [(int(one["row"]), int(one["label"])) for one in csv.DictReader(file)]
    places = np.array([row for row, _ in rows])
    had = Texts([train.texts[row] for row in places], train.labels[places], [train.topics[row] for row in places])
    return had, np.array([label for _, label in rows])


def baseline(train: Texts, dev: Texts) -> Labels:
    """Character TF-IDF and logistic regression, as anybody would set it up."""
    from sklearn.feature_extraction.text import TfidfVectorizer
    from sklearn.linear_model import LogisticRegression

    runs = TfidfVectorizer(analyzer="char", ngram_range=(1, 3), min_df=2, sublinear_tf=True)
    fitted = LogisticRegression(C=6, solver="liblinear").fit(runs.fit_transform(train.texts), train.labels)
    found: Labels = fitted.predict(runs.transform(dev.texts))
    return found


def f1(said: Labels, labels: Labels, of: int = 1) -> float:
    hits = int(((said == of) & (labels == of)).sum())
    return 2 * hits / max(int((said == of).sum() + (labels == of).sum()), 1)


def macro(said: Labels, labels: Labels) -> float:
    return (f1(said, labels, 0) + f1(said, labels, 1)) / 2


def accuracy(said: Labels, labels: Labels) -> float:
    return float((said == labels).mean())


def with_interval(measure: Callable[[Labels, Labels], float], said: Labels, labels: Labels) -> str:
    random = np.random.default_rng(SEED)
    drawn = [measure(said[rows], labels[rows]) for rows in _draws(random, len(labels))]
    return figure(measure(said, labels), *np.quantile(drawn, (0.025, 0.975)))


def ahead(said: Labels, other: Labels, labels: Labels) -> str:
    """How much more often ``said`` is right than ``other``, on the same texts."""
    gain = (said == labels).astype(float) - (other == labels)
    random = np.random.default_rng(SEED)
    drawn = [gain[rows].mean() for rows in _draws(random, len(labels))]
    return figure(float(gain.mean()), *np.quantile(drawn, (0.025, 0.975)))


def _draws(random: np.random.Generator, size: int) -> Any:
    return (random.integers(0, size, size) for _ in range(DRAWS))


def chances(model: Classifier, texts: Sequence[str]) -> Chances:
    return np.array([read.probability for read in model.read([views(text) for text in texts])])


def actions(moderator: Moderator, texts: Sequence[str]) -> Labels:
    return (severities(moderator, texts) > 0).astype(np.int64)


def severities(moderator: Moderator, texts: Sequence[str]) -> Labels:
    """How severe the action on each text is; 0 for none."""
    return np.array([one.action.rank for one in moderator.decide_many(texts)], dtype=np.int64)


def quality(train: Texts, dev: Texts, models: dict[str, Classifier]) -> None:
    plain = baseline(train, dev)
    said: dict[str, Labels] = {"character TF-IDF + logistic regression": plain}
    known = {name: chances(model, dev.texts) for name, model in models.items()}
    for name, found in known.items():
        said[name] = (found > 0.5).astype(np.int64)
    policies = load_policies()
    for name, model in models.items():
        said[f"{name}, with rules and policies: any action"] = actions(Moderator(policies, model), dev.texts)
    rows = [
        [
            name,
            with_interval(accuracy, one, dev.labels),
            with_interval(macro, one, dev.labels),
            with_interval(f1, one, dev.labels),
            "" if one is plain else ahead(one, plain, dev.labels),
        ]
        for name, one in said.items()
    ]
    rows.append(["COLDetector as published, on another part: the human-labelled test", "0.81", "0.81", "-", "-"])
    print(f"\nCOLD dev, {len(dev.texts):,} texts\n")
    print(markdown(["", "accuracy", "macro F1", "F1 of offending", "accuracy, ahead of the first"], rows))
    rows = []
    for name, found in known.items():
        for wanted in (0.9, 0.95, 0.98):
            least = models[name].weighing.threshold(wanted)
            taken = found >= least
            hits = int(dev.labels[taken].sum())
            rows.append(
                [
                    name,
                    f"{wanted:.2f}",
                    f"{least:.3f}",
                    f"{hits / max(int(taken.sum()), 1):.3f}",
                    f"{hits / int(dev.labels.sum()):.3f}",
                ]
            )
    print("\nThresholds chosen for a precision on texts held out of training, and what they give on dev\n")
    print(markdown(["", "precision wanted", "threshold", "precision on dev", "recall on dev"], rows))
    errors = [
        [name, f"{expected_calibration_error(reliability(found, dev.labels == 1)):.4f}"]
        for name, found in known.items()
    ]
    print("\nExpected calibration error on dev\n")
    print(markdown(["", "error"], errors))


def across_topics(train: Texts, groups: Sequence[str]) -> None:
    """Readers of runs of signs, taught two topics and tried on the third."""
    from zhiyin.scenarios.community.moderation.classifier.model import names_pattern

    plain = [views(text).tight.text for text in train.texts]
    names = names_pattern(groups)
    hidden = [masked(text, names) for text in plain]
    topics = np.array(train.topics)
    rows = []
    for topic in TOPICS:
        out = topics == topic
        cells = [topic]
        scores = []
        for texts in (plain, hidden):
            reader = _grams(texts, train.labels, ~out, SEED)
            said = np.array([reader.score(texts[row]) for row in np.flatnonzero(out)])
            scores.append(said / said.std())
            cells.append(f"{accuracy((said > 0).astype(np.int64), train.labels[out]):.4f}")
        both = (scores[0] + scores[1] > 0).astype(np.int64)
        rows.append([*cells, f"{accuracy(both, train.labels[out]):.4f}"])
    print("\nAccuracy on a topic that was not taught (COLD train)\n")
    print(markdown(["topic", "runs of signs", "with names of groups hidden", "both"], rows))


def second_reading(had: Texts, labels: Labels, model: Classifier, parts: int) -> None:
    """What the second reading changes where texts speak about contempt. Each part of the texts is read by what was
    learned from the others; the classifier itself was taught these texts with the labels they had."""
    policies = load_policies()
    once = copy.copy(model)
    once.second = None
    tight = [views(text).tight.text for text in had.texts]
    part = np.random.default_rng(SEED).permutation(len(labels)) % parts
    about = np.zeros(len(labels), dtype=bool)
    twice = np.zeros(len(labels), dtype=np.int64)
    for number in range(parts):
        learned, out = np.flatnonzero(part != number), np.flatnonzero(part == number)
        other = copy.copy(model)
        other.second = learn_second([tight[row] for row in learned], labels[learned].tolist(), SEED)
        twice[out] = severities(Moderator(policies, other), [had.texts[row] for row in out])
        about[out] = [other.second.odds(tight[row]) is not None for row in out]
    said = {"read once": severities(Moderator(policies, once), had.texts), "read twice": twice}
    for name, some in (("speak about contempt", about), ("do not", ~about)):
        new, old = labels[some], had.labels[some]
        rows = [
            ["classifier", *(f"{value:.3f}" for value in _shares(chances(once, had.texts)[some] > 0.5, new, old)), "-"]
        ]
        for reading, severity in said.items():
            found = severity[some]
            removed = (found[new == 0] == Action.REMOVE.rank).mean()
            rows.append([reading, *(f"{value:.3f}" for value in (*_shares(found > 0, new, old), removed))])
        shares = f"{new.mean():.0%} offend, by their old labels {old.mean():.0%}"
        print(f"\n{len(new):,} comments read anew that {name}: {shares}\n")
        header = [
            "",
            "right",
            "offending ones found",
            "others let pass",
            "agrees with the old labels",
            "others removed",
        ]
        print(markdown(header, rows))


def _shares(acted: NDArray[np.bool_], new: Labels, old: Labels) -> tuple[float, float, float, float]:
    said = acted.astype(np.int64)
    return accuracy(said, new), float(acted[new == 1].mean()), float((~acted)[new == 0].mean()), accuracy(said, old)


def probes(moderators: dict[str, Moderator]) -> None:
    told = tomllib.loads(PROBES.read_text(encoding="utf-8"))
    rows = []
    totals = {name: [0, 0] for name in moderators}
    for language, kinds in told.items():
        for kind, lists in kinds.items():
            for wanted, texts in lists.items():
                cells = [f"{language} {kind}", "offends" if wanted == "yes" else "passes"]
                for name, moderator in moderators.items():
                    right = (actions(moderator, texts) == (wanted == "yes")).astype(int)
                    seen, held = right[::2], right[1::2]
                    cells.append(f"{seen.sum()}/{len(seen)}, {held.sum()}/{len(held)}")
                    totals[name][0] += int(held.sum())
                    totals[name][1] += len(held)
                rows.append(cells)
    rows.append(["all not looked at", "", *(f"{right / size:.3f}" for right, size in totals.values())])
    print("\nSentences written for this: right of those looked at while rules were written, and of the others\n")
    print(markdown(["", "", *moderators], rows))


def false_alarms(moderators: dict[str, Moderator], size: int) -> None:
    path = SHARED / "zh_news_titles" / "dev.txt"
    if not path.is_file():
        return
    titles = [line.split("\t")[0] for line in path.read_text(encoding="utf-8").splitlines()][:size]
    rows = []
    for name, moderator in moderators.items():
        found = moderator.decide_many(titles)
        hidden = sum(one.action in (Action.HIDE, Action.REMOVE) for one in found)
        any_ = sum(one.action is not Action.ALLOW for one in found)
        rows.append([name, f"{any_ / len(titles):.2%}", f"{hidden / len(titles):.2%}"])
    print(f"\nNews headlines ({len(titles):,}), which should all pass\n")
    print(markdown(["", "any action", "hidden or removed"], rows))


def surrounded(dev: Texts, model: Classifier, moderator: Moderator) -> None:
    """Whether an offence is found among harmless comments: short ones of both kinds, put together by a seed."""
    short = np.array([SHORT[0] < len(text) < SHORT[1] for text in dev.texts])
    harmless = [dev.texts[row] for row in np.flatnonzero(short & (dev.labels == 0))]
    offences = [dev.texts[row] for row in np.flatnonzero(short & (dev.labels == 1))[:OFFENCES]]
    random = np.random.default_rng(SEED)
    first, last = ([harmless[row] for row in random.integers(0, len(harmless), len(offences))] for _ in range(2))
    made = {
        "alone": offences,
        "before a harmless one": ["。".join(some) for some in zip(offences, last, strict=True)],
        "between two": ["。".join(some) for some in zip(first, offences, last, strict=True)],
        "two harmless ones in its place": ["。".join(some) for some in zip(first, last, strict=True)],
    }
    rows = [
        [name, f"{(chances(model, texts) > 0.5).mean():.3f}", f"{actions(moderator, texts).mean():.3f}"]
        for name, texts in made.items()
    ]
    print(f"\n{len(offences):,} offending comments of {SHORT[0]} to {SHORT[1]} signs among harmless ones: found\n")
    print(markdown(["an offending comment", "by the classifier", "any action"], rows))


def speed(moderators: dict[str, Moderator], texts: Sequence[str]) -> None:
    rows = []
    for name, moderator in moderators.items():
        moderator.decide_many(texts[:50])
        spent, worked = [], []
        for text in texts:
            began, busy = time.perf_counter(), time.process_time()
            moderator.decide(text)
            spent.append(time.perf_counter() - began)
            worked.append(time.process_time() - busy)
        low, high = (f"{1e3 * value:.2f}" for value in np.quantile(spent, (0.5, 0.95)))
        rows.append([name, low, high, f"{1e3 * np.mean(spent):.2f}", f"{1e3 * np.mean(worked):.2f}"])
    print(f"\nMilliseconds a text, one at a time, {len(texts):,} comments of COLD dev\n")
    print(markdown(["", "median", "95th percentile", "mean", "mean of processor time"], rows))


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few hundred texts, without topics")
    parser.add_argument("--train", type=Path, help="train the classifier anew before, with transformers of this folder")
    given = parser.parse_args(arguments)
    if given.quick and given.train:
        parser.error("--quick has too few texts to train from")
    try:
        train, dev = cold("train"), cold("dev")
    except Missing as missing:
        print(missing.line)
        return
    had, new = reread(train)
    if given.quick:
        train, dev = train.head(8 * QUICK), dev.head(QUICK)
        had, new = had.head(2 * QUICK), new[: 2 * QUICK]
    with tempfile.TemporaryDirectory() as folder:
        where = SHIPPED
        if given.train:
            where = Path(folder)
            groups = open_classifier(SHIPPED).described["groups"]
            train_classifier(
                where,
                train.texts,
                train.labels.tolist(),
                name="cold",
                languages=["zh"],
                groups=groups,
                network=False,
                transformers=(
                    load_file(given.train / "held.safetensors"),
                    load_file(given.train / "whole.safetensors"),
                ),
                again=list(zip(had.texts, new.tolist(), strict=True)),
                distant=DISTANT,
                progress=make_progress(False),
            )
        models = {"classifier": open_classifier(where)}
        quality(train, dev, models)
        if not given.quick:
            across_topics(train, models["classifier"].described["groups"])
        second_reading(had, new, models["classifier"], 3 if given.quick else PARTS)
        policies = load_policies()
        moderators = {"rules alone": Moderator(policies)}
        for name, model in models.items():
            moderators[f"rules, {name}"] = Moderator(policies, model)
        probes(moderators)
        surrounded(dev, models["classifier"], moderators["rules, classifier"])
        false_alarms(moderators, QUICK if given.quick else 2_000)
        speed(moderators, dev.texts[: 100 if given.quick else 500])


if __name__ == "__main__":
    main()
