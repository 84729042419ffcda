"""Ways to read long texts, compared on finding real documents again, and by cost.

    .venv/bin/python -m benchmarks long_texts
    .venv/bin/python -m benchmarks.long_texts --documents DIR     # keep the fetched packages there

Documents are the pages of documentation that Debian packages carry, English and Chinese (``PACKAGES``, taken with
``apt-get download`` and checked by sha256; where that cannot be done the benchmark is skipped). A page
beyond ``MOST`` characters is cut at its second-level headings.

The task and its labels do not come from any encoder. From the later half of a document one sentence is taken out, by
seed: the sentence is the query, and the document *without it* is what must be found among all documents of that
language. Headings of later sections, taken out as well, are a second, shorter kind of query.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.tables import markdown
from zhiyin.config import EncoderSettings
from zhiyin.ports import Encoder
from zhiyin.types import Floats
from zhiyin.understand.encoder import make_encoder
from zhiyin.understand.long_texts import LongTextSettings, Pooled, Way, parts_of, scores, width
from zhiyin.understand.long_texts.cutting import sentences
from zhiyin.understand.texts import plain


@dataclass(frozen=True)
class Package:
    """A Debian package, the sha256 of its file, and where its pages lie."""

    name: str
    sha256: str
    pages: str
    language: str


PACKAGES = (
    Package(
        "python3.11-doc",
        "50eb63e7f636c4281e9ce1b8f10386f1def42159eddce34fc1f41c46261df71b",
        "usr/share/doc/python3.11/html/library/*.html",
        "English",
    ),
    Package(
        "debian-handbook",
        "3d5dbeac1f1afc9c094eab9d0f701f6ecff99c4927d5a4794cf6c85678134faa",
        "usr/share/doc/debian-handbook/html/zh-CN/*.html",
        "Chinese",
    ),
    Package(
        "debian-reference-zh-cn",
        "6d2d8d9a646397e28b04cdff23d2e4374101ebf9be348e35961af62c8a2d0977",
        "usr/share/debian-reference/*.html",
        "Chinese",
    ),
    Package(
        "debian-faq-zh-cn",
        "3545356b1aa04d87e91dd15e8406210cf5b4f476662e597897bcb42234591758",
        "usr/share/doc/debian/FAQ/zh-cn/*.html",
        "Chinese",
    ),
    Package(
        "maint-guide-zh-cn",
        "d605b60a034f63857bc44205aed5ad7ba6e17d0d2b1ba5e79179b4e7ec4ee4bc",
        "usr/share/doc/maint-guide-zh-cn/html/*.html",
        "Chinese",
    ),
    Package(
        "kicad-doc-zh",
        "c904386f9152d1acb79aec9a85bdaec1e9901ade73a296b44b5e84763eedf245",
        "usr/share/doc/kicad/help/zh/*.html",
        "Chinese",
    ),
)
ENCODERS = {"Chinese": "multilingual", "English": "english"}
LEAST = {"English": 4000, "Chinese": 1000}
"""Characters that make a document long: several times what its encoder reads."""
MOST = {"English": 40_000, "Chinese": 12_000}
DOCUMENTS = {"Chinese": 300, "English": 60}
"""Taken at most, by seed."""
QUERIES = 2
"""Sentences and headings taken out of a document, of each kind at most."""
SEED = 0
_NOISE = re.compile(
    r"(?s)<(script|style|head|nav)\b.*?</\1>|<div class=\"(?:sphinxsidebar|related|footer).*?</div>"
    r"|<ul class=\"docnav.*?</ul>|<div class=\"nav(?:header|footer).*?</table>"
)
_HEADING = re.compile(r"(?s)<h([1-6])\b[^>]*>(.*?)</h\1>")
_BLOCK = re.compile(r"(?i)</?(?:p|li|dd|dt|pre|td|tr|div|table|ul|ol|dl)\b[^>]*>")
_HAN = re.compile("[\u4e00-\u9fff]")
_NUMBER = re.compile(r"^[\d.\sA-Z]*[.、]\s*|¶|^\d[\d.]*\s*")


@dataclass(frozen=True)
class Document:
    """``title`` is the page's first heading, ``text`` what is searched, without its queries."""

    title: str
    text: str
    sentence_queries: list[str]
    heading_queries: list[str]


def fetch(folder: Path) -> str | None:
    """Unpack every package into ``folder``; what went wrong, or None."""
    if shutil.which("apt-get") is None or shutil.which("dpkg-deb") is None:
        return "this machine has no apt-get"
    for package in PACKAGES:
        target = folder / package.name
        if target.is_dir():
            continue
        for old in folder.glob(f"{package.name}_*.deb"):
            old.unlink()
        done = subprocess.run(["apt-get", "download", package.name], cwd=folder, capture_output=True, text=True)
        found = sorted(folder.glob(f"{package.name}_*.deb"))
        if not found:
            return f"{package.name} cannot be downloaded: {done.stderr.strip().splitlines()[-1:]}"
        if hashlib.sha256(found[0].read_bytes()).hexdigest() != package.sha256:
            return f"{found[0].name} is another version than the one measured"
        subprocess.run(["dpkg-deb", "-x", found[0], target], check=True)
    return None


def sections(page: str) -> Iterator[tuple[int, str, list[str]]]:
    """Level, heading and paragraphs of each section of a page."""
    page = _NOISE.sub(" ", page)
    found = list(_HEADING.finditer(page))
    for place, heading in enumerate(found):
        end = found[place + 1].start() if place + 1 < len(found) else len(page)
        blocks = (plain(block) for block in _BLOCK.split(page[heading.end() : end]))
        yield int(heading[1]), _NUMBER.sub("", plain(heading[2])).strip(), [block for block in blocks if block]


def documents(folder: Path, language: str) -> list[Document]:
    """Long documents of one language, queries taken out, in an order drawn by seed."""
    random = np.random.default_rng(SEED)
    found, seen = [], set()
    for package in (package for package in PACKAGES if package.language == language):
        for path in sorted((folder / package.name).glob(package.pages)):
            for group in groups(list(sections(path.read_text(encoding="utf-8", errors="replace"))), MOST[language]):
                document = taken(group, language, random)
                if document is not None and document.text not in seen:
                    seen.add(document.text)
                    found.append(document)
    rows = random.permutation(len(found))[: DOCUMENTS[language]]
    return [found[row] for row in sorted(rows)]


def groups(page: list[tuple[int, str, list[str]]], most: int) -> Iterator[list[tuple[int, str, list[str]]]]:
    """A page, or its second-level parts where it is very long."""
    if sum(len(block) for _, _, blocks in page for block in blocks) <= most:
        yield page
        return
    group: list[tuple[int, str, list[str]]] = []
    for section in page:
        if section[0] <= 2 and group:
            yield group
            group = []
        group.append(section)
    yield group


def taken(group: list[tuple[int, str, list[str]]], language: str, random: np.random.Generator) -> Document | None:
    """The document of a group of sections without its queries; None where it is too short or of another language."""
    lines = [line for _, heading, blocks in group for line in (heading, *blocks)]
    whole = "\n".join(lines)
    if not LEAST[language] <= len(whole) <= MOST[language] or not group:
        return None
    if language == "Chinese" and len(_HAN.findall(whole)) < 0.25 * len(whole):
        return None
    later = [section for place, section in enumerate(group) if place >= len(group) / 2]
    headings = [heading for _, heading, _ in later if width(heading) >= 4 and whole.count(heading) == 1]
    chosen_headings = list(random.permutation(headings)[:QUERIES]) if headings else []
    half = [block for _, _, blocks in group for block in blocks]
    half = half[len(half) // 2 :]
    candidates = [one for block in half for one in sentences(block) if 12 <= width(one) <= 60 and whole.count(one) == 1]
    if language == "Chinese":
        candidates = [one for one in candidates if len(_HAN.findall(one)) >= 0.5 * len(one)]
    if not candidates:
        return None
    chosen = list(random.permutation(candidates)[:QUERIES])
    text = whole
    for query in (*chosen, *chosen_headings):
        text = text.replace(str(query), "", 1)
    return Document(group[0][1], text, [str(one) for one in chosen], [str(one) for one in chosen_headings])


@dataclass(frozen=True)
class Tried:
    way: Way
    head: bool
    pooled: Pooled
    label: str


TRIED = (
    Tried(Way.BEGINNING, False, Pooled.MEAN, "beginning, 100 tokens"),
    Tried(Way.BEGINNING, True, Pooled.MEAN, "beginning, title before it (as items were read before)"),
    Tried(Way.SUMMARY, False, Pooled.MEAN, "summary (extractive map-reduce)"),
    Tried(Way.SUMMARY, True, Pooled.MEAN, "summary, title before it"),
    Tried(Way.CHUNKS, False, Pooled.MEAN, "chunks, mean"),
    Tried(Way.CHUNKS, True, Pooled.MEAN, "chunks, title before each, mean"),
    Tried(Way.WINDOWS, False, Pooled.MEAN, "windows, mean"),
    Tried(Way.CHUNKS, False, Pooled.BEST, "chunks, best piece"),
    Tried(Way.CHUNKS, True, Pooled.BEST, "chunks, title before each, best piece"),
    Tried(Way.WINDOWS, False, Pooled.BEST, "windows, best piece"),
)


def ranks(queries: Floats, owners: np.ndarray, pieces: Floats, of: np.ndarray, items: int, pooled: Pooled) -> Floats:
    """Rank of each query's own document, 1 the best; ties count against it."""
    found = scores(queries, pieces, of, items, pooled)
    own = found[np.arange(len(owners)), owners]
    places: Floats = (found >= own[:, None]).sum(axis=1).astype(np.float32)
    return places


def table(found: list[Document], encoder: Encoder) -> str:
    kinds = [
        [(place, query) for place, document in enumerate(found) for query in document.sentence_queries],
        [(place, query) for place, document in enumerate(found) for query in document.heading_queries],
    ]
    asked = [(np.array([place for place, _ in kind]), encoder.encode([query for _, query in kind])) for kind in kinds]
    print(f"{len(kinds[0])} sentences and {len(kinds[1])} headings asked for", flush=True)
    rows, kept = [], {}
    for tried in TRIED:
        key = (tried.way, tried.head)
        if key not in kept:
            began = time.perf_counter()
            settings = LongTextSettings(way=tried.way)
            parts = [list(parts_of(one.text, settings, one.title if tried.head else "")) for one in found]
            flat = [part for group in parts for part in group]
            of = np.repeat(np.arange(len(found), dtype=np.int32), [len(group) for group in parts])
            kept[key] = (encoder.encode(flat), of, time.perf_counter() - began)
        pieces, of, took = kept[key]
        cells = [tried.label]
        for owners, vectors in asked:
            places = ranks(vectors, owners, pieces, of, len(found), tried.pooled)
            cells += [f"{np.mean(places <= 1):.3f}", f"{np.mean(places <= 10):.3f}", f"{np.mean(1 / places):.3f}"]
        stored = len(pieces) if tried.pooled is Pooled.BEST else len(found)
        cells += [f"{len(pieces) / len(found):.1f}", f"{stored / len(found):.1f}", f"{took:.0f}"]
        rows.append(cells)
    header = ["way", "R@1", "R@10", "MRR", "headings R@1", "R@10", "MRR", "texts encoded", "vectors kept", "seconds"]
    return markdown(header, rows)


def main() -> None:
    parser = argparse.ArgumentParser(description="Ways to read long texts, by retrieval and cost.")
    parser.add_argument("--quick", action="store_true", help="a few documents")
    parser.add_argument("--documents", type=Path, help="folder in which the packages are kept")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as scratch:
        folder = given.documents or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        if missing := fetch(folder):
            print(f"skipped: {missing}")
            return
        for language, model in ENCODERS.items():
            found = documents(folder, language)[: 20 if given.quick else None]
            encoder = make_encoder(EncoderSettings.model_validate({"model": model}), ["text"])
            assert encoder is not None
            sizes = [len(one.text) for one in found]
            print(
                f"\n{language}, encoder `{model}`: {len(found)} documents of {min(sizes):,} to {max(sizes):,} "
                f"characters (median {int(np.median(sizes)):,})"
            )
            print("\n" + table(found, encoder), flush=True)


if __name__ == "__main__":
    main()
