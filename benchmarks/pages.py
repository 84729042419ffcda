"""Product pages: how many sentences say more than the item does, how many of a model's are replaced, how long it takes.

    python -m benchmarks pages [--quick] [--model-pages N]

500 pages, half in English and half in Chinese, in turn plain, warm and formal, of products of Amazon Beauty and films
of MovieLens latest-small, evenly out of their files. Every text of every page is read by the checker that makes the
pages and by a second reader written apart from it. The liar is scripted: into each page it was asked for it puts one
slip of each kind that ``SLIPS`` knows. The embedded model (SmolLM2-135M; needs the packages of ``make install-llm``)
chooses among the ways of saying a thing on twice ``--model-pages`` pages, and writes freely on as many. Times are of
the processor, so that others on the machine do not count. Needs the folder ``shared/data`` beside the repository.
"""

from __future__ import annotations

import argparse
import csv
import gzip
import json
import random
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.data import Missing, shared
from benchmarks.tables import markdown
from zhiyin.config import LlmSettings
from zhiyin.errors import LlmError
from zhiyin.llm import open_models
from zhiyin.llm.prompts import render
from zhiyin.ports import Answer, LanguageModels, NoLanguageModels, Progress, Prompt
from zhiyin.scenarios.grounding import check
from zhiyin.scenarios.shop.pages import Page, PageRequest, Tone, load_policy, make_page
from zhiyin.scenarios.shop.pages.facts import PageFacts
from zhiyin.scripts import LANGUAGES, Language
from zhiyin.testing.independent import leftovers
from zhiyin.types import Job, Tier
from zhiyin.understand.items.attributes import leading_names
from zhiyin.understand.items.source import ItemSource, item_source

PAGES = 500
MODEL_PAGES = 10
SEED = 20240607
POLICY = load_policy()
SLIPS: dict[Language, dict[str, str]] = {
    "en": {
        "number": "The size is 99.7 oz.",
        "brand": "It comes from Zorblax.",
        "material": "It contains argan oil and retinol.",
        "claim": "It is waterproof and dermatologist tested.",
        "superlative": "It is the best of its kind.",
        "medical": "It cures eczema.",
        "origin": "It was made in Iceland in 1957.",
        "denial": "It is free of parabens.",
        "offer": "Buy one today with free shipping.",
        "title": "Its full title is “Zorblax Deluxe”.",
    },
    "zh": {
        "number": "规格为九十九毫升。",
        "brand": "品牌为佐布拉。",
        "material": "含有芦荟和视黄醇。",
        "claim": "它防水又温和。",
        "superlative": "它是同类中最好的。",
        "medical": "它能治疗湿疹。",
        "origin": "1957年产自冰岛。",
        "denial": "不含防腐剂。",
        "offer": "今天下单包邮。",
        "title": "全名为《佐布拉豪华版》。",
    },
}


@dataclass
class Tally:
    """What was seen of the pages of one way of making them."""

    name: str
    pages: int = 0
    texts: int = 0
    first: int = 0
    second: int = 0
    slips: int = 0
    model: int = 0
    replaced: int = 0
    dropped: int = 0
    seconds: list[float] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    kept: list[str] = field(default_factory=list)

    def add(self, page: Page, item: ItemSource, brands: frozenset[str], seconds: float) -> None:
        source = PageFacts(item, page.language, brands).source
        values = [fact.text for fact in source.facts]
        self.pages += 1
        self.seconds.append(seconds)
        for place, text in page.texts():
            self.texts += 1
            if place != "title":
                self.first += len(check(text, source, page.language).removed)
            self.second += bool(leftovers(text, values))
            self.slips += any(slip in text for slip in SLIPS[page.language].values())
        self.model += page.counted.model
        self.replaced += page.counted.replaced
        self.dropped += page.counted.dropped
        self.kinds.update(one.kind for one in page.removed if one.by == "model")

    def row(self) -> tuple[str, ...]:
        taken = np.array(self.seconds) * 1000
        gone = self.replaced + self.dropped
        rate = f"{gone} of {self.model} ({gone / self.model:.0%})" if self.model else "-"
        middle, slow = (f"{np.quantile(taken, q):.1f}" for q in (0.5, 0.99))
        return (self.name, str(self.pages), str(self.texts), str(self.first), str(self.second), rate, middle, slow)


HEADER = (
    "way",
    "pages",
    "texts",
    "checker: unsupported",
    "second reader: unsupported",
    "model's sentences replaced or left out",
    "ms of CPU, median",
    "ms of CPU, 99 %",
)


class Liar(NoLanguageModels):
    """Answers with the drafts it is given and a slip of every kind among them."""

    def __init__(self, draft: Page) -> None:
        self._draft = draft

    def tier(self, job: Job) -> Tier:
        return Tier.REMOTE

    def complete(
        self, job: Job, prompts: Sequence[Prompt], *, seconds: float | None = None, progress: Progress | None = None
    ) -> list[Answer | LlmError]:
        draft, slips = self._draft, list(SLIPS[self._draft.language].values())
        told: dict[str, Any] = {
            "bullets": [*draft.bullets[:1], *slips[:4]],
            "description": [*draft.description[:1], *slips[4:7]],
            "faq": [
                {"question": one.question, "answer": slip} for one, slip in zip(draft.faq, slips[7:], strict=False)
            ],
            "meta_description": slips[9],
        }
        return [Answer(json.dumps(told), told, Tier.REMOTE, "liar", False, 0, 0) for _ in prompts]


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(prog="benchmarks pages", description="Are product pages grounded?")
    parser.add_argument("--quick", action="store_true", help="a few pages, no language model: to see that it runs")
    parser.add_argument("--model-pages", type=int, default=MODEL_PAGES, help="pages by the embedded model; 0 for none")
    parser.add_argument("--show", action="store_true", help="print what the embedded model wrote and was kept")
    given = parser.parse_args(arguments)
    try:
        items, brands = catalogue(20 if given.quick else PAGES)
    except Missing as absent:
        print(f"skipped: {absent.line}")
        return
    plain, liar = Tally("templates"), Tally("a model that lies")
    for place, item in enumerate(items):
        request = asked(item, place)
        began = time.process_time()
        page = make_page(item, request, POLICY, brands=brands)
        plain.add(page, item, brands, time.process_time() - began)
        began = time.process_time()
        lied = make_page(item, request, POLICY, brands=brands, models=Liar(page), render=render)
        liar.add(lied, item, brands, time.process_time() - began)
    rows = [plain.row(), liar.row()]
    told: list[Tally] = []
    if given.model_pages and not given.quick:
        told = embedded(items, brands, given.model_pages)
        rows += [one.row() for one in told]
    print(markdown(HEADER, rows))
    print(f"\nSlips of the liar that were published: {liar.slips} of {len(items) * len(SLIPS['en'])}.")
    for tally in (liar, *told):
        if tally.kinds:
            counts = ", ".join(f"{kind} {count}" for kind, count in tally.kinds.most_common())
            print(f"\nWhat {tally.name} wrote and was not let through, by kind: {counts}.")
    if given.show:
        for tally in told:
            print("\n".join(tally.kept))


def catalogue(count: int) -> tuple[list[ItemSource], frozenset[str]]:
    """``count`` items, half products and half films, in turn; and the brands of the products. Raises Missing."""
    beauty, films = shared("amazon_beauty", "Amazon Beauty"), shared("ml_latest_small", "MovieLens latest-small")
    with gzip.open(beauty / "items.jsonl.gz", "rt", encoding="utf-8") as file:
        products = [json.loads(line) for line in file]
    with (films / "movies.csv").open(encoding="utf-8", newline="") as lines:
        movies = list(csv.DictReader(lines))
    half = count // 2
    found = [item_source(one["item_id"], one["title"], None, one["categories"]) for one in _spread(products, half)]
    found += [
        item_source(one["movieId"], one["title"], None, one["genres"].split("|")) for one in _spread(movies, half)
    ]
    random.Random(SEED).shuffle(found)
    return found, leading_names([one["title"] for one in products])


def asked(item: ItemSource, place: int) -> PageRequest:
    return PageRequest(
        item_id=item.item_id,
        language=LANGUAGES[place % 2],
        tone=list(Tone)[place % 3],
        segment=item.categories[-1:] if place % 4 == 0 else (),
    )


def embedded(items: Sequence[ItemSource], brands: frozenset[str], pages: int) -> list[Tally]:
    """The same by the embedded model, which chooses, and which writes; none where its packages are missing."""
    settings = LlmSettings(provider="embedded", jobs=[Job.PAGES], batch_seconds=300)
    found = []
    with _models(settings) as models:
        if models.unavailable(Job.PAGES) is not None or models.tier(Job.PAGES) is Tier.NONE:
            print("skipped the embedded model: its packages are not here")
            return []
        make_page(items[0], asked(items[0], 0), POLICY, brands=brands, models=models, render=render)
        for name, free in (("embedded model chooses", False), ("embedded model writes", True)):
            tally = Tally(name)
            for place, item in enumerate(items[: pages if free else 2 * pages]):
                began = time.process_time()
                page = make_page(
                    item, asked(item, place), POLICY, brands=brands, models=models, render=render, free=free
                )
                tally.add(page, item, brands, time.process_time() - began)
                if free:
                    tally.kept += [f"{page.language}: {text}" for _, text in page.texts()]
                    tally.kept += [f"    out ({one.kind}): {one.sentence}" for one in page.removed if one.by == "model"]
            found.append(tally)
    return found


class _models:
    def __init__(self, settings: LlmSettings) -> None:
        import tempfile

        from zhiyin.store import open_store

        self._folder = tempfile.TemporaryDirectory()
        self._store = open_store("sqlite:///calls.db", Path(self._folder.name))
        self._made = open_models(settings, self._store)

    def __enter__(self) -> LanguageModels:
        return self._made

    def __exit__(self, *_: object) -> None:
        self._made.close()
        self._store.close()
        self._folder.cleanup()


def _spread(rows: list[Any], count: int) -> list[Any]:
    return rows[:: max(1, len(rows) // count)][:count]


if __name__ == "__main__":
    main()
