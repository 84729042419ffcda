"""The calibrated chance that the item at a place of a list is what the person takes."""

from zhiyin.rank.probability.model import METHODS, Probability

__all__ = ["METHODS", "Probability"]
