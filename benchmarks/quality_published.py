"""Figures of others on the same data and protocol, as printed in their papers and repositories; see the README of the
data folder."""

from __future__ import annotations

from zhiyin.evaluate.run import FitName

Published = tuple[str, str, str]
"""Model and source, HR@10, NDCG@10."""
PUBLISHED: dict[tuple[str, FitName], tuple[Published, ...]] = {
    ("amazon_beauty", "strict"): (
        ("PopRec", "-", ".0068"),
        ("SASRec (S3-Rec paper)", "-", ".0318"),
        ("TIGER", ".0648", ".0384"),
        ("ActionPiece", "-", ".0424"),
        ("LC-Rec", ".0791", ".0438"),
        ("HSTU", ".0788", ".0439"),
        ("FuXi-alpha", "-", ".0451"),
        ("eSASRec", ".0928", ".0523"),
        ("SASRec, sampled softmax", ".0921", ".0531"),
    ),
    ("amazon_beauty", "refit"): (
        ("Markov chain on the last item", "-", ".0492"),
        ("SeqRules", "-", ".0605"),
        ("PCTM", "-", ".0635"),
    ),
}
