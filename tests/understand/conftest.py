"""The real encoders, loaded once; tests that need them are skipped where their files cannot be had."""

from __future__ import annotations

import pytest

from zhiyin.config import EncoderSettings
from zhiyin.errors import AssetError
from zhiyin.ports import Encoder
from zhiyin.understand.encoder import make_encoder


def load(model: str) -> Encoder:
    try:
        encoder = make_encoder(EncoderSettings.model_validate({"model": model}), ["text"])
    except AssetError as error:
        pytest.skip(f"the {model} encoder cannot be fetched here: {error.line}")
    assert encoder is not None
    return encoder


@pytest.fixture(scope="session")
def english() -> Encoder:
    return load("english")


@pytest.fixture(scope="session")
def multilingual() -> Encoder:
    return load("multilingual")


@pytest.fixture(scope="session", params=["english", "multilingual"])
def encoder(request: pytest.FixtureRequest) -> Encoder:
    found: Encoder = request.getfixturevalue(request.param)
    return found
