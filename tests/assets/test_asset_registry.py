from __future__ import annotations

import pytest

from zhiyin import assets
from zhiyin.assets.registry import parse
from zhiyin.errors import AssetError, UsageError
from zhiyin.understand.encoder import E5

ENTRY = """
[[asset]]
name = "toy"
kind = "data"
description = "A toy"
home = "https://example.org"
licence = "CC0"
redistribution = "yes"
commercial = "yes"
[asset.wheels.toy-wheel]
version = "1"
sha256 = "{wheel_sha}"
size = 10
[[asset.files]]
path = "{path}"
sha256 = "{sha}"
size = 3
wheel = "{wheel}"
inside = "toy/a.txt"
"""


def entry(path: str = "a.txt", sha: str = "0" * 64, wheel: str = "toy-wheel", wheel_sha: str = "1" * 64) -> str:
    return ENTRY.format(path=path, sha=sha, wheel=wheel, wheel_sha=wheel_sha)


def test_shipped_registry_names_what_the_engine_needs() -> None:
    by_name = {asset.name: asset for asset in assets.catalogue()}
    assert {"movielens-100k", "minilm-l6-v2-int8", "use-multilingual-v3"} <= set(by_name)
    assert by_name["minilm-l6-v2-int8"].licence == "Apache-2.0"
    assert by_name["movielens-100k"].redistribution.startswith("not ")
    assert [file.path for file in by_name["movielens-100k"].files] == ["ml-100k.inter", "ml-100k.item", "ml-100k.user"]
    for asset in assets.catalogue():
        assert all(url.startswith("https://") for file in asset.files for url in file.hub)
        assert all(file.pieces for file in asset.files), "every file can also be had without a hub"


def test_small_downloads() -> None:
    """What the engine fetches of itself; larger models are named in the settings first."""
    for asset in assets.catalogue():
        named = any(file.path.endswith(".gguf") for file in asset.files) or asset.name == E5
        largest = 250e6 if named else 40e6
        assert sum(wheel.size for wheel in asset.wheels.values()) < largest


def test_language_models_say_what_their_licence_asks() -> None:
    smol, gemma = assets.find("smollm2-135m-instruct"), assets.find("gemma-3-270m")
    assert (smol.licence, smol.accept) == ("Apache-2.0", False)
    assert gemma.accept
    assert {"GEMMA_TERMS.html", "NOTICE.md"} <= {file.path for file in gemma.files}, "the terms come with the weights"
    (weights,) = [file for file in gemma.files if file.parts]
    assert [part.inside[-1] for part in weights.parts] == list("0123")


def test_unknown_name_lists_the_known_ones() -> None:
    with pytest.raises(UsageError, match=r"no asset is called 'minilm'.*movielens-100k, minilm-l6-v2-int8"):
        assets.find("minilm")


def test_a_valid_entry() -> None:
    (toy,) = parse(entry())
    assert (toy.name, toy.size, toy.files[0].wheel) == ("toy", 3, "toy-wheel")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (entry(sha="abc"), "sha256"),
        (entry(path="../a.txt"), "path"),
        (entry(wheel="other"), "unknown wheel 'other'"),
        (entry().replace('inside = "toy/a.txt"', ""), "both 'wheel' and 'inside'"),
        (entry().replace('wheel = "toy-wheel"\ninside = "toy/a.txt"', ""), "no source"),
        (entry() + "colour = 1\n", "colour"),
        (entry() + 'parts = [{ wheel = "toy-wheel", inside = "toy/b.txt" }]\n', "a wheel and parts"),
        (
            entry().replace('wheel = "toy-wheel"\ninside = "toy/a.txt"', 'parts = [{ wheel = "w", inside = "b" }]'),
            "unknown wheel 'w'",
        ),
        (entry() + entry(), "twice"),
        ("[[asset]\n", "not valid"),
    ],
)
def test_faults_are_named(text: str, fault: str) -> None:
    with pytest.raises(AssetError, match=fault):
        parse(text)


def test_fingerprint_follows_contents_and_names() -> None:
    (one,), (other,), (renamed,) = parse(entry()), parse(entry(sha="2" * 64)), parse(entry(path="b.txt"))
    assert len({one.fingerprint, other.fingerprint, renamed.fingerprint}) == 3
    assert one.fingerprint == parse(entry())[0].fingerprint
