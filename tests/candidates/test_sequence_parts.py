from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from zhiyin.candidates.sequence.batches import batches, kept_aside, stretches
from zhiyin.candidates.sequence.forward import deep_states, states
from zhiyin.candidates.sequence.params import SequenceParams
from zhiyin.candidates.sequence.text import POWER, closest, placed, whitened
from zhiyin.types import Floats, Histories

rng = np.random.default_rng(5)


def unit(count: int, width: int) -> Floats:
    vectors = rng.normal(size=(count, width)).astype(np.float32) + 2
    return np.asarray(vectors / np.linalg.norm(vectors, axis=1, keepdims=True), dtype=np.float32)


@pytest.mark.parametrize("blocks", [1, 3])
@pytest.mark.parametrize("heads", [1, 4])
def test_numpy_and_torch_agree(blocks: int, heads: int) -> None:
    torch = pytest.importorskip("torch")
    from zhiyin.candidates.sequence.network import Network

    params = SequenceParams(factors=16, blocks=blocks, heads=heads, length=9)
    items = rng.normal(size=(30, 16)).astype(np.float32)
    network = Network(items, params).eval()
    with torch.no_grad():
        for weight in network.parameters():
            weight.add_(torch.from_numpy(0.3 * rng.normal(size=weight.shape).astype(np.float32)))
    arrays = {name: weight.detach().numpy() for name, weight in network.named_parameters()}
    lengths = np.array([3, 0, 9, 1, 40, 6])
    histories = Histories.of([rng.integers(0, 30, length).tolist() for length in lengths])
    found = states(arrays, arrays["items"], histories, heads)
    assert not found[1].any(), "an empty history has no state"
    for person in (0, 2, 3, 4, 5):
        latest = histories.slice(person, person + 1).items[-9:].astype(np.int64)
        with torch.no_grad():
            given = network(network.items[torch.from_numpy(latest)][None], torch.tensor([len(latest)]))[0, -1]
        assert np.abs(found[person] - given.numpy()).max() < 1e-4


def test_what_lies_behind_changes_nothing() -> None:
    torch = pytest.importorskip("torch")
    from zhiyin.candidates.sequence.network import Network

    network = Network(rng.normal(size=(30, 8)).astype(np.float32), SequenceParams(factors=8, length=6)).eval()
    with torch.no_grad():
        rows = torch.tensor([[1, 2, 3, 0, 0], [4, 5, 6, 7, 8]])
        together = network(network.items[rows], torch.tensor([3, 5]))
        alone = network(network.items[rows[:1, :3]], torch.tensor([3]))
    assert together[0, :3].numpy() == pytest.approx(alone[0].numpy(), abs=1e-5)


def test_many_people_are_answered_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    from zhiyin.candidates.sequence import forward, shallow
    from zhiyin.candidates.sequence.network import Network

    network = Network(rng.normal(size=(30, 8)).astype(np.float32), SequenceParams(factors=8, length=6))
    arrays = {name: weight.detach().numpy() for name, weight in network.named_parameters()}
    histories = Histories.of([rng.integers(0, 30, length).tolist() for length in rng.integers(0, 9, 40)])
    whole = states(arrays, arrays["items"], histories, 1)
    for module in (forward, shallow):
        monkeypatch.setattr(module, "CHUNK_CELLS", 300)
    for asked in (states, deep_states):
        assert asked(arrays, arrays["items"], histories, 1) == pytest.approx(whole, abs=1e-5)


@pytest.mark.parametrize("heads", [1, 2, 4])
def test_one_block_needs_the_latest_event_alone(heads: int) -> None:
    shapes = {
        "places": (7, 8),
        "blocks.0.norm1.weight": (8,),
        "blocks.0.norm1.bias": (8,),
        "blocks.0.mix.weight": (24, 8),
        "blocks.0.mix.bias": (24,),
        "blocks.0.out.weight": (8, 8),
        "blocks.0.out.bias": (8,),
        "blocks.0.norm2.weight": (8,),
        "blocks.0.norm2.bias": (8,),
        "blocks.0.up.weight": (32, 8),
        "blocks.0.up.bias": (32,),
        "blocks.0.down.weight": (8, 32),
        "blocks.0.down.bias": (8,),
        "norm.weight": (8,),
        "norm.bias": (8,),
        "sharpness": (1,),
    }
    arrays = {name: rng.normal(size=shape).astype(np.float32) for name, shape in shapes.items()}
    items = rng.normal(size=(30, 8)).astype(np.float32)
    histories = Histories.of([rng.integers(0, 30, length).tolist() for length in rng.integers(0, 12, 60)])
    found = states(arrays, items, histories, heads)
    assert found == pytest.approx(deep_states(arrays, items, histories, heads), rel=1e-4, abs=1e-4)
    assert not states(arrays, items, Histories.of([[], []]), heads).any()


def test_every_event_is_learned_once() -> None:
    lengths = np.array([0, 1, 2, 6, 7, 30])
    histories = Histories.of([list(range(length)) for length in lengths])
    for _ in range(20):
        chosen = stretches(histories.indptr, histories.indptr[1:], histories.items.astype(np.int64), 5, rng)
        assert (chosen.stop - chosen.start).max() <= 6
        learned = np.concatenate([np.arange(a + 1, b) for a, b in zip(chosen.start, chosen.stop, strict=True)])
        follows = np.concatenate(
            [np.arange(a + 1, b) for a, b in zip(histories.indptr[:-1], histories.indptr[1:], strict=True)]
        )
        assert sorted(learned) == follows.tolist()
        given = list(batches(chosen, 8, rng))
        taken = np.concatenate([batch.taken for batch in given])
        assert sorted(taken) == sorted(histories.items[follows])
        for batch in given:
            assert batch.real.sum() == len(batch.taken) == batch.lengths.sum()
            assert (batch.taken == batch.seen[batch.real] + 1).all(), "items are numbered in their order here"


def test_few_are_kept_aside() -> None:
    few = Histories.of([[0, 1, 2]] * 30)
    assert len(kept_aside(few, rng)) == 0
    many = Histories.of([[0, 1]] * 100 + [[0, 1, 2, 3]] * 4000)
    aside = kept_aside(many, rng)
    assert len(aside) == int(0.02 * len(many.items))
    assert aside.min() >= 100, "who has two events would have nothing to learn from"


def test_whitened_vectors() -> None:
    vectors = unit(500, 12)
    vectors[7] = 0
    white = whitened(vectors, 8)
    assert white.shape == (500, 8)
    assert not white[7].any()
    told = np.delete(white, 7, axis=0)
    assert np.linalg.norm(told, axis=1) == pytest.approx(np.ones(499), abs=1e-5)
    assert (told @ told.T)[~np.eye(499, dtype=bool)].mean() == pytest.approx(0, abs=0.01)
    assert (vectors @ vectors.T)[~np.eye(500, dtype=bool)].mean() > 0.5, "they lie in a cone to begin with"
    assert whitened(vectors, 20)[:, 12:].any() == False  # noqa: E712
    assert not whitened(np.zeros((3, 4), dtype=np.float32), 2).any()
    assert not whitened(unit(1, 4), 2).any(), "one text is no direction"


def test_a_place_by_text() -> None:
    known = np.array([[1, 0, 0], [0.8, 0.6, 0], [0, 0, 1]], dtype=np.float32)
    learned = np.array([[1, 0], [0, 1], [5, 5]], dtype=np.float32)
    asked = np.array([[1, 0, 0], [0, 0, 1], [0, 0, 0], [-1, 0, 0]], dtype=np.float32)
    found = placed(closest(asked, known), learned)
    share = 1 / (1 + 0.8**POWER)
    assert found[0] == pytest.approx([share, 1 - share])
    assert found[1] == pytest.approx([5, 5])
    assert not found[2:].any(), "no text, and no text that is close"
    without = placed(closest(asked, known, np.array([0, 2, -1, -1])), learned)
    assert without[0] == pytest.approx([0, 1]), "an item is no neighbour of itself"
    assert not without[1].any()
    assert not placed(closest(asked, known[:0]), learned[:0]).any()


def test_asking_needs_no_torch() -> None:
    code = "import sys, zhiyin.candidates.sequence as s; s.SequenceModel(); print('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "False\n"
