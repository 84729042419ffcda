"""Teaching the transformer that the shipped moderation classifier reads with. Needs torch.

    python -m benchmarks.moderation_transformer FOLDER [--try]

Two whole sentence encoders (multilingual-e5-small; Wang et al. 2024, arXiv:2402.05672) learn COLD's labels, read twice
with other dropouts that should agree (R-Drop; Liang et al. 2021, arXiv:2106.14448). Three of its layers learn what the
two say (Hinton et al. 2015, arXiv:1503.02531). Once without the texts that are held out to weigh readers, and once from
all of them: ``held.safetensors`` and ``whole.safetensors`` in FOLDER, for ``python -m benchmarks moderation --train``.
On a graphics processor (H200) the same steps took three minutes; two processor cores would need half a day. ``--try``:
a few texts and steps, to see that it runs.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.numpy import save_file
from torch import nn
from torch.nn import functional

from benchmarks.data import Missing
from benchmarks.moderation import SEED, cold
from zhiyin.assets import get
from zhiyin.scenarios.community.moderation.classifier.network import packed
from zhiyin.scenarios.community.moderation.classifier.training import held_out
from zhiyin.scenarios.community.moderation.classifier.transformer import BEGIN, END, EPSILON, HEADS, LONGEST, UNKNOWN
from zhiyin.scenarios.community.moderation.folding import is_han
from zhiyin.scenarios.community.moderation.view import views
from zhiyin.understand.bert import NORMALS, PRODUCTS
from zhiyin.understand.e5 import PACKED, MultilingualE5, unpack

WHERE = "cuda" if torch.cuda.is_available() else "cpu"
BATCH = 128
DROPPED, UNREAD = 0.1, 0.05
"""Shares of what is in a layer, and of the pieces of a text, that are left out each time."""
TEACHERS, TEACHER_EPOCHS, TEACHER_RATE, AGREEING = 2, 4, 1.5e-4, 0.5
STUDENT_LAYERS, STUDENT_EPOCHS, STUDENT_RATE, HEARD = 3, 8, 2e-4, 0.7
"""``HEARD``: share of the loss that goes by what the teachers say, not by the labels."""
FADING = 0.9
"""Each layer below learns so much slower."""
WEIGHT_DECAY, WARMING = 0.01, 0.1
HEAD_FASTER = 10


class Pieces:
    """Texts as rows of the pieces that are kept: those met in the texts, and every character that is one."""

    def __init__(self, encoder: MultilingualE5, texts: Sequence[str]) -> None:
        model = json.loads(encoder._tokenizer.to_str())["model"]
        found = encoder._tokenizer.encode_batch([" ".join(text.split()) for text in texts], add_special_tokens=False)
        marks = [encoder._begin, encoder._end, model["unk_id"]]
        kept = {number for one in found for number in one.ids}
        kept |= {number for number, (piece, _) in enumerate(model["vocab"]) if len(piece) == 1 and is_han(piece)}
        chosen = [*marks, *sorted(kept - set(marks))]
        row = {number: place for place, number in enumerate(chosen)}
        self.texts = [[BEGIN, *(row[number] for number in one.ids[:LONGEST]), END] for one in found]
        blocks = encoder._words[np.array(chosen)]
        self.vectors = unpack(blocks)
        names, scores = zip(*(model["vocab"][number] for number in chosen[UNKNOWN:]), strict=True)
        self.stored = {
            "words": np.frombuffer(blocks.tobytes(), np.uint8).reshape(*blocks.shape, PACKED.itemsize),
            "pieces": np.frombuffer("\n".join(names).encode(), np.uint8),
            "scores": np.array(scores, dtype=np.float32),
        }


class Layer(nn.Module):
    def __init__(self, weights: Mapping[str, Any], at: str) -> None:
        super().__init__()
        made: dict[str, nn.Module] = {}
        for names, make in ((PRODUCTS, linear), (NORMALS, normal)):
            made |= {part: make(weights[f"{at}.{part}.w"], weights[f"{at}.{part}.b"]) for part in names}
        self.parts = nn.ModuleDict(made)

    def forward(self, x: torch.Tensor, there: torch.Tensor, quick: bool) -> torch.Tensor:
        texts, length, wide = x.shape
        part = self.parts
        q, k, v = (part[name](x).view(texts, length, HEADS, wide // HEADS).transpose(1, 2) for name in "qkv")
        dropped = DROPPED if self.training else 0.0
        seen = functional.scaled_dot_product_attention(q, k, v, attn_mask=there[:, None, None], dropout_p=dropped)
        seen = part["ao"](seen.transpose(1, 2).reshape(texts, length, wide))
        x = part["aln"](x + functional.dropout(seen, DROPPED, self.training))
        inner = part["fi"](x)
        inner = inner * torch.sigmoid(1.702 * inner) if quick else functional.gelu(inner)
        found: torch.Tensor = part["oln"](x + functional.dropout(part["fo"](inner), DROPPED, self.training))
        return found


class Reader(nn.Module):
    """The first ``layers`` of the encoder and a weight for what their mean says. The student's vectors of pieces stay
    as they are, and it bends by the quick curve."""

    def __init__(self, encoder: MultilingualE5, vectors: Any, layers: int, student: bool) -> None:
        super().__init__()
        w = encoder._w
        self.student = student
        rows, wide = vectors.shape
        self.words = nn.Embedding(rows, wide, _weight=torch.tensor(vectors))
        self.words.requires_grad_(not student)
        places = w["emb.pos"].reshape(-1, vectors.shape[1])[: LONGEST + 2] + w["emb.type"].reshape(2, -1)[0]
        self.places = nn.Parameter(torch.tensor(places), requires_grad=not student)
        self.start = normal(w["emb.ln.w"], w["emb.ln.b"])
        self.start.requires_grad_(not student)
        self.layers = nn.ModuleList(Layer(w, f"l{number}") for number in range(layers))
        self.out = nn.Linear(vectors.shape[1], 1)
        nn.init.normal_(self.out.weight, 0, 0.02)
        nn.init.zeros_(self.out.bias)

    def forward(self, rows: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        there = torch.arange(rows.shape[1], device=rows.device)[None] < lengths[:, None]
        x = self.start(self.words(rows) + self.places[: rows.shape[1]])
        x = functional.dropout(x, DROPPED, self.training)
        for one in self.layers:
            x = one(x, there, self.student)
        mean = (x * there[..., None]).sum(1) / lengths[:, None]
        said: torch.Tensor = self.out(functional.dropout(mean, DROPPED, self.training))[:, 0]
        return said.float()

    def stored(self) -> dict[str, Any]:
        """As ``Transformer`` reads it, but for the pieces."""
        arrays: dict[str, torch.Tensor] = {"start.w": self.start.weight, "start.b": self.start.bias}
        for number, one in enumerate(self.layers):
            for name, array in one.named_parameters():
                part, kind = name.removeprefix("parts.").split(".")
                arrays[f"l{number}.{part}.{kind[0]}"] = array
        arrays |= {"out": self.out.weight[0], "bias": self.out.bias}
        made = packed({name: array.detach().float().cpu().numpy() for name, array in arrays.items()})
        return made | {"places": self.places.detach().cpu().numpy().astype(np.float16)}


def linear(weight: Any, bias: Any) -> nn.Linear:
    made = nn.Linear(*weight.shape)
    made.weight.data, made.bias.data = torch.tensor(weight.T.copy()), torch.tensor(bias)
    return made


def normal(weight: Any, bias: Any) -> nn.LayerNorm:
    made = nn.LayerNorm(len(weight), float(EPSILON))
    made.weight.data, made.bias.data = torch.tensor(weight), torch.tensor(bias)
    return made


def batch(texts: Sequence[Sequence[int]], chosen: Any) -> tuple[torch.Tensor, torch.Tensor]:
    lengths = torch.tensor([len(texts[row]) for row in chosen])
    rows = torch.full((len(chosen), int(lengths.max())), END, dtype=torch.long)
    for place, row in enumerate(chosen):
        rows[place, : len(texts[row])] = torch.tensor(texts[row])
    return rows.to(WHERE), lengths.to(WHERE)


def fast() -> torch.autocast:
    return torch.autocast("cuda", torch.bfloat16, enabled=WHERE == "cuda")


def said_by(model: Reader, texts: Sequence[Sequence[int]]) -> Any:
    """Log-odds float32 [texts]."""
    model.eval()
    order = np.argsort([len(text) for text in texts], kind="stable")
    said = np.zeros(len(texts), dtype=np.float32)
    with torch.no_grad(), fast():
        for start in range(0, len(order), 4 * BATCH):
            chosen = order[start : start + 4 * BATCH]
            said[chosen] = model(*batch(texts, chosen)).cpu().numpy()
    return said


def taught(
    model: Reader,
    texts: Sequence[Sequence[int]],
    labels: Any,
    *,
    rate: float,
    epochs: int,
    seed: int,
    heard: Any = None,
    agreeing: float = 0.0,
) -> Reader:
    """``heard`` [texts]: log-odds by the teachers, for the share ``HEARD`` of the loss. ``agreeing``: the weight of
    what two readings of a text differ in."""
    torch.manual_seed(seed)
    random = np.random.default_rng(seed)
    model.to(WHERE)
    depth = len(model.layers)
    below = [model.words.weight, model.places, *model.start.parameters()]
    parts: list[tuple[list[Any], float]] = [(list(model.out.parameters()), HEAD_FASTER), (below, FADING**depth)]
    parts += [(list(one.parameters()), FADING ** (depth - 1 - number)) for number, one in enumerate(model.layers)]
    groups = [{"params": [one for one in some if one.requires_grad], "lr": rate * slower} for some, slower in parts]
    optimiser = torch.optim.AdamW([one for one in groups if one["params"]], weight_decay=WEIGHT_DECAY)
    size = min(BATCH, len(texts))
    steps = epochs * (len(texts) // size)
    warming = max(1, int(WARMING * steps))
    schedule = torch.optim.lr_scheduler.LambdaLR(
        optimiser, lambda step: min(1.0, (step + 1) / warming) * (1 - max(0, step - warming) / max(1, steps - warming))
    )
    lengths = np.array([len(text) for text in texts])
    wanted = torch.tensor(labels, dtype=torch.float32, device=WHERE)
    odds = None if heard is None else torch.tensor(heard, device=WHERE)
    loss_of = functional.binary_cross_entropy_with_logits
    for _ in range(epochs):
        # Texts of about the same length go together.
        drawn = random.permutation(len(texts))[: len(texts) // size * size]
        batches: list[Any] = []
        for start in range(0, len(drawn), 20 * size):
            some = drawn[start : start + 20 * size]
            some = some[np.argsort(lengths[some], kind="stable")]
            batches += [some[begin : begin + size] for begin in range(0, len(some), size)]
        for place in random.permutation(len(batches)):
            chosen = batches[place]
            model.train()
            rows, long = batch(texts, chosen)
            rows = torch.where(torch.rand(rows.shape, device=WHERE) < UNREAD, UNKNOWN, rows)
            with fast():
                said = [model(rows, long) for _ in range(2 if agreeing else 1)]
            loss = sum((loss_of(one, wanted[chosen]) for one in said), torch.zeros((), device=WHERE)) / len(said)
            if odds is not None:
                loss = (1 - HEARD) * loss + HEARD * loss_of(said[0], torch.sigmoid(odds[chosen]))
            if agreeing:
                first, second = said
                loss = loss + agreeing * ((torch.sigmoid(first) - torch.sigmoid(second)) * (first - second)).mean()
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimiser.step()
            schedule.step()
    return model


def distilled(encoder: MultilingualE5, pieces: Pieces, learned: Sequence[int], labels: Any, epochs: int | None) -> Any:
    """What the student stores that was taught the texts ``learned``."""
    texts = [pieces.texts[row] for row in learned]
    heard = np.zeros(len(texts), dtype=np.float32)
    for seed in range(TEACHERS):
        teacher = Reader(encoder, pieces.vectors, encoder._layers, student=False)
        taught(
            teacher,
            texts,
            labels[learned],
            rate=TEACHER_RATE,
            epochs=epochs or TEACHER_EPOCHS,
            seed=seed,
            agreeing=AGREEING,
        )
        heard += said_by(teacher, texts) / TEACHERS
    student = Reader(encoder, pieces.vectors, STUDENT_LAYERS, student=True)
    taught(student, texts, labels[learned], rate=STUDENT_RATE, epochs=epochs or STUDENT_EPOCHS, seed=0, heard=heard)
    return pieces.stored | student.stored()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--try", dest="little", action="store_true", help="a few texts and steps")
    given = parser.parse_args()
    try:
        train = cold("train")
    except Missing as missing:
        print(missing.line)
        return
    plain = [views(text).tight.text for text in train.texts]
    folder = get("multilingual-e5-small-q4")
    encoder = MultilingualE5(folder, folder.name, LONGEST + 2)
    (held,) = held_out(plain, SEED)
    pieces = Pieces(encoder, plain)
    given.folder.mkdir(parents=True, exist_ok=True)
    for name, out in (("held", held), ("whole", np.zeros_like(held))):
        learned = np.flatnonzero(~out)[: 64 if given.little else None]
        made = distilled(encoder, pieces, learned.tolist(), train.labels, 1 if given.little else None)
        save_file({key: np.ascontiguousarray(one) for key, one in made.items()}, given.folder / f"{name}.safetensors")
        print(f"{name}: {len(learned):,} texts")


if __name__ == "__main__":
    main()
