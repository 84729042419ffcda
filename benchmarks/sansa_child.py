"""Runs inside SANSA's own environment: fit it on what a folder holds, leave its two matrices.

    python sansa_child.py DATA OUT PENALTY PER_ITEM

DATA/train.npz: ``indptr``, ``items`` (histories in compressed rows), ``n_items``. OUT: ``left.npz``, ``right.npz``
(score = histories @ left @ right) and ``seconds``. PER_ITEM: entries kept of each item in either matrix.
"""

from __future__ import annotations

import sys
import time
from pathlib import Path

import numpy as np
from sansa import (  # type: ignore[import-not-found]
    SANSA,
    ICFGramianFactorizerConfig,
    SANSAConfig,
    UMRUnitLowerTriangleInverterConfig,
)
from scipy import sparse


def main(data: str, out: str, penalty: str, per_item: str) -> None:
    with np.load(Path(data) / "train.npz") as given:
        indptr, items, n = given["indptr"], given["items"], int(given["n_items"])
    counts = sparse.csr_matrix((np.ones(len(items), dtype=np.float32), items, indptr), shape=(len(indptr) - 1, n))
    # The settings of its README, but for penalty and density.
    model = SANSA(
        SANSAConfig(
            l2=float(penalty),
            weight_matrix_density=min(1.0, float(per_item) / n),
            gramian_factorizer_config=ICFGramianFactorizerConfig(
                factorization_shift_step=1e-3, factorization_shift_multiplier=2.0
            ),
            lower_triangle_inverter_config=UMRUnitLowerTriangleInverterConfig(scans=1, finetune_steps=5),
        )
    )
    began = time.perf_counter()
    model.fit(counts)
    (Path(out) / "seconds").write_text(str(time.perf_counter() - began))
    for name, matrix in zip(("left", "right"), model.weights, strict=True):
        sparse.save_npz(Path(out) / f"{name}.npz", matrix, compressed=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
