"""Learning to combine: candidates of several models in one table, and one score for each row of it."""

from zhiyin.rank.fusion.combine import Combiner, Kind, learn, score_columns, score_table
from zhiyin.rank.fusion.facts import Facts
from zhiyin.rank.fusion.table import Table, owners, places
from zhiyin.rank.fusion.trees import TreeParams

__all__ = [
    "Combiner",
    "Facts",
    "Kind",
    "Table",
    "TreeParams",
    "learn",
    "owners",
    "places",
    "score_columns",
    "score_table",
]
