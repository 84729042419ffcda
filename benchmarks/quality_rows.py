"""The rows of the quality table: each model's figures on the test part, and what it cost."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks import peers
from benchmarks.peer_cost import Cost, watched
from benchmarks.peer_kinds import kinds
from benchmarks.tables import figure, settings
from zhiyin.candidates.base import Recommender
from zhiyin.candidates.fill import Filled
from zhiyin.candidates.popular import WindowedPopularity
from zhiyin.config import Settings
from zhiyin.evaluate.measure import Measurement, Ranker, measure_lists
from zhiyin.evaluate.run import Evaluation
from zhiyin.ports import Progress
from zhiyin.prepare import Prepared
from zhiyin.preprocess.splits import Split, Trial
from zhiyin.registry import FILLER, MODELS
from zhiyin.search import OBJECTIVE, K, validation_score
from zhiyin.types import Catalogue, Ints, TrainingData

HR, NDCG = f"HR@{K}", OBJECTIVE
HEADER = (
    "model",
    "from",
    "hyper-parameters chosen on validation",
    "tried",
    f"validation {NDCG}",
    HR,
    NDCG,
    "fit s",
    "ms a user",
    "MiB",
)
COSTS = (
    "Costs are of one more fit of the same. fit s: seconds to fit; ms a user: a list of 10 for everybody measured, by "
    "the number of users; MiB: peak of resident memory in both, above what the process held with libraries and data "
    "loaded, read from the system. A peer in an environment of its own is measured inside its own process in the same "
    "way."
)


@dataclass(frozen=True)
class Row:
    """One model measured on the test part. Costs are seconds to fit, seconds to rank for all, MiB."""

    name: str
    source: str
    params: str
    tried: int
    validation: float
    measured: Measurement
    costs: tuple[float, float, float]

    def cells(self) -> list[str]:
        shown = [self._figure(HR), self._figure(NDCG)]
        fit, ranking, mib = self.costs
        each = 1000 * ranking / max(1, self.measured.users)
        costs = [number(fit, ".1f"), number(each, ".2f"), number(mib, ",.0f")]
        chosen = [self.params or "-", str(self.tried), figure(self.validation)]
        return [self.name, self.source, *chosen, *shown, *costs]

    def _figure(self, name: str) -> str:
        interval = self.measured.intervals[name]
        return figure(self.measured.means[name], interval.low, interval.high)


def number(value: float, form: str) -> str:
    """ "-" for NaN."""
    return "-" if value != value else format(value, form)


def our_rows(ours: Evaluation, trial: Trial, prepared: Prepared, seed: int) -> list[Row]:
    """The rows of ``zhiyin evaluate``, with the costs of one more fit."""
    choice = ours.choice
    data = TrainingData(trial.train, prepared.catalogue, seed, trial.now)
    filler = MODELS[FILLER](choice.params[FILLER]).fit(data)
    fitted: dict[str, Recommender] = {}
    fits: dict[str, Cost] = {}
    rows = []
    for name, measured in ours.models.items():
        if name in choice.params:
            params = choice.params[name]
            with watched() as fits[name]:
                fitted[name] = MODELS[name](params).fit(data)
            shown = settings({key: getattr(params, key) for key in MODELS[name].search_space})
        else:
            assert choice.fusion is not None
            parts = [fits[member] for member in choice.fusion.params.members]
            with watched() as joining:
                fitted[name] = choice.fusion.over(fitted, data)
            fits[name] = one_by_one([*parts, joining])
            shown = f"{choice.fusion.params.kind} over {', '.join(choice.fusion.params.members)}"
        _, listing = lists_of(Filled(fitted[name], filler), trial, prepared.catalogue)
        fit = fits[name]
        costs = fit.seconds, listing.seconds, max(fit.mib, fit.kept + listing.mib)
        label = f"**{name}** (served)" if name == choice.served else name
        about = choice.summary[name]
        tried = int(about["trials"]) if "trials" in about else len(about[NDCG])
        rows.append(Row(label, "Zhiyin", shown, tried, choice.scores[name], measured, costs))
    return rows


def one_by_one(costs: Sequence[Cost]) -> Cost:
    """What it costs to do one after the other, each holding what it keeps."""
    total = Cost(0.0, 0.0, 0.0)
    for cost in costs:
        peak = max(total.mib, total.kept + cost.mib)
        total = Cost(total.seconds + cost.seconds, peak, total.kept + cost.kept)
    return total


def lists_of(ranker: Ranker, trial: Trial, catalogue: Catalogue) -> tuple[Ints, Cost]:
    """The lists of everybody measured, and what asking for them cost."""
    allowed = ~catalogue.hidden if catalogue.hidden.any() else None
    with watched() as cost:
        rows, _ = ranker.top_k(trial.histories, K, exclude_seen=True, allowed=allowed)
    return rows, cost


@dataclass(frozen=True)
class TunedPeers:
    """What validation chose for every peer, and the filler of their short lists."""

    peers: list[peers.Tuned]
    filler: WindowedPopularity


def tune_peers(
    split: Split,
    prepared: Prepared,
    options: Settings,
    only: Sequence[str],
    quick: bool,
    progress: Progress,
    most: int | None = None,
) -> TunedPeers:
    """The peers in whose names one of ``only`` stands, on the validation users that Zhiyin's search sees, each by
    ``most`` fits. What was tried before is remembered, but of a quick run."""
    seed = options.train.seed
    trial = split.search().sample(options.train.search_users, seed)
    data = TrainingData(trial.train, prepared.catalogue, seed, trial.now)
    windows = [WindowedPopularity(days=days).fit(data) for days in WindowedPopularity.search_space["days"]]
    filler = max(windows, key=lambda one: validation_score(one, trial, prepared.catalogue))
    interactions = prepared.interactions
    chosen = kinds(quick, ordered=split.name != "random", users=interactions.n_users, items=interactions.n_items)
    key = (peers.same_data(interactions), prepared.catalogue.hidden.sum().item(), split.description)
    tuned = []
    for kind in [kind for kind in chosen if any(part in kind.name for part in only)]:
        more = (trial, prepared.catalogue, seed, filler, progress)
        tuned.append(peers.tune(kind, *more, None, most) if quick else peers.remembered(kind, key, *more, most))
        progress.say(f"{kind.name}: validation {NDCG} {tuned[-1].score:.4f} of {tuned[-1].tried} tried")
    return TunedPeers(tuned, filler)


def peer_rows(tuned: TunedPeers, trial: Trial, prepared: Prepared, seed: int, progress: Progress) -> list[Row]:
    data = TrainingData(trial.train, prepared.catalogue, seed, trial.now)
    filler: Recommender = WindowedPopularity(tuned.filler.params).fit(data)
    rows = []
    with progress.task("Fitting and measuring the peers on the test part", len(tuned.peers)) as advance:
        for one in tuned.peers:
            fitted = peers.fit(one.kind, one.params, data, filler)
            lists, listing = lists_of(fitted.ranker, trial, prepared.catalogue)
            measured = measure_lists(
                lists, trial.histories, trial.targets, trial.train, prepared.catalogue, ks=(K,), seed=seed
            )
            params = settings(one.params)
            rows.append(Row(one.kind.name, "peer", params, one.tried, one.score, measured, fitted.costs(listing)))
            advance(1)
    return rows


def validation_cells(tuned: Sequence[peers.Tuned]) -> list[list[str]]:
    """Peer, chosen parameters, number tried, validation figure."""
    return [[one.kind.name, settings(one.params) or "-", str(one.tried), figure(one.score)] for one in tuned]
