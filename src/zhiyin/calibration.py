"""From likelihoods of options to what they say about the text before them.

A model likes some options better than others whatever it is asked: frequent words, short ones. Asked for the same
options behind a neutral prefix ("N/A" in the place of the text), it shows that liking, and what is left after it is
taken away is due to the text:

    score(option) = log p(option | prefix) - log p(option | neutral prefix)

Zhao et al. 2021, "Calibrate before use", arXiv:2102.09690 (a content-free input in the place of the text; there by
dividing probabilities, which is this difference); Holtzman et al. 2021, "Surface form competition", arXiv:2104.08315
(PMI_DC: pointwise mutual information with the domain premise alone).
"""

from __future__ import annotations

import numpy as np

from zhiyin.ports import Likelihoods
from zhiyin.types import Floats


def calibrate(asked: Likelihoods, neutral: Likelihoods | None, per_token: bool = False) -> Floats:
    """Score of each option, float32 [options]; higher is likelier than it would be anyway. Without ``neutral`` it is
    the log-likelihood itself. With ``per_token`` it is divided by the option's number of tokens, so that long options
    do not lose for being long. Raises ValueError where the two were asked about different options."""
    logs = asked.logs.astype(np.float32)
    if neutral is not None:
        if neutral.logs.shape != logs.shape or not np.array_equal(neutral.tokens, asked.tokens):
            raise ValueError("the neutral prefix was asked with other options")
        logs = logs - neutral.logs
    if per_token:
        logs = (logs / np.maximum(asked.tokens, 1)).astype(np.float32)
    return logs


def probabilities(scores: Floats, temperature: float = 1.0) -> Floats:
    """softmax(scores / temperature): float32 [options], sums to 1; empty for no options. ``temperature`` > 0, higher
    is flatter. Raises ValueError for another."""
    if not temperature > 0:
        raise ValueError("temperature must be above 0")
    if not scores.size:
        return np.zeros(0, dtype=np.float32)
    shifted = np.exp((scores - scores.max()).astype(np.float64) / temperature)
    found: Floats = (shifted / shifted.sum()).astype(np.float32)
    return found


def judge(asked: Likelihoods, neutral: Likelihoods | None, per_token: bool = False, temperature: float = 1.0) -> Floats:
    """Probability of each option, calibrated: float32 [options]."""
    return probabilities(calibrate(asked, neutral, per_token), temperature)
