"""How fast the embedded language model orders candidates behind one person's profile.

    python -m benchmarks rerank_speed [--quick] [--model NAME] [--candidates 20] [--repeats 5]

Titles of Amazon Beauty where ``shared/data`` lies beside the repository, else of MovieLens-100K. A profile of about 500
tokens is a list of titles; each candidate, cut as the re-ranker cuts it, is asked for in two ways: how likely its title
is as the next one, and how likely "yes" is as the answer to a question about it. *Cold*: the profile has not been seen;
*warm*: it is remembered. *Naive* is what each candidate behind the whole text, computed by itself, would take.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.data import SHARED, movielens_100k
from benchmarks.tables import markdown
from zhiyin.config import LlmSettings
from zhiyin.errors import LlmError, ZhiyinError
from zhiyin.llm.embedded import load
from zhiyin.llm.embedded.model import EmbeddedModel
from zhiyin.ports import Likelihoods, Options
from zhiyin.rank.llm_ranker import LlmRankerParams
from zhiyin.rank.wording import cut
from zhiyin.types import Floats

PROFILE_TOKENS = 500
BAR_SECONDS = 2.0
BAR_TIMES = 8.0


@dataclass(frozen=True)
class Taken:
    """Wall and processor seconds of one ordering, the tokens computed and the tokens of the naive way."""

    seconds: float
    processor: float
    computed: int
    naive: int


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks rerank_speed", description="Speed of ordering candidates.")
    parser.add_argument("--quick", action="store_true", help="three candidates, once: to see that it runs")
    parser.add_argument("--model", default=LlmSettings().model, help="as in [llm] model")
    parser.add_argument("--candidates", type=int, default=20)
    parser.add_argument("--repeats", type=int, default=5)
    given = parser.parse_args(arguments)
    candidates, repeats = (3, 1) if given.quick else (given.candidates, given.repeats)
    try:
        titles, source = some_titles()
        model = load(LlmSettings(provider="embedded", model=given.model))
    except (ZhiyinError, ImportError) as absent:
        print(f"skipped: {absent}")
        return
    print(f"{model.model_id}; {source}; {os.cpu_count()} processors, load {os.getloadavg()[0]:.1f} at the start\n")
    rng = np.random.default_rng(0)
    ask(model, titles_as_ends("warming up", titles[:2]))  # the first run allocates
    rows = []
    for name, make in (("next title", titles_as_ends), ("yes or no", yes_or_no)):
        taken: dict[str, list[Taken]] = {"cold": [], "warm": []}
        lengths = []
        for _ in range(repeats):
            mixed = [titles[row] for row in rng.permutation(len(titles))]
            profile, rest = make_profile(model, mixed)
            lengths.append(len(model.tokens(profile)))
            for state in taken:
                shown = [cut(title, LlmRankerParams().characters) for title in rest[:candidates]]
                taken[state].append(measure(model, make(profile, shown)))
        rows += [row(name, state, candidates, lengths, some) for state, some in taken.items()]
    print(
        markdown(
            (
                "asked",
                "profile",
                "candidates",
                "profile, tokens",
                "seconds, median (range)",
                "processor s",
                "tokens computed",
                "naive",
                "times fewer",
            ),
            rows,
        )
    )
    print(f"\nBar: at most {BAR_SECONDS:g} s and at least {BAR_TIMES:g} times fewer tokens than naive.")


def some_titles() -> tuple[list[str], str]:
    path = SHARED / "amazon_beauty" / "items.jsonl.gz"
    if path.is_file():
        lines = gzip.decompress(path.read_bytes()).decode("utf-8").splitlines()
        titles, source = [json.loads(line)["title"] for line in lines], "titles of Amazon Beauty"
    else:
        text = movielens_100k().items.read_text(encoding="utf-8")
        titles, source = [line.split("\t")[1] for line in text.splitlines()[1:]], "titles of MovieLens-100K"
    return [title.strip() for title in titles if title and title.strip()], source


def make_profile(model: EmbeddedModel, titles: list[str]) -> tuple[str, list[str]]:
    """A person's list of about ``PROFILE_TOKENS`` tokens, and the titles that are not in it."""
    text = "A person took, in this order:\n"
    for place, title in enumerate(titles):
        longer = f"{text}- {title}\n"
        if len(model.tokens(longer)) > PROFILE_TOKENS:
            return text, titles[place:]
        text = longer
    return text, titles


def titles_as_ends(profile: str, titles: list[str]) -> list[Options]:
    return [Options("next", f"{profile}-", tuple(f" {title}" for title in titles))]


def yes_or_no(profile: str, titles: list[str]) -> list[Options]:
    return [Options("yes", f"{profile}\nWould this person take {title}? Answer:", (" yes", " no")) for title in titles]


def measure(model: EmbeddedModel, asked: list[Options]) -> Taken:
    began, processor = time.perf_counter(), time.process_time()
    found = ask(model, asked)
    seconds, processor = time.perf_counter() - began, time.process_time() - processor
    # Options of one token are all read off one run, also in the naive way.
    naive = sum(
        len(model.tokens(one.prefix)) * (1 if answer.tokens.max() == 1 else len(one.options)) + int(answer.tokens.sum())
        for one, answer in zip(asked, found, strict=True)
    )
    return Taken(seconds, processor, sum(answer.computed for answer in found), naive)


def ask(model: EmbeddedModel, asked: list[Options]) -> list[Likelihoods]:
    found: dict[int, Likelihoods] = {}
    for place, answer in model.likelihoods(asked, float("inf")):
        if isinstance(answer, LlmError):
            raise answer
        found[place] = answer
    return [found[place] for place in range(len(asked))]


def row(name: str, state: str, candidates: int, lengths: list[int], taken: list[Taken]) -> list[str]:
    seconds: Floats = np.array([one.seconds for one in taken], dtype=np.float32)
    computed, naive = (statistics.median(getattr(one, what) for one in taken) for what in ("computed", "naive"))
    return [
        name,
        state,
        str(candidates),
        f"{statistics.median(lengths):.0f}",
        f"{np.median(seconds):.2f} ({seconds.min():.2f}-{seconds.max():.2f})",
        f"{statistics.median(one.processor for one in taken):.2f}",
        f"{computed:,.0f}",
        f"{naive:,.0f}",
        f"{naive / computed:.1f}",
    ]


if __name__ == "__main__":
    main()
