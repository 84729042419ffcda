"""How likely is each option behind its prefix?

Three ways that give the same numbers. *Packed*: the whole tree of a run in one row, each node seeing the header and its
ancestors through a mask. *Padded*: each path a row behind the header, for families that take no such mask. *Whole*:
each path from its beginning, for those that keep no keys and values. The first that reproduces the last on a small
example is taken when the model is loaded.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from zhiyin.llm.embedded.loading import Loaded
from zhiyin.llm.embedded.prefixes import Prefixes, cache_of
from zhiyin.llm.embedded.tree import Path, Tree, trees
from zhiyin.types import Floats

NODES = 512
"""Tokens in one run behind the header: half as many took 5 % longer, and a deadline is looked at between runs."""
LOGITS = 2**26
"""Numbers in one block of logits (float32, so 256 MiB): a large vocabulary allows fewer tokens in a run."""
TOLERANCE = {"float32": 1e-3, "bfloat16": 0.25}
"""By how much a way may miss the plain computation of the small example, in nats."""
KINDS = {"full_attention", "sliding_attention"}

Check = Callable[[int], None]


class Scorer:
    """Log-likelihoods of the paths of trees."""

    def __init__(self, loaded: Loaded, prefixes: Prefixes) -> None:
        self._loaded = loaded
        self._prefixes = prefixes
        self.limit = max(32, min(NODES, LOGITS // loaded.vocabulary))
        self.way = self._choose()

    def score(self, tree: Tree, check: Check) -> tuple[Floats, int]:
        """Log-likelihood of the option of each path, float32 [paths], and the tokens computed besides the tree's own.
        ``check`` is called with the number of tokens before each run, and may raise."""
        if self.way == "whole":
            every = sum(len(path.inner) for path in tree.paths)
            check(every)
            return self._whole(tree.paths), every - len(tree)
        state, computed = self._prefixes.state(tree.header, check)
        if self.way == "packed":
            check(len(tree))
            return self._packed(tree, state), computed
        every = sum(len(path.inner) - len(tree.header) for path in tree.paths)
        check(every)
        return self._padded(tree, state), computed + every - len(tree)

    def _packed(self, tree: Tree, state: Any) -> Floats:
        import torch

        nodes = list(dict.fromkeys(node for _, node, _ in tree.asked))
        rows = {node: row for row, node in enumerate(nodes)}
        with torch.inference_mode():
            logits = self._loaded.forward(
                input_ids=torch.tensor([tree.tokens]),
                position_ids=torch.tensor([tree.positions]),
                attention_mask=self._masks(tree),
                cache=cache_of(state),
                use_cache=True,
                logits_to_keep=torch.tensor(nodes),
            ).logits[0]
            if len(logits) != len(nodes):  # a family that always gives all
                logits = logits[torch.tensor(nodes)]
            found = _chosen(logits, [rows[node] for _, node, _ in tree.asked], [token for _, _, token in tree.asked])
        logs = np.zeros(len(tree.paths), dtype=np.float64)
        np.add.at(logs, [row for row, _, _ in tree.asked], found)
        return logs.astype(np.float32)

    def _masks(self, tree: Tree) -> Any:
        """Float [1, 1, nodes, header + nodes], 0 where a node may look; one by kind where layers differ in how far."""
        import torch

        header, size = len(tree.header), len(tree)
        seen = torch.zeros((size, header + size), dtype=torch.bool)
        seen[:, :header] = True
        for node, above in tree.ancestors():
            seen[node, [header + one for one in above]] = True
        dtype = self._loaded.model.dtype
        closed = torch.finfo(dtype).min

        def mask(open_: Any) -> Any:
            return torch.zeros(open_.shape, dtype=dtype).masked_fill_(~open_, closed)[None, None]

        window = self._loaded.window
        if window is None:
            return mask(seen)
        places = torch.tensor([*range(header), *tree.positions])
        near = seen & (torch.tensor(tree.positions)[:, None] - places[None] < window)
        if len(self._loaded.layer_kinds) > 1:
            return {"full_attention": mask(seen), "sliding_attention": mask(near)}
        return mask(seen if self._loaded.layer_kinds == ["full_attention"] else near)

    def _padded(self, tree: Tree, state: Any) -> Floats:
        header = len(tree.header)
        logs = np.zeros(len(tree.paths), dtype=np.float32)
        # Of one length or nearly, so that little is padded.
        order = sorted(range(len(tree.paths)), key=lambda row: len(tree.paths[row].tokens))
        while order:
            longest = max(1, len(tree.paths[order[-1]].inner) - header)
            some = order[-max(1, self.limit // longest) :]
            del order[-len(some) :]
            logs[some] = self._rows([tree.paths[row] for row in some], header, state)
        return logs

    def _whole(self, paths: list[Path]) -> Floats:
        return np.concatenate([self._rows([path], 0, None) for path in paths])

    def _rows(self, paths: list[Path], header: int, state: Any) -> Floats:
        """Each path as one row behind the header, padded at its end. ``state`` None keeps no keys and values."""
        import torch

        longest = max(len(path.inner) for path in paths)
        tokens = torch.zeros((len(paths), longest - header), dtype=torch.long)
        mask = torch.zeros((len(paths), longest), dtype=torch.long)
        for row, path in enumerate(paths):
            tokens[row, : len(path.inner) - header] = torch.tensor(path.inner[header:])
            mask[row, : len(path.inner)] = 1
        more: dict[str, Any] = {"use_cache": False}
        if state is not None:
            more = {"use_cache": True, "cache": cache_of(state, len(paths))}
        more["position_ids"] = torch.arange(header, longest)[None].expand(len(paths), -1)
        with torch.inference_mode():
            logits = self._loaded.forward(input_ids=tokens, attention_mask=mask, **more).logits
            logs = []
            for row, path in enumerate(paths):
                asked = range(path.prefix - 1, len(path.inner))
                found = _chosen(logits[row], [place - header for place in asked], list(path.tokens[path.prefix :]))
                logs.append(found.sum())
        return np.array(logs, dtype=np.float32)

    def _choose(self) -> str:
        """The first way that reproduces the plain computation."""
        vocabulary = self._loaded.vocabulary
        one, two, three, four, five = ((place * vocabulary) // 7 for place in range(1, 6))
        text = (one, two, three, four)
        endings = ((one, two), (one, three, three), (five,), (one, three, four, two))
        paths = [Path(0, row, (*text, *ending), len(text)) for row, ending in enumerate(endings)]
        (tree,) = trees(paths, len(text) * 8)
        wanted = self._whole(tree.paths)
        most = TOLERANCE.get(str(self._loaded.model.dtype).removeprefix("torch."), 1e-3)
        for way in ("packed", "padded"):
            if way == "packed" and not set(self._loaded.layer_kinds) <= KINDS:
                continue
            self.way = way
            try:
                found, _ = self.score(tree, lambda tokens: None)
            except Exception:  # a family that takes no such cache, mask or position says so in its own words
                continue
            finally:
                self._prefixes.forget()
            if np.abs(found - wanted).max() < most:
                return way
        return "whole"


def _chosen(logits: Any, rows: list[int], tokens: list[int]) -> Any:
    """Log-probability of ``tokens[i]`` in row ``rows[i]`` of ``logits`` [rows, vocabulary]: float64 [tokens]."""
    import torch

    used = sorted(set(rows))
    place = {row: at for at, row in enumerate(used)}
    block = logits[torch.tensor(used)].float()
    at = torch.tensor([place[row] for row in rows])
    return (block[at, torch.tensor(tokens)] - block.logsumexp(-1)[at]).double().numpy()
