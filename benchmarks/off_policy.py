"""Off-policy estimates against what the other policy really brought.

    python -m benchmarks off_policy [--quick] [--no-peer]

Open Bandit Dataset, campaign "men", 10,000 impressions under each of two policies that ran side by side: ``random``
and ``bts`` (Thompson sampling). From the log of one, the click rate of the other is estimated and held against the
rate in that other's own log. The chances of a policy are the frequencies of its actions by position in its own log,
clicks unseen. The same arrays go through the Open Bandit Pipeline (obp 0.4.1, in an environment of its own, 6 GB the
first time). Needs the folder ``shared/data`` beside the repository.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl

from benchmarks.data import SHARED
from benchmarks.peer_elsewhere import ROOT, Environment
from benchmarks.tables import markdown
from zhiyin.errors import ModelError
from zhiyin.feedback.logged import Logged, Values, frequencies, logged
from zhiyin.feedback.offpolicy import RESAMPLES, Estimate, estimate
from zhiyin.feedback.rewards import KINDS, cross_fitted
from zhiyin.types import Ints

FOLDER = SHARED / "open_bandit"
OBP = Environment("Open Bandit Pipeline", "obp-0.4.1", ("obp==0.4.1",), "obp_child")
SEED = 0


@dataclass(frozen=True)
class Campaign:
    """One policy's log, and the mean chances [P, A] with which it acts."""

    log: Logged
    chances: Values

    @property
    def positions(self) -> Ints:
        assert self.log.position is not None
        return self.log.position

    @property
    def rate(self) -> float:
        return float(self.log.reward.mean())

    def truth(self, resamples: int) -> Estimate:
        """Its click rate, with the interval of 10,000 rows: its own log is its own policy."""
        own = logged(self.log.reward, np.zeros(len(self.log)), np.ones(len(self.log)))
        return estimate(own, np.ones(len(self.log)), methods=["ips"], resamples=resamples, seed=SEED)[0]


def campaign(policy: str) -> Campaign:
    rows = pl.read_csv(FOLDER / policy / "men.csv.gz")
    people = rows.select(name for name in rows.columns if name.startswith("user_feature"))
    action, position = rows["item_id"].to_numpy().astype(np.int32), rows["position"].to_numpy().astype(np.int32) - 1
    context = people.to_dummies().to_numpy()
    log = logged(rows["click"], action, rows["propensity_score"], position, context)
    return Campaign(log, frequencies(action, position, int(action.max()) + 1))


def table(name: str, ran: Campaign, other: Campaign, resamples: int) -> list[list[str]]:
    """A row for each estimate of ``other`` from the log of ``ran``."""
    target = other.chances[ran.positions]
    plain = Logged(ran.log.reward, ran.log.action, ran.log.propensity, ran.log.position)
    how: dict[str, Any] = {"resamples": resamples, "seed": SEED}
    found = [("", one) for one in estimate(plain, target, methods=["ips", "snips"], **how)]
    found += [(", weights clipped at 5", one) for one in estimate(plain, target, methods=["ips"], clip=5, **how)]
    for kind in KINDS:
        found += [(f", {kind}", one) for one in estimate(plain, target, methods=["dm", "dr"], model=kind, **how)]
    found += [(", ridge, who asks", one) for one in estimate(ran.log, target, methods=["dr"], **how)]
    return [
        [
            name,
            f"{one.method.upper()}{more}",
            f"{one.value:.5f}",
            f"{one.low:.5f}-{one.high:.5f}",
            "yes" if one.covers(other.rate) else "**no**",
            f"{one.effective:,.0f}",
            "; ".join(one.warnings) or "-",
        ]
        for more, one in found
    ]


def ask(log: Logged, target: Values, expected: Values) -> dict[str, Any]:
    """The peer's figures. Raises ModelError where its process fails."""
    OBP.install()
    with tempfile.TemporaryDirectory() as name:
        given, told = Path(name) / "given.npz", Path(name) / "told.npz"
        arrays: dict[str, Any] = {"action": log.action.astype(int), "position": np.asarray(log.position, dtype=int)}
        np.savez(given, reward=log.reward, propensity=log.propensity, target=target, expected=expected, **arrays)
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("PYTHON", "ZHIYIN_"))}
        command = [str(OBP.folder() / "bin" / "python"), "-m", f"benchmarks.{OBP.child}", str(given), str(told)]
        done = subprocess.run(command, env=clean, cwd=ROOT, capture_output=True, text=True)
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no word of why"])[-1]
            raise ModelError(f"{OBP.library} failed: {last}", where=OBP.child, fix="run it by hand to see more")
        with np.load(told) as held:
            return {key: held[key] for key in held.files}


def compare(random: Campaign, bts: Campaign, resamples: int) -> None:
    target, log = bts.chances[random.positions], random.log
    expected = cross_fitted(log, target.shape[1], "ridge", seed=SEED)
    told = ask(log, target, expected)
    ours = estimate(log, target, expected=expected, resamples=resamples, seed=SEED)
    rows = [
        [one.method.upper(), f"{one.value:.9f}", f"{told[one.method]:.9f}", f"{abs(one.value - told[one.method]):.1e}"]
        for one in ours
    ]
    print(markdown(["random -> bts", "Zhiyin", "obp 0.4.1", "apart"], rows))
    again = estimate(log, told["prior"][random.positions], resamples=resamples, seed=SEED)
    said = ", ".join(f"{one.method.upper()} {one.value:.5f} ({one.low:.5f}-{one.high:.5f})" for one in again)
    print(f"\nWith the chances that obp simulates from the shop's published prior in place of the frequencies: {said}.")


def main() -> int:
    parser = argparse.ArgumentParser(description="Off-policy estimates against the truth.")
    parser.add_argument("--quick", action="store_true", help="fewer resamples, and the peer only where it is installed")
    parser.add_argument("--no-peer", action="store_true", help="do without obp")
    given = parser.parse_args()
    if not FOLDER.is_dir():
        print(f"skipped: {FOLDER} is not here")
        return 0
    resamples = 200 if given.quick else RESAMPLES
    random, bts = campaign("random"), campaign("bts")
    for name, one in (("random", random), ("bts", bts)):
        truth = one.truth(resamples)
        print(
            f"{name}: {int(one.log.reward.sum())} clicks in {len(one.log):,}, {truth.value:.4f} "
            f"(95 % interval {truth.low:.4f}-{truth.high:.4f})"
        )
    print(f"Intervals: percentile bootstrap over rows, {resamples:,} draws, seed {SEED}.\n")
    header = [
        "log -> policy",
        "estimate",
        "click rate",
        "95 % interval",
        "covers the truth",
        "effective rows",
        "warnings",
    ]
    rows = table("random -> bts", random, bts, resamples) + table("bts -> random", bts, random, resamples)
    print(markdown(header, rows))
    sums = np.zeros(bts.chances.shape)
    np.add.at(sums, (bts.positions, bts.log.action), bts.log.propensity)
    counts = bts.chances * np.bincount(bts.positions)[:, None]
    naive = (sums / np.maximum(counts, 1)).sum(axis=1)
    print(
        "\nA policy that changes with time is logged when its actions were likely: the mean logged chances of the bts "
        f"log sum to {', '.join(f'{one:.2f}' for one in naive)} by position where 1 is right, and are not used.\n"
    )
    if not given.no_peer and (OBP.installed() or not given.quick):
        try:
            compare(random, bts, resamples)
        except ModelError as failed:
            print(failed.line, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
