"""The moderator of a tenant, made when first asked for and again when its files change."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakKeyDictionary

from zhiyin.ports import LanguageModels
from zhiyin.scenarios.community.moderation.opening import TRAINED
from zhiyin.scenarios.community.moderation.policy import FOLDER
from zhiyin.serve.tenants import Tenant

if TYPE_CHECKING:
    from zhiyin.scenarios.community.moderation import Moderator

State = tuple[tuple[str, int], ...]

_made: WeakKeyDictionary[Tenant, tuple[State, Moderator]] = WeakKeyDictionary()
_making = threading.Lock()


def moderator_of(tenant: Tenant, models: LanguageModels) -> Moderator:
    """For a thread that may wait: the first call loads the classifier. Raises ConfigError, ModelError."""
    from zhiyin.scenarios.community.moderation import open_moderator

    with _making:
        state = _state(tenant.project)
        kept = _made.get(tenant)
        if kept is None or kept[0] != state:
            kept = state, open_moderator(tenant.settings, tenant.project)
            _made[tenant] = kept
    return kept[1].asking(models)


def _state(project: Path) -> State:
    files = [*sorted((project / FOLDER).glob("*.toml")), project / TRAINED / "model.json"]
    return tuple((str(path), path.stat().st_mtime_ns) for path in files if path.is_file())
