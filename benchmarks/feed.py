"""The feed: what the share of the network and the decay of authors cost and bring.

    python -m benchmarks feed [--quick]

HetRec Last.FM with its friend graph, a share of each person's artists hidden at random (it has no times); people who
have friends. Candidates are the first 200 of item kNN with its defaults. The data know no authors: an artist stands as
posted by whoever listened to it most, so that a few people post many. Worth comes from scores; changes are to the list
by relevance only, with 95 % bootstrap intervals over people. What is in ``feed.toml`` was chosen on validation. Needs
the folder ``shared/data`` beside the repository.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.circles import project_of
from benchmarks.data import Missing, hetrec_friends
from benchmarks.tables import figure, markdown
from zhiyin.candidates.item_knn import ItemKNN
from zhiyin.cli.progress import make_progress
from zhiyin.evaluate.intervals import bootstrap_difference
from zhiyin.evaluate.metrics import Values, accuracy
from zhiyin.itemview import level_of
from zhiyin.pipeline import Pipeline
from zhiyin.prepare import prepare
from zhiyin.preprocess.splits import Trial, random_split
from zhiyin.rerank import Asked, Facts, Items
from zhiyin.rerank.social.near import Near
from zhiyin.short import part
from zhiyin.types import NO_TIME, Histories, Interactions, Ints, TrainingData

SEED = 20261126
K, CANDIDATES = 10, 200
PEOPLE = 800
NETWORK = {"kind": "network", "strength": 0.5}


def mix(least: float, most: float) -> dict[str, Any]:
    return {"kind": "mix", "least": least, "most": most}


SETTINGS: dict[str, list[dict[str, Any]]] = {
    "relevance only": [],
    **{f"network {strength:g}": [{"kind": "network", "strength": strength}] for strength in (0.1, 0.3, 0.5, 1.0)},
    **{f"network .5, {share:.0%} exactly": [NETWORK, mix(share, share)] for share in (0.25, 0.5, 0.75)},
    "network .5, 30% to 70%": [NETWORK, mix(0.3, 0.7)],
    "30% to 70% without network stage": [mix(0.3, 0.7)],
    "network .5, 30% to 70%, author decay 0.5": [NETWORK, {"kind": "authors", "decay": 0.5}, mix(0.3, 0.7)],
    **{f"author decay {decay:g}": [{"kind": "authors", "decay": decay}] for decay in (0.9, 0.7, 0.5, 0.3)},
}
HEADER = ("setting", f"NDCG@{K}", "change", f"of friends in {K}", f"authors in {K}", "coverage")


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks feed", description="Shares and decay in a feed.")
    parser.add_argument("--quick", action="store_true", help="a small slice: to see that it runs")
    given = parser.parse_args(arguments)
    progress = make_progress(given.quick)
    try:
        data = hetrec_friends()
    except Missing as missing:
        print(f"\n{missing}", flush=True)
        return
    with (
        tempfile.TemporaryDirectory() as folder,
        project_of(data, Path(folder) / "project", given.quick, progress) as project,
    ):
        settings = project.settings.model_copy(
            update={"encoder": project.settings.encoder.model_copy(update={"model": "none"})}
        )
        prepared = prepare(project.store, settings, progress)
    split = random_split(prepared.interactions, seed=SEED)
    for trial in (split.search(), split.refit()):
        model = ItemKNN().fit(TrainingData(trial.train, prepared.catalogue, SEED, trial.now))
        print(f"\n{data.name}, {trial.part}:\n\n{table(trial, model, 40 if given.quick else PEOPLE)}", flush=True)


def table(trial: Trial, model: ItemKNN, people: int) -> str:
    links = trial.train.links
    assert links is not None
    friendly = np.flatnonzero(np.diff(links.indptr)[trial.users] > 0)
    drawn = np.sort(np.random.default_rng(SEED).permutation(friendly)[:people])
    some = part(trial, drawn)
    rows, scores = model.top_k(some.histories, CANDIDATES)
    items = posted(trial.train)
    n = trial.train.n_items
    told = [
        Asked(history=some.histories.slice(one, one + 1), allowed=unseen(some.histories, one, n))
        for one in range(len(drawn))
    ]
    near = [near_in(trial.train, int(user)) for user in some.users]
    asked = [replace(one, near=other) for one, other in zip(told, near, strict=True)]
    level = level_of(scores)
    lines: list[list[str]] = []
    base: Values | None = None
    for name, stages in SETTINGS.items():
        pipeline = Pipeline.parse(name, {"candidates": CANDIDATES, "stage": stages}, name)
        found = pipeline.run_many(rows, scores, items, asked, k=K, level=level)[0]
        values = accuracy(found, some.targets, [K])[f"NDCG@{K}"]
        change = ""
        if base is None:
            base = values
        else:
            gap, mean = bootstrap_difference(values, base, seed=SEED), float(base.mean())
            change = f"{gap.mean / mean:+.1%} ({gap.low / mean:+.1%} to {gap.high / mean:+.1%})"
        lines.append([name, figure(values.mean()), change, *seen_in(found, near, items)])
    return markdown(HEADER, lines)


def seen_in(found: Ints, near: Sequence[Near], items: Items) -> list[str]:
    """Share of places with what a friend took, different authors in a list, and share of items in any list."""
    codes = items.groups("author")[1]
    own = [np.isin(rows, one.rows[one.friends[one.owners] > 0]).mean() for rows, one in zip(found, near, strict=True)]
    authors = [len(np.unique(codes[rows[rows >= 0]])) for rows in found]
    return [f"{np.mean(own):.2f}", f"{np.mean(authors):.2f}", f"{len(np.unique(found[found >= 0])) / len(items):.3f}"]


def posted(train: Interactions) -> Items:
    """Items of which whoever listened most, by weight, is the author; the first of several."""
    histories, n = train.histories, train.n_items
    order = np.lexsort((histories.owners(), -histories.weights, histories.items))
    first = np.unique(histories.items[order], return_index=True)
    authors = np.full(n, -1)
    authors[first[0]] = histories.owners()[order][first[1]]
    told: list[dict[str, Any]] = [
        {"author": train.users.ids[one] if one >= 0 else f"nobody {row}"} for row, one in enumerate(authors)
    ]
    return Items(train.items, [[]] * n, facts=lambda: Facts(told, np.full(n, NO_TIME, dtype=np.int64)))


def unseen(histories: Histories, one: int, n: int) -> Any:
    allowed = np.ones(n, dtype=np.bool_)
    allowed[histories.items[histories.indptr[one] : histories.indptr[one + 1]]] = False
    return allowed


def near_in(train: Interactions, user: int) -> Near:
    """Friends and their friends in the training data, without circles."""
    links = train.links
    assert links is not None
    walk = links / links.sum(axis=1)[:, None].clip(1e-12)
    friends = walk[[user]]
    onward = np.asarray((friends @ walk).toarray()).ravel()
    onward[user] = 0
    direct = np.asarray(friends.toarray()).ravel()
    people = np.flatnonzero(direct + onward > 0)
    people = people[np.argsort(-(direct + onward)[people], kind="stable")][:400]
    taken = train.histories.take(people)
    zeros = np.zeros(len(people))
    names = frozenset(train.users.ids[one] for one in np.flatnonzero(direct))
    circle = np.full(len(people), -1, dtype=np.int32)
    own = (taken.items, taken.weights, taken.times, taken.owners())
    return Near(direct[people], onward[people], zeros, circle, [], *own, names)


if __name__ == "__main__":
    main()
