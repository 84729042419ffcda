"""Many questions in few runs of the model: texts that begin alike share their tokens.

Each option behind its prefix is one path of tokens. Sorted, the paths of one run form a tree: what all of them begin
with is the *header*, computed once and kept between runs, and every other token is one node, whose parent is the token
before it. A node sees the header and its ancestors, so nothing is padded and no token is computed twice. Plain Python:
no torch here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Path:
    """Option ``option`` of question ``question``: ``tokens`` are those of the prefix (``prefix`` of them, at least 1)
    and of the option (at least 1)."""

    question: int
    option: int
    tokens: tuple[int, ...]
    prefix: int

    @property
    def inner(self) -> tuple[int, ...]:
        """The tokens that the model must read: all but the last, which is only asked for."""
        return self.tokens[:-1]


@dataclass
class Tree:
    """One run. ``tokens[n]`` has the parent ``parents[n]`` < n, or -1 where it follows the header; its position in the
    text is ``positions[n]``. ``asked`` lists what to read off: (row of ``paths``, node, token that should follow)."""

    header: tuple[int, ...]
    paths: list[Path]
    tokens: list[int] = field(default_factory=list)
    parents: list[int] = field(default_factory=list)
    positions: list[int] = field(default_factory=list)
    owners: list[int] = field(default_factory=list)
    """Row of the path that brought the node in."""
    asked: list[tuple[int, int, int]] = field(default_factory=list)

    def __len__(self) -> int:
        return len(self.tokens)

    def ancestors(self) -> Iterator[tuple[int, list[int]]]:
        """Every node with itself and its ancestors."""
        above: list[list[int]] = []
        for node, parent in enumerate(self.parents):
            above.append([*(above[parent] if parent >= 0 else []), node])
            yield node, above[node]


def trees(paths: Sequence[Path], limit: int) -> Iterator[Tree]:
    """The paths in runs of at most ``limit`` nodes behind their header (a single path may have more), in sorted
    order."""
    group: list[Path] = []
    header = nodes = 0
    for path in sorted(paths, key=lambda path: (path.inner, path.question, path.option)):
        if group:
            # Sorted, a path shares with the tree so far exactly what it shares with the path before it.
            shared = common(group[-1].inner, path.inner)
            narrower = min(header, shared, path.prefix - 1)
            more = nodes + len(path.inner) - shared
            if more - narrower <= limit:
                group.append(path)
                header, nodes = narrower, more
                continue
            yield grow(group, header)
        group, header, nodes = [path], path.prefix - 1, len(path.inner)
    if group:
        yield grow(group, header)


def grow(paths: list[Path], header: int) -> Tree:
    """The tree of ``paths``, which share their first ``header`` tokens."""
    tree = Tree(paths[0].tokens[:header], paths)
    places: dict[tuple[int, int], int] = {}
    for row, path in enumerate(paths):
        node = -1
        for position in range(header, len(path.inner)):
            key = (node, path.tokens[position])
            if key not in places:
                places[key] = len(tree)
                tree.tokens.append(path.tokens[position])
                tree.parents.append(node)
                tree.positions.append(position)
                tree.owners.append(row)
            node = places[key]
            if position >= path.prefix - 1:
                tree.asked.append((row, node, path.tokens[position + 1]))
    return tree


def common(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens two texts begin with alike."""
    most = min(len(one), len(other))
    if one[:most] == other[:most]:
        return most
    low, high = 0, most  # one[:low] is alike, one[:high] is not
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if one[:middle] == other[:middle] else (low, middle)
    return low
