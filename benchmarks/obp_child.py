"""Runs inside the environment of the Open Bandit Pipeline: its estimates on the arrays of a file.

    python -m benchmarks.obp_child GIVEN.npz TOLD.npz

GIVEN: ``reward``, ``action``, ``position``, ``propensity`` [n], ``target`` and ``expected`` [n, actions]. TOLD:
``ips``, ``snips`` and ``dr`` (with ``expected`` as its reward model), and ``prior`` [positions, actions], the chances
with which the policy of the shop draws before it has learned anything new, by the library's own simulation.
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from obp.ope import (  # type: ignore[import-not-found]
    DoublyRobust,
    InverseProbabilityWeighting,
    SelfNormalizedInverseProbabilityWeighting,
)
from obp.policy import BernoulliTS  # type: ignore[import-not-found]

DRAWS = 100_000


def main(given: Path, told: Path) -> None:
    with np.load(given) as held:
        reward, action, position = held["reward"], held["action"], held["position"]
        propensity, target, expected = held["propensity"], held["target"], held["expected"]
    lists = int(position.max()) + 1
    # The library wants the chances of every position in every row, and reads those of the row's own.
    chances = np.repeat(target[:, :, None], lists, axis=2)
    asked = {"reward": reward, "action": action, "pscore": propensity, "position": position, "action_dist": chances}
    believed = np.repeat(expected[:, :, None], lists, axis=2)
    policy = BernoulliTS(
        n_actions=target.shape[1], len_list=lists, is_zozotown_prior=True, campaign="men", random_state=0
    )
    np.savez(
        told,
        ips=InverseProbabilityWeighting().estimate_policy_value(**asked),
        snips=SelfNormalizedInverseProbabilityWeighting().estimate_policy_value(**asked),
        dr=DoublyRobust().estimate_policy_value(**asked, estimated_rewards_by_reg_model=believed),
        prior=policy.compute_batch_action_dist(n_rounds=1, n_sim=DRAWS)[0].T,
    )


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
