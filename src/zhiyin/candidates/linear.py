"""The core: a text-augmented linear item-item model with sequential rules on top.

    A = X'X + text_scale * max(cos, 0)^text_power + regularisation * I        X users x items, cos between text vectors
    B = I - A^-1 / diag(A^-1)                                                 zero diagonal
    M = B + rules * R + backward * R'                                         R the sequential rules of ``rules``,
                                                                              R' the same read backwards
    score(user, c) = sum over the history of decay^(steps ago) * M[item, c] * f(c) + trend * popularity(c)
    f(c) = (users of c + 1)^-rarity; for items that nobody has taken yet, such that the scores events give them are
           ``newcomers`` times as large as those of the others

B is EASE (Steck 2019, arXiv:1905.03375) on a Gram matrix to which text adds what counts cannot know, so items nobody
has taken yet have rows and columns too.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal, Self

import numpy as np
from pydantic import Field
from scipy import sparse

from zhiyin.candidates.base import Params
from zhiyin.candidates.matrix import ItemMatrixModel, decayed, user_items
from zhiyin.candidates.popular import WindowedPopularity
from zhiyin.candidates.rules import rule_matrix
from zhiyin.candidates.solvers import Solution, fits_densely, solve
from zhiyin.types import Floats, Histories, Interactions, Longs, TrainingData


class LinearParams(Params):
    decay: float = Field(0.6, gt=0, le=1)
    """When asked, an event counts this many times the one after it; 1 counts all alike."""
    rules: float = Field(0.25, ge=0, le=1000)
    """Weight of the sequential rules beside the linear part."""
    backward: float = Field(0.0, ge=0, le=1000)
    """Weight of the same rules read the other way, from an item to those that people take before it: of somebody with
    few events it is not known yet which of the two comes first."""
    regularisation: float = Field(200.0, gt=0, le=1e6)
    """Ridge penalty: higher trusts single co-occurrences less."""
    text_scale: float = Field(20.0, ge=0, le=1e6)
    """Co-occurrences that an identical text is worth; 0 leaves text out."""
    text_power: float = Field(4.0, gt=0, le=32)
    """Higher counts only texts that are very close."""
    trend: float = Field(0.0, ge=0, le=1000)
    """Weight of recent popularity (1 for the most popular item), which carries people of whom little is known."""
    trend_days: float = Field(30.0, gt=0, le=36_500)
    """Days of which that popularity speaks."""
    rarity: float = Field(0.0, ge=0, le=1)
    """Higher favours items that few people have taken."""
    newcomers: float = Field(1.2, ge=0, le=100)
    """Size of the scores that events give to items known by text alone, beside that of the others' scores. Higher
    places new items better and the others worse (docs/benchmarks.md, items without events)."""
    keep: int = Field(400, ge=1, le=100_000)
    """Strongest entries kept per item."""
    solver: Literal["auto", "dense", "local"] = "auto"
    """``dense`` is exact and takes n^2 memory, ``local`` solves each item within its nearest relations."""
    memory_gib: float = Field(4.0, gt=0, le=4096)
    """With ``auto``, catalogues whose dense matrix would take more than this are solved locally."""


SOLVED_BY = ("regularisation", "text_scale", "text_power", "solver", "memory_gib", "keep")
"""Parameters that need the expensive part again when they change."""


class LinearCore(ItemMatrixModel):
    name: ClassVar[str] = "linear"
    params_type: ClassVar[type[Params]] = LinearParams
    search_space: ClassVar[dict[str, tuple[Any, ...]]] = {
        "decay": (0.6, 0.3, 0.45, 0.75, 0.85, 0.93, 1.0),
        "rules": (0.25, 0.0, 0.06, 0.12, 0.5, 1.0, 2.0, 4.0),
        "trend": (0.0, 0.1, 0.2, 0.4, 0.8, 1.6),
        "regularisation": (200.0, 50.0, 100.0, 150.0, 400.0, 800.0, 1600.0),
        "text_scale": (20.0, 0.0, 5.0, 10.0, 40.0, 80.0),
        "rarity": (0.0, 0.05, 0.1, 0.2, 0.3),
    }
    params: LinearParams

    def __init__(self, params: Params | None = None, **values: Any) -> None:
        super().__init__(params, **values)
        self._solved: dict[tuple[Any, ...], tuple[Interactions, Solution]] = {}

    def variant(self, params: Params) -> Self:
        """The same model with other parameters; what was solved on the same data is not solved again."""
        other = type(self)(params)
        other._solved = self._solved
        return other

    def fit_seconds(self, data: TrainingData) -> float:
        n, events = data.interactions.n_items, len(data.interactions.histories.items)
        solver = self.params.solver
        dense = solver == "dense" or (solver == "auto" and fits_densely(n, self.params.memory_gib))
        again = 0.2 + 1e-6 * events + 1e-4 * n
        if self._known(data) is not None:
            return again
        return again + (20.0 * (n / 12_000) ** 3 if dense else n / 2_500)

    def rough(self) -> Params | None:
        """Item by item, within the nearest relations of each."""
        return None if self.params.solver == "local" else self.params.model_copy(update={"solver": "local"})

    def fit(self, data: TrainingData) -> Self:
        histories, n = data.interactions.histories, data.interactions.n_items
        solution = self._solve(data)
        rules = rule_matrix(histories, n)
        rules.data *= np.float32(self.params.rules)
        if self.params.backward:
            back = rule_matrix(histories, n, backward=True)
            rules = rules + back * np.float32(self.params.backward)
        # A sum is a new matrix: the solution itself may be the one that other variants share.
        matrix = sparse.csr_array(solution.matrix + rules)
        counts = np.bincount(histories.items, minlength=n)
        matrix.data *= self._column_scale(matrix, counts)[matrix.indices]
        self.matrix = strongest(matrix, self.params.keep)
        self.base = None
        if self.params.trend:
            popularity = WindowedPopularity(days=self.params.trend_days).fit(data).popularity
            self.base = popularity * np.float32(self.params.trend / popularity.max(initial=np.finfo(np.float32).tiny))
        self.n_items = n
        return self

    def event_weights(self, histories: Histories) -> Floats:
        return decayed(histories, self.params.decay)

    def _column_scale(self, matrix: sparse.csr_array, counts: Longs) -> Floats:
        """Factor of each column, float32 [n].

        Items without events are set against the others by the root mean square of the scores that the events of
        training give them, so whatever moves the others (rules, penalty, rarity) neither drowns nor raises them.
        """
        scale = (counts + 1.0) ** -self.params.rarity
        energy = counts @ matrix.power(2) * scale**2
        fresh = counts == 0
        if energy[fresh].any() and energy[~fresh].any():
            scale[fresh] = self.params.newcomers * np.sqrt(energy[~fresh].mean() / energy[fresh].mean())
        return scale.astype(np.float32)

    def _key(self) -> tuple[Any, ...]:
        return tuple(getattr(self.params, name) for name in SOLVED_BY)

    def _known(self, data: TrainingData) -> Solution | None:
        """What was solved with these parameters, if it was on these very data."""
        interactions, solution = self._solved.get(self._key(), (None, None))
        return solution if interactions is data.interactions else None

    def _solve(self, data: TrainingData) -> Solution:
        solution = self._known(data)
        if solution is None:
            chosen = user_items(data.interactions.histories, data.interactions.n_items)
            solution = solve(
                (chosen.T @ chosen).tocsr(),
                data.catalogue.vectors,
                text_scale=self.params.text_scale,
                text_power=self.params.text_power,
                regularisation=self.params.regularisation,
                keep=self.params.keep,
                method=self.params.solver,
                memory_gib=self.params.memory_gib,
            )
            self._solved[self._key()] = (data.interactions, solution)
        return solution


def strongest(matrix: sparse.csr_array, keep: int) -> sparse.csr_array:
    """The ``keep`` entries of largest magnitude in each row, indices sorted; ties go to the lower column."""
    matrix.sort_indices()
    counts = np.diff(matrix.indptr)
    if counts.max(initial=0) <= keep:
        return matrix
    rows = np.repeat(np.arange(matrix.shape[0]), counts)
    order = np.lexsort((matrix.indices, -np.abs(matrix.data), rows))
    place = np.arange(len(order)) - np.repeat(matrix.indptr[:-1], counts)
    kept = np.sort(order[place < keep])
    indptr = np.concatenate(([0], np.cumsum(np.minimum(counts, keep)))).astype(matrix.indptr.dtype)
    return sparse.csr_array((matrix.data[kept], matrix.indices[kept], indptr), shape=matrix.shape)
