"""Policies: one TOML file a category, in ``policies/moderation/`` of the project or as shipped under that name.

A file of the project stands in the place of the shipped one of the same name; ``active = false`` switches it off.
``groups.toml`` (names of groups, by kind) and ``contexts.toml`` (words by which somebody reports or opposes what was
said) are read from both places, and what the project says is added.
"""

from __future__ import annotations

import hashlib
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, Literal, Self, TypeVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from zhiyin.errors import ConfigError

SHIPPED = Path(__file__).parent / "policies"
FOLDER = Path("policies") / "moderation"
GROUPS, CONTEXTS = "groups", "contexts"
BRACES = re.compile(r"\{([a-z]+)\}")

Language = Literal["zh", "en"]


class Action(StrEnum):
    """What happens to a text, mildest first: ``limit`` keeps it for its author and out of the lists of others that ask
    for it, ``hide`` out of every list until the decision expires, ``remove`` for good."""

    ALLOW = "allow"
    LIMIT = "limit"
    HIDE = "hide"
    REMOVE = "remove"

    @property
    def rank(self) -> int:
        return list(Action).index(self)


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


P = TypeVar("P", bound=Part)


class Reached(Part):
    precision: float = Field(ge=0.5, lt=1)
    """The threshold is the least probability from which on this share of texts held out really offended."""


Bar = Annotated[float, Field(ge=0, le=1)] | Reached
Name = Annotated[str, Field(min_length=1, max_length=60, pattern=r"^[a-z][a-z0-9_.-]*$")]
Term = Annotated[str, Field(min_length=1, max_length=100)]


def _compiles(told: str) -> str:
    try:
        re.compile(BRACES.sub("x", told))
    except re.error as broken:
        raise ValueError(f"{told!r} is no regular expression: {broken}") from broken
    return told


Pattern = Annotated[str, Field(min_length=1, max_length=4_000), AfterValidator(_compiles)]
"""A regular expression of Python; {NAME} in it stands for a group's names."""


class Rule(Part):
    id: Name
    """Its name; a decision says "CATEGORY/ID"."""
    terms: list[Term] = []
    """Words as they are meant: every disguise is looked through. Latin words are whole words, with * at the end also
    beginnings; drawn-out letters and letters masked as in f*** are found."""
    initials: list[Term] = []
    """Latin short forms that count beside Chinese characters alone: sb, nmsl."""
    patterns: list[Pattern] = []
    """Regular expressions over the folded text (lower case, simplified); {group} stands for a name of any group,
    {race}, {gender}, ... for one kind."""
    unless: list[Pattern] = []
    """Regular expressions; a hit with one of them on it or near it does not count."""
    sounds: bool = False
    """Whether characters that are read alike count, too."""
    quotable: bool = True
    """Whether a hit is in doubt where somebody reports or opposes what was said."""
    raw: bool = False
    """Whether patterns are held against a text in which no digits are read as letters."""
    confidence: float = Field(0.9, ge=0, le=1)
    """The share of texts with a hit that really offend, as measured or judged."""
    kind: str | None = None
    """What kind of group it is against."""

    @model_validator(mode="after")
    def _finds_something(self) -> Self:
        if not (self.terms or self.initials or self.patterns):
            raise ValueError("a rule needs terms, initials or patterns")
        return self


class Bars(Part):
    """From which confidence on an action is taken; left out, it never is."""

    limit: Bar | None = None
    hide: Bar | None = None
    remove: Bar | None = None


class Words(Part):
    zh: str
    en: str


class Examples(Part):
    offending: list[str] = []
    allowed: list[str] = []


class Policy(Part):
    category: Name
    active: bool = True
    name: Words
    about: Words
    """What the category is, for people and for a language model."""
    severity: int = Field(ge=1, le=5)
    """Of several categories found, that with the severest action decides; then the highest severity."""
    languages: list[Language] = ["zh", "en"]
    classifier: Literal["none", "any", "groups"] = "none"
    """Whether the classifier's opinion is of this category: of ``any`` text, or of those that name ``groups``, which
    come first."""
    llm: bool = True
    """Whether a language model may be asked in doubt."""
    actions: Bars
    expires_days: float | None = Field(None, gt=0, le=36_500)
    """A decision counts for so long; None: until the text or the policies change. What was removed stays so."""
    examples: Examples = Examples()
    """What the policy must find and must let pass: 'zhiyin moderate policies --check' tries them."""
    rules: list[Rule] = []

    @model_validator(mode="after")
    def _ids_differ(self) -> Self:
        ids = [one.id for one in self.rules]
        if len(set(ids)) != len(ids):
            raise ValueError("two rules have the same id")
        return self


class _Names(Part):
    zh: list[Term] = []
    en: list[Term] = []


class _Contexts(Part):
    zh: list[Pattern] = []
    en: list[Pattern] = []
    opposing_zh: list[Pattern] = []
    opposing_en: list[Pattern] = []
    people_zh: list[Pattern] = []
    people_en: list[Pattern] = []
    addressed_zh: list[Pattern] = []
    addressed_en: list[Pattern] = []


@dataclass(frozen=True)
class Policies:
    """``groups``: names by kind; ``contexts``, ``opposing``, ``people`` and ``addressed``: patterns by which somebody
    reports what was said, speaks up against it, speaks of people at all, or to somebody. ``files``: where each policy
    is from."""

    policies: tuple[Policy, ...]
    groups: Mapping[str, tuple[str, ...]]
    contexts: tuple[str, ...]
    opposing: tuple[str, ...]
    people: tuple[str, ...]
    addressed: tuple[str, ...]
    files: Mapping[str, Path]

    @cached_property
    def fingerprint(self) -> str:
        """Hash of all they say: a decision made by others is made anew."""
        told = [policy.model_dump_json() for policy in self.policies]
        patterns = self.contexts, self.opposing, self.people, self.addressed
        return hashlib.sha256(repr((told, sorted(self.groups.items()), *patterns)).encode()).hexdigest()[:16]

    def get(self, category: str) -> Policy | None:
        return next((one for one in self.policies if one.category == category), None)


def load_policies(project: Path | None = None) -> Policies:
    """Those of ``project`` over those shipped. Raises ConfigError naming the file, the key and the fix."""
    paths = {path.stem: path for path in sorted(SHIPPED.glob("*.toml"))}
    own = {} if project is None else {path.stem: path for path in sorted((project / FOLDER).glob("*.toml"))}
    groups: dict[str, list[str]] = {}
    contexts: list[str] = []
    opposing: list[str] = []
    people: list[str] = []
    addressed: list[str] = []
    for place in (SHIPPED, *([] if project is None else [project / FOLDER])):
        if (path := place / f"{GROUPS}.toml").is_file():
            for kind, told in _toml(path).items():
                names = _validated(_Names, told, path, kind)
                groups[kind] = list(dict.fromkeys([*groups.get(kind, []), *names.zh, *names.en]))
        if (path := place / f"{CONTEXTS}.toml").is_file():
            told = _validated(_Contexts, _toml(path), path, None)
            contexts += [one for one in (*told.zh, *told.en) if one not in contexts]
            opposing += [one for one in (*told.opposing_zh, *told.opposing_en) if one not in opposing]
            people += [one for one in (*told.people_zh, *told.people_en) if one not in people]
            addressed += [one for one in (*told.addressed_zh, *told.addressed_en) if one not in addressed]
    found: list[Policy] = []
    for stem, path in ({**paths, **own}).items():
        if stem in (GROUPS, CONTEXTS):
            continue
        policy = _validated(Policy, _toml(path), path, None)
        if policy.category != stem:
            what = f"the category '{policy.category}' must be called like its file"
            raise ConfigError(what, where=str(path), fix=f'write category = "{stem}"')
        _check_braces(policy, groups, path)
        if policy.active:
            found.append(policy)
    kinds = {kind: tuple(names) for kind, names in groups.items()}
    patterns = tuple(contexts), tuple(opposing), tuple(people), tuple(addressed)
    return Policies(tuple(found), kinds, *patterns, {**paths, **own})


def _toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as broken:
        raise ConfigError(f"not valid TOML: {broken}", where=str(path), fix="correct that line") from broken
    except OSError as refused:
        raise ConfigError(f"the file cannot be read: {refused.strerror}", where=str(path), fix="check it") from refused


def _validated(kind: type[P], told: Any, path: Path, key: str | None) -> P:
    try:
        return kind.model_validate(told)
    except ValidationError as invalid:
        first = invalid.errors()[0]
        loc = [str(part) for part in first["loc"] if not str(part).startswith("function-")]
        named = ".".join(([key] if key else []) + loc) or "the file"
        unknown = first["type"] == "extra_forbidden"
        what = f"unknown key '{named}'" if unknown else f"'{named}': {first['msg'].removeprefix('Value error, ')}"
        line = _line(path, loc[-1] if loc else "", loc)
        where = f"{path}{'' if line is None else f', line {line}'}"
        raise ConfigError(what, where=where, fix="see docs/moderation.md for the keys") from invalid


def _line(path: Path, key: str, loc: list[str]) -> int | None:
    """The line that sets ``key``: of a list of tables, within the one that ``loc`` numbers."""
    lines = path.read_text(encoding="utf-8").splitlines()
    skip = 0
    if len(loc) > 1 and loc[0] == "rules" and loc[1].isdigit():
        heads = [place for place, line in enumerate(lines) if line.strip() == "[[rules]]"]
        skip = heads[int(loc[1])] if int(loc[1]) < len(heads) else 0
    keys = [part for part in reversed(loc) if not part.isdigit()] or [key]
    for wanted in keys:
        for place, line in enumerate(lines[skip:], skip + 1):
            if re.match(rf"\s*\[*{re.escape(wanted)}\b", line):
                return place
    return None


def _check_braces(policy: Policy, groups: Mapping[str, list[str]], path: Path) -> None:
    for rule in policy.rules:
        for pattern in (*rule.patterns, *rule.unless):
            for name in BRACES.findall(pattern):
                if name != "group" and name not in groups:
                    what = f"rule '{rule.id}' names the group '{name}', which is nowhere"
                    raise ConfigError(what, where=str(path), fix=f"use group or one of {', '.join(sorted(groups))}")
