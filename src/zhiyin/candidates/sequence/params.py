"""Hyper-parameters of the sequence model."""

from __future__ import annotations

from pydantic import Field

from zhiyin.candidates.base import Params

FEWEST_STEPS = 80
"""Data of which one pass is a step or two are passed over until this many steps are done."""


class SequenceParams(Params):
    factors: int = Field(64, ge=2, le=1024)
    """Length of the vectors of items and histories."""
    blocks: int = Field(1, ge=1, le=12)
    """Layers of attention."""
    heads: int = Field(1, ge=1, le=32)
    """Parts of each layer that look at the history separately; must divide ``factors``."""
    length: int = Field(200, ge=1, le=1000)
    """Latest events of a history that are looked at."""
    dropout: float = Field(0.2, ge=0, le=0.9)
    """Share of the numbers set to 0 while learning."""
    negatives: int = Field(512, ge=1, le=100_000)
    """Items drawn for each batch that the one taken must beat."""
    fame: float = Field(0.0, ge=0, le=1)
    """Exponent on an item's events that says how often it is drawn: 0 draws all alike, 1 as often as it was taken.
    Higher values bring items up that few have taken."""
    epochs: int = Field(20, ge=1, le=1000)
    """Most passes over the events."""
    patience: int = Field(4, ge=1, le=1000)
    """Passes without a better score on the events kept aside after which learning stops."""
    temperature: float = Field(0.08, gt=0, le=10)
    """Scores are cosines divided by this when learning begins; how much they are spread is learned from there."""
    learning_rate: float = Field(3e-3, gt=0, le=1)
    """Step of the optimiser, AdamW."""
    weight_decay: float = Field(0.01, ge=0, le=10)
    """Pull of the optimiser towards 0."""
    averaging: float = Field(0.995, ge=0, lt=1)
    """What is kept is the average of the weights over the last 1 / (1 - averaging) steps or so; 0 keeps the last."""
    batch: int = Field(1024, ge=1, le=1_000_000)
    """Events that are learned from in one step."""
    text: float = Field(1.0, ge=0, le=100)
    """Length of the item vectors' part made of text, with which learning begins; 0 leaves text out."""
    trust: float = Field(4.0, ge=0, le=10_000)
    """Events of an item from which on what was learned of it outweighs what its text says; 0 is always the former."""
    members: int = Field(2, ge=1, le=16)
    """Models learned side by side from different random numbers, whose scores are averaged."""
    threads: int = Field(1, ge=1, le=256)
    """Processor threads while learning. With 1 the same data give the same weights on any number of processors; more
    may change the last digits, and slow a busy machine down."""
