"""What is asked of an engine when many lists are wanted at once."""

from __future__ import annotations

from dataclasses import dataclass

from zhiyin.types import DEFAULT_SURFACE


@dataclass(frozen=True)
class ListRequest:
    """One list of the best ``k``. ``where`` are conditions that every item must hold, as JSON of what a pipeline file
    says in ``where = {...}``; ``reasons`` False leaves reasons and sources out, which saves most of the work."""

    user_id: str | None
    k: int = 10
    exclude: tuple[str, ...] = ()
    include_seen: bool = False
    surface: str = DEFAULT_SURFACE
    where: tuple[str, ...] = ()
    reasons: bool = True
    had: bool = False
    """Nothing comes that the person had any event with by now, even one that shows no interest."""

    @property
    def alike(self) -> tuple[object, ...]:
        """Requests that agree in this can be answered together."""
        return self.k, self.exclude, self.include_seen, self.surface, self.where, self.reasons
