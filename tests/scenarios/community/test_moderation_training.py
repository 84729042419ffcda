"""A classifier trained on a small collection with an answer visible by eye."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from zhiyin.config import ModerationSettings, Settings
from zhiyin.errors import DataError, FileUnreadable, NotEnoughData
from zhiyin.ports import Silent
from zhiyin.scenarios.community.moderation import Moderator, load_policies, open_moderator, read_texts, train_own
from zhiyin.scenarios.community.moderation.classifier.grams import Grams, hashes_of
from zhiyin.scenarios.community.moderation.classifier.model import best_run, open_classifier
from zhiyin.scenarios.community.moderation.classifier.network import Network, packed, unpacked
from zhiyin.scenarios.community.moderation.classifier.training import MANY, curve, held_out, train_classifier
from zhiyin.scenarios.community.moderation.view import views

GROUPS = ["甲地人", "乙地人", "丙地人"]
WORDS = ["今天", "昨天", "其实", "看来", "听说", "总之", "大概", "有时"]


def collection(size: int = 420) -> tuple[list[str], list[int]]:
    """Whoever 很坏很烂 is offending, whoever 很好很棒 is not, of whichever group."""
    random = np.random.default_rng(0)
    texts, labels = [], []
    for place in range(size):
        label = place % 2
        said = "很坏很烂" if label else "很好很棒"
        texts.append(
            f"{random.choice(WORDS)}{random.choice(WORDS)}{random.choice(GROUPS)}{said}{random.choice(WORDS)}{place}"
        )
        labels.append(label)
    return texts, labels


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("trained")
    texts, labels = collection()
    train_classifier(folder, texts, labels, name="tiny", languages=["zh"], groups=GROUPS, network=False)
    return folder


def test_it_learns_and_is_read_back(trained: Path) -> None:
    model = open_classifier(trained)
    bad, good, other = model.read(
        [views(text) for text in ("听说甲地人很坏很烂", "听说甲地人很好很棒", "丁地人很坏很烂")]
    )
    assert bad.probability > 0.9 > 0.1 > good.probability
    assert other.probability > 0.9, "whichever group it is"
    assert sorted(path.name for path in trained.iterdir()) == ["model.json", "model.safetensors"]


def test_the_same_seed_gives_the_same_model(trained: Path, tmp_path: Path) -> None:
    texts, labels = collection()
    train_classifier(tmp_path, texts, labels, name="tiny", languages=["zh"], groups=GROUPS, network=False)
    for name in ("model.json", "model.safetensors"):
        assert (tmp_path / name).read_bytes() == (trained / name).read_bytes()


def test_too_little_is_refused(tmp_path: Path) -> None:
    texts, labels = collection(100)
    with pytest.raises(NotEnoughData):
        train_classifier(tmp_path, texts, labels, name="x", languages=["zh"], groups=[])
    with pytest.raises(NotEnoughData):
        train_classifier(tmp_path, texts * 5, [0] * 500, name="x", languages=["zh"], groups=[])


def test_many_texts_that_are_the_same_are_few(tmp_path: Path) -> None:
    texts = ["很坏"] * 200 + [f"很好{place}" for place in range(200)]
    with pytest.raises(NotEnoughData, match="only 1 labelled texts of one label differ"):
        train_classifier(tmp_path, texts, [1] * 200 + [0] * 200, name="x", languages=["zh"], groups=[])


def test_of_few_texts_each_is_held_out_once_and_of_many_some() -> None:
    texts = [f"第{place}句" for place in range(400)] * 2
    parts = held_out(texts, 0)
    assert np.sum(parts, axis=0).tolist() == [1] * 800
    assert all(np.array_equal(part[:400], part[400:]) for part in parts), "the same texts stay together"
    (held,) = held_out([f"第{place}句" for place in range(MANY)], 0)
    assert 0.1 < held.mean() < 0.14


def test_few_texts_are_weighed_as_well_as_many(tmp_path: Path) -> None:
    """A tenth of 400 texts held out said so little that the model was right less often than its readers."""
    texts, labels = collection(240)
    wrong = np.random.default_rng(1).random(240) < 0.1
    told = [label ^ int(flip) for label, flip in zip(labels, wrong, strict=True)]
    made = train_classifier(tmp_path, texts, told, name="x", languages=["zh"], groups=GROUPS, network=False)
    assert made["held"] == 240
    reads = open_classifier(tmp_path).read([views(text) for text in texts])
    right = np.mean([(read.probability > 0.5) == label for read, label in zip(reads, labels, strict=True)])
    assert right > 0.95


def test_a_network_learns_from_few_texts_too() -> None:
    pytest.importorskip("torch")
    from zhiyin.scenarios.community.moderation.classifier.network_training import train_network

    texts, labels = collection(128)
    network = train_network(texts[:96], np.array(labels[:96]), None, 0, Silent())
    said = np.array([network.score(text) for text in texts[96:]])
    assert ((said > 0) == labels[96:]).mean() > 0.9


def test_the_network_is_read_without_torch_as_it_was_with_it() -> None:
    torch = pytest.importorskip("torch")
    from zhiyin.scenarios.community.moderation.classifier.network_training import train_network

    texts, labels = collection(96)
    network = train_network(texts, np.array(labels), None, 0, Silent(), epochs=1)
    signs = torch.nn.Embedding.from_pretrained(torch.tensor(network.arrays["signs"]))
    for text in ("听说甲地人很坏很烂", "好", "", "很好" * 60):
        rows = network.rows(text)
        ids = torch.zeros(1, max(5, len(rows)), dtype=torch.long)
        ids[0, : len(rows)] = torch.tensor(rows, dtype=torch.long)
        x = signs(ids)
        read = []
        for width in (2, 3, 4, 5):
            window = torch.nn.functional.conv1d(
                x.transpose(1, 2),
                torch.tensor(network.arrays[f"filters{width}"]),
                torch.tensor(network.arrays[f"biases{width}"]),
                padding=width // 2,
            )
            found = torch.relu(window)[:, :, : ids.shape[1]].masked_fill((ids == 0).unsqueeze(1), 0)
            read.append(found.amax(2))
        read.append(x.sum(1) / max(len(rows), 1))
        wanted = torch.cat(read, 1) @ torch.tensor(network.arrays["out"]) + network.arrays["bias"][0]
        if rows:
            assert network.score(text) == pytest.approx(float(wanted), abs=1e-4), text
    smaller = Network(network.alphabet, unpacked(packed(network.arrays)))
    assert smaller.score(texts[0]) == pytest.approx(network.score(texts[0]), abs=0.1)


def test_a_curve_by_eye() -> None:
    """Of 60 texts the surest 30 offend, then every second one of the rest."""
    chances = np.linspace(1, 0.01, 60)
    labels = np.array([1] * 30 + [1, 0] * 15)
    found = {precision: (least, recall) for precision, least, recall in curve(chances, labels)}
    assert found[0.99][1] == pytest.approx(31 / 45, abs=1e-3)
    assert found[0.75][1] == 1.0
    assert found[0.8][0] < found[0.95][0]


def test_runs_of_signs() -> None:
    found, starts, ends = hashes_of("傻逼吗")
    assert list(zip(starts.tolist(), ends.tolist(), strict=True)) == [(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)]
    assert len(hashes_of("")[0]) == 0
    known = np.sort(found[[1, 4]])
    grams = Grams(known, np.array([10, 10], dtype=np.int8), 0.1, -0.5)
    assert grams.score("傻逼吗") == pytest.approx(1.5)
    assert grams.score("傻逼傻逼") == pytest.approx(0.5), "each run counts once"
    assert grams.by_sign("傻逼吗").tolist() == pytest.approx([0.5, 1.0, 0.5])
    assert best_run(np.array([-1, 2, -0.5, 3, -9], dtype=np.float32)) == (1, 4)
    assert best_run(np.array([-1, 0], dtype=np.float32)) is None


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "id,text,label\n1,好,0\n2,坏,1\n"),
        ("a.csv", "\ufeff,split,topic,label,TEXT\n9,train,x,0,好\n8,train,x,1,坏\n"),
        ("a.tsv", "comment\toffensive\n好\tno\n坏\tyes\n"),
        ("a.jsonl", '{"text": "好", "label": false}\n\n{"text": "坏", "label": 1}\n'),
    ],
)
def test_labelled_files(tmp_path: Path, name: str, content: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    rows = read_texts(tmp_path / name, labels=True)
    assert [(row.text, row.label) for row in rows] == [("好", 0), ("坏", 1)]


@pytest.mark.parametrize(
    ("name", "content", "where"),
    [
        ("a.csv", "text,label\n好,0\n坏,maybe\n", "line 3"),
        ("a.csv", "words,label\n好,0\n", "line 2"),
        ("a.jsonl", '{"text": "好", "label": 0}\n{', "line 2"),
        ("a.jsonl", "[1]\n", "line 1"),
        ("a.txt", "\n", "a.txt"),
    ],
)
def test_a_wrong_row_is_named(tmp_path: Path, name: str, content: str, where: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(DataError) as refused:
        read_texts(tmp_path / name, labels=True)
    assert where in (refused.value.where or "")
    with pytest.raises(FileUnreadable):
        read_texts(tmp_path / "none.csv")


def test_a_house_trains_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import importlib.util

    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    texts, labels = collection()
    rows = [json.dumps({"text": text, "label": label}) for text, label in zip(texts, labels, strict=True)]
    (tmp_path / "own.jsonl").write_text("\n".join(rows), encoding="utf-8")
    settings = Settings(moderation=ModerationSettings(sentences=False))
    for name in ("first", "own"):
        train_own(settings, tmp_path, tmp_path / "own.jsonl", name=name)
    moderator = open_moderator(settings, tmp_path)
    told = moderator.decide("听说丙地人你们很坏很烂")
    assert told.model is not None
    assert told.model.startswith("own-")
    assert told.rule == "classifier"
    assert [path.name for path in (tmp_path / "models").iterdir()] == ["moderation"]
    assert Moderator(load_policies()).decide("听说丙地人你们很坏很烂").category is None
