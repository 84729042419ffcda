from __future__ import annotations

import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from zhiyin.errors import UsageError
from zhiyin.report import ReportContent, write_report
from zhiyin.report.page import render
from zhiyin.types import NO_TIME

VOID = {"meta", "link", "img", "br", "hr", "input", "use", "path", "rect"}


class Page(HTMLParser):
    """A page taken apart: its tags in order, attributes, and the words of each element."""

    def __init__(self, text: str) -> None:
        super().__init__(convert_charrefs=True)
        self.open: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.words: list[tuple[str, str]] = []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if tag not in VOID:
            assert self.open.pop() == tag, f"</{tag}> closes something else"

    def handle_data(self, data: str) -> None:
        if data.strip() and self.open[-1:] != ["style"]:
            self.words.append((self.open[-1] if self.open else "", " ".join(data.split())))

    def texts(self, tag: str) -> list[str]:
        return [text for kind, text in self.words if kind == tag]

    @property
    def text(self) -> str:
        return " ".join(text for _, text in self.words)


@pytest.fixture(scope="module")
def source(content: ReportContent) -> str:
    return render(content)


@pytest.fixture(scope="module")
def page(source: str) -> Page:
    return Page(source)


def test_well_formed(page: Page) -> None:
    assert page.open == []
    assert page.tags[0] == ("html", {"lang": "en"})
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))


def test_every_reference_is_to_the_page_itself(source: str, page: Page) -> None:
    ids = {attributes["id"] for _, attributes in page.tags if "id" in attributes}
    targets = [a[key] for _, a in page.tags for key in ("src", "href", "xlink:href", "action", "data") if key in a]
    assert targets
    assert {f"#{name}" for name in ids} >= set(targets)
    assert {f"{name}" for name in ids} >= set(re.findall(r"url\(#([^)]*)\)", source))
    bare = re.sub(r'xmlns(:xlink)?="http://www\.w3\.org/[^"]*"', "", source)
    assert "://" not in bare
    assert "@import" not in source
    assert re.findall(r"url\((?!#)", source) == []


def test_nothing_runs(page: Page) -> None:
    assert not {"script", "iframe", "object", "embed", "img", "link", "b", "u"} & {tag for tag, _ in page.tags}
    assert all(not name.startswith("on") for _, attributes in page.tags for name in attributes)
    policy = next(a["content"] for tag, a in page.tags if tag == "meta" and "http-equiv" in a)
    assert policy is not None
    assert policy.startswith("default-src 'none'")


def test_everything_foreign_is_shown_as_written(page: Page) -> None:
    assert "商店 <b>Tea & Audio</b>" in page.texts("h1")
    assert "人 <7>" in page.texts("h3")
    titles = [
        "<script>alert('茶')</script>",
        "Tom & Jerry",
        "绿茶 🍵 「特级」",
        '"><img src=x onerror=alert(1)>',
        "{{ 7 * 7 }}",
    ]
    own, given = page.texts("li")[:5], page.texts("li")[5:]
    assert own == titles
    assert given == [*titles, "id/5"], "an item without a title is named by its id"
    assert page.texts("small").count("31% from <i>源</i> (both: <u>, 茶)") == 6
    assert "bot <1>" in page.text
    assert "weighting a<b" in page.texts("td")


def test_figures_are_those_of_the_evaluation(content: ReportContent, page: Page) -> None:
    assert content.evaluation is not None
    served = content.evaluation["models"]["item_knn"]
    for measure in ("HR@10", "NDCG@10", "Coverage@10"):
        assert f"{served[measure]:.4f}" in page.texts("dd")
    low, high = served["intervals"]["NDCG@10"]
    assert f"{low:.4f}–{high:.4f}" in page.texts("small")
    assert f"{served['HR@10'] * 100:.1f} %" in page.text
    assert f"reaches {content.evaluation['models']['popular']['HR@10'] * 100:.1f} %" in page.text
    assert content.protocol in page.text
    assert "1,234,567" in page.texts("dd")
    assert "−17" in page.texts("td")
    assert "repeats of the same user and item" not in page.text, "a reason that took nothing is left out"
    assert "1 item was never taken." in page.text


def test_empty_bands_are_left_out(content: ReportContent, page: Page) -> None:
    assert content.evaluation is not None
    bands = content.evaluation["models"]["popular"]["slices"]["user_history"]
    assert bands["6-20"]["users"] > 0
    assert bands["0"]["users"] == bands[">20"]["users"] == 0
    headings = page.texts("th")
    assert "6–20 events" in headings
    assert "0 events" not in headings
    assert ">20 events" not in headings


def test_the_served_model_is_marked(page: Page) -> None:
    marked = [a for tag, a in page.tags if tag == "th" and a.get("class") == "served"]
    assert len(marked) == 4, "in both tables of slices, in the measures and in the parameters"


def test_the_same_content_gives_the_same_bytes(content: ReportContent, source: str) -> None:
    assert render(content) == source


def test_without_times(content: ReportContent) -> None:
    for times in (np.zeros(0, dtype=np.int64), np.full(9, NO_TIME)):
        page = Page(render(replace(content, event_times=times)))
        assert "The events carry no times" in page.text
        assert "Events over time" not in page.text
    same = Page(render(replace(content, event_times=np.array([5, 5, NO_TIME]))))
    assert "All events carry the same time" in same.text
    assert "Events over time" not in same.text


def test_some_events_without_a_time(content: ReportContent) -> None:
    times = np.concatenate((content.event_times, np.full(1200, NO_TIME)))
    assert (
        "Events from 14 November 2023 to 21 November 2023, UTC. 1,200 more carry no time."
        in Page(render(replace(content, event_times=times))).text
    )


def test_without_an_evaluation(content: ReportContent) -> None:
    page = Page(render(replace(content, evaluation=None, protocol="", search={}, unmeasured="nobody has <3 events")))
    assert "Nothing was measured: nobody has <3 events." in page.text
    assert "No search ran" in page.text
    assert "is served" not in page.text
    assert page.open == []


def test_a_measure_that_could_not_be_taken(content: ReportContent) -> None:
    assert content.evaluation is not None
    models = {name: dict(figures) for name, figures in content.evaluation["models"].items()}
    for figures in models.values():
        figures.update({"HR@10": None, "NDCG@10": None, "Coverage@10": None})
        figures["intervals"] = {name: [None, None] for name in figures["intervals"]}
    page = Page(render(replace(content, evaluation={**content.evaluation, "models": models})))
    assert page.texts("dd").count("–") == 3
    assert "95 % interval" not in page.texts("p")[1]
    assert page.open == []


def test_almost_nothing(content: ReportContent) -> None:
    cleaning: dict[str, Any] = {**content.cleaning, "rows_in": 0, "rows_out": 0, "users": 0, "items": 0, "bots": []}
    bare = replace(
        content,
        cleaning=cleaning,
        item_counts=np.zeros(0, dtype=np.int64),
        event_times=np.zeros(0, dtype=np.int64),
        evaluation=None,
        search={},
        samples=[],
        stored={},
        notes=["The data have <changed>."],
    )
    page = Page(render(bare))
    assert page.open == []
    assert "The data have <changed>." in page.text
    assert "No lists were made." in page.text


def test_write(content: ReportContent, source: str, tmp_path: Path) -> None:
    path = tmp_path / "报告 1.html"
    path.write_text("older")
    write_report(path, content)
    assert path.read_text(encoding="utf-8") == source
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("name", ["missing/report.html", "folder"])
def test_cannot_be_written(name: str, content: ReportContent, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(UsageError, match="cannot write the report"):
        write_report(tmp_path / name, content)
    assert [path.name for path in tmp_path.iterdir()] == ["folder"]
