"""The people of a project as circles see them: what they took, whom they are linked with, what interests them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from scipy import sparse

from zhiyin.bundle import FOLDER, Bundle, active
from zhiyin.config import Settings
from zhiyin.errors import BundleError, NotEnoughData
from zhiyin.interest_scorer import InterestScorer
from zhiyin.ports import Store
from zhiyin.prepare import read_catalogue
from zhiyin.preprocess.clean import clean
from zhiyin.preprocess.dataset import histories_of, links_of
from zhiyin.rank.interests import read_interests
from zhiyin.serving import Models
from zhiyin.types import Catalogue, Floats, Histories, IdMap


@dataclass(frozen=True)
class Interest:
    """A named interest of the served bundle. ``general`` stands for going along with what is popular."""

    id: str
    name: str
    general: bool


@dataclass(frozen=True)
class People:
    """Everybody who has an event or a link, by row. ``links`` as in ``Interactions``. ``interests`` float32 [n, Z] is
    p(z|u) by the served bundle, a row of zeros for people without events there; None without a bundle."""

    ids: IdMap
    items: IdMap
    catalogue: Catalogue
    histories: Histories
    links: sparse.csr_array | None
    interests: Floats | None
    named: Sequence[Interest]


def read_people(store: Store, settings: Settings, project: Path) -> People:
    """As stored now. Raises NotEnoughData where nobody has a link or an event that shows interest."""
    events, _ = clean(store.events(), settings.preprocess)
    links, items = store.links(), store.items()
    known = {*events["user_id"].unique(), *links["user_id"].unique(), *links["other_id"].unique()}
    if not known:
        raise NotEnoughData(
            "there are no people with events or links", fix="run 'zhiyin import --events FILE' or '--links FILE'"
        )
    ids, order = IdMap(sorted(known)), IdMap(items["item_id"].to_list())
    half_life = settings.preprocess.half_life_days
    histories = histories_of(events, order, ids.ids, half_life_days=half_life)
    interests, named = _interests(store, project, histories, order, ids)
    return People(ids, order, read_catalogue(items, order), histories, links_of(links, ids), interests, named)


def _interests(
    store: Store, project: Path, histories: Histories, items: IdMap, ids: IdMap
) -> tuple[Floats | None, list[Interest]]:
    """Without a bundle, or with one that holds no interests, none."""
    try:
        bundle = active(store, project / FOLDER)
        scorer = Models(bundle).get(InterestScorer.name)
    except BundleError:
        return None, []
    assert isinstance(scorer, InterestScorer)
    model = scorer.model
    own = in_rows_of(bundle, histories, items, ids)
    found = model.users(own)
    found[own.lengths == 0] = 0
    return found, [Interest(one.id, one.name, one.general) for one in read_interests(bundle.manifest.interests)]


def in_rows_of(bundle: Bundle, histories: Histories, items: IdMap, ids: IdMap) -> Histories:
    """``histories`` with the bundle's rows of items; items that it does not know are left out."""
    rows = bundle.items.rows(items.ids)[histories.items]
    kept = rows >= 0
    counts = np.bincount(histories.owners()[kept], minlength=len(histories))
    indptr = np.concatenate(([0], np.cumsum(counts))).astype(np.int64)
    return Histories(indptr, rows[kept], histories.weights[kept], histories.times[kept], bundle.users.rows(ids.ids))
