"""From content to one HTML file that needs nothing else."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from zhiyin.explain.reasons import Reason
from zhiyin.report import plots, views
from zhiyin.report.content import ReportContent
from zhiyin.report.files import filled, write_page
from zhiyin.types import NO_TIME

TEMPLATE = "template.html"


def write_report(path: Path, content: ReportContent) -> None:
    """Write the page to ``path``; a file of that name is replaced. Raises UsageError where it cannot be written."""
    write_page(path, render(content), "report")


def render(content: ReportContent) -> str:
    """The page. The same content gives the same text."""
    return filled(
        TEMPLATE,
        content=content,
        trained=views.day(content.created),
        data=_data(content),
        quality=None if content.evaluation is None else _quality(content, content.evaluation),
        search=views.search_rows(content.search, "NDCG@10"),
        samples=[_sample(one) for one in content.samples],
        count=views.count,
    )


def _data(content: ReportContent) -> dict[str, Any]:
    counts = np.asarray(content.item_counts, dtype=np.int64)
    ordered = np.sort(counts)[::-1]
    tenth = len(counts) // 10
    return {
        "cleaning": views.cleaning_rows(content.cleaning),
        "interactions": content.cleaning["rows_out"],
        "users": content.cleaning["users"],
        "things": content.cleaning["items"],
        "bots": content.cleaning["bots"],
        "tail": Markup(plots.long_tail(counts)) if counts.any() else None,
        "head_share": views.percent(ordered[:tenth].sum() / ordered.sum()) if tenth and counts.any() else None,
        "once": views.items_were(int((counts == 1).sum()), "taken once"),
        "never": views.items_were(int((counts == 0).sum()), "never taken"),
        **_activity(content),
    }


def _activity(content: ReportContent) -> dict[str, Any]:
    times = content.event_times[content.event_times != NO_TIME]
    without = len(content.event_times) - len(times)
    if not len(times) or times.min() == times.max():
        return {"activity": None, "timeless": without, "span": None, "moment": bool(len(times))}
    span = (views.day(int(times.min())), views.day(int(times.max())))
    return {"activity": Markup(plots.activity(times)), "timeless": without, "span": span, "moment": False}


def _quality(content: ReportContent, evaluation: dict[str, Any]) -> dict[str, Any]:
    k = evaluation["protocol"]["ks"][0]
    hits, gain, coverage = f"HR@{k}", f"NDCG@{k}", f"Coverage@{k}"
    served = evaluation["models"].get(evaluation["served"])
    baseline = evaluation["models"].get(content.baseline)
    across = views.points(evaluation, gain, coverage)
    return {
        "k": k,
        "hits": hits,
        "gain": gain,
        "users": evaluation["users"],
        "served": evaluation["served"],
        "headline": None if served is None or served[hits] is None else _headline(served, hits),
        "facts": None if served is None else [(name, views.figure(served[name])) for name in (hits, gain, coverage)],
        "baseline": None
        if baseline is None or baseline is served or baseline[hits] is None
        else (content.baseline, views.percent(baseline[hits])),
        "panels": [
            (measure, Markup(plots.whiskers(measure, views.points(evaluation, measure)))) for measure in (hits, gain)
        ],
        "trade_off": Markup(plots.trade_off(coverage, gain, across)) if across else None,
        "by_history": views.slices_table(evaluation, "user_history", gain, gain),
        "by_target": views.slices_table(evaluation, "target_count", gain, gain),
        "few": views.FEW,
        "measures": views.measures_table(evaluation, gain),
        "chances": _chances(evaluation.get("chances")),
    }


def _chances(told: dict[str, Any] | None) -> dict[str, Any] | None:
    """How reliable the probabilities are; None where that was not measured."""
    if not told or not told["bins"]:
        return None
    return {
        "plot": Markup(plots.reliability_plot(told["bins"])),
        "table": views.reliability_table(told["bins"]),
        "error": views.figure(told["error"]),
        "hits": views.share(told["hits"]),
        "ranks": told["ranks"],
    }


def _headline(served: dict[str, Any], hits: str) -> tuple[str, str]:
    low, high = served["intervals"].get(hits, (None, None))
    known = low is not None and high is not None
    return views.percent(served[hits]), f"{low * 100:.1f} to {views.percent(high)}" if known else ""


def _sample(given: dict[str, Any]) -> dict[str, Any]:
    """A person's list with its reasons in words."""
    items = [
        {**item, "words": [Reason(**_plain(reason)).words() for reason in item["reasons"]]} for item in given["items"]
    ]
    return {**given, "items": items}


def _plain(reason: Any) -> dict[str, Any]:
    return asdict(reason) if isinstance(reason, Reason) else reason
