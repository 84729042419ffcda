"""Which files a model's name stands for, and what cannot be loaded: one line, before any work."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from zhiyin import assets
from zhiyin.config import LlmSettings
from zhiyin.errors import LlmOff
from zhiyin.llm import embedded
from zhiyin.llm.embedded.files import choose_dtype, find_model
from zhiyin.ports import Silent
from zhiyin.testing.language_models import make_language_model

pytest.importorskip("torch")
pytest.importorskip("transformers")


def settings(model: Path | str, *accepted: str) -> LlmSettings:
    return LlmSettings(provider="embedded", model=str(model), accept_licences=list(accepted))


@pytest.fixture(autouse=True)
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ZHIYIN_ASSETS", str(tmp_path / "assets"))
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    return tmp_path / "assets"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_language_model(tmp_path_factory.mktemp("f") / "小 模型", "llama")


def off(model: Path | str, *accepted: str) -> str:
    with pytest.raises(LlmOff) as caught:
        find_model(settings(model, *accepted), Silent())
    assert "\n" not in caught.value.line
    return caught.value.line


def test_an_asset_is_known_without_fetching(root: Path) -> None:
    assert embedded.identify(settings("smollm2-135m-instruct")).startswith("smollm2-135m-instruct-b179c9523d0e/")
    assert not root.exists()


def test_an_own_licence_is_accepted_in_the_settings(root: Path) -> None:
    line = off("gemma-3-270m")
    assert "Gemma Terms of Use" in line
    assert "accept_licences" in line
    assert embedded.identify(settings("gemma-3-270m", "gemma-3-270m")).startswith("gemma-3-270m-a5fd3b62230a/")
    assert assets.accepted(assets.find("gemma-3-270m"))


def test_the_id_follows_the_content(tiny: Path, tmp_path: Path) -> None:
    same, other = (shutil.copytree(tiny, tmp_path / name / tiny.name) for name in ("a", "b"))
    (other / "tokenizer_config.json").write_text("{}", encoding="utf-8")
    ids = [embedded.identify(settings(folder)) for folder in (tiny, same, other)]
    assert ids[0] == ids[1] != ids[2]
    assert ids[0].startswith("小 模型-")


def test_what_is_no_model(tiny: Path, tmp_path: Path) -> None:
    assert "is no language model" in off("movielens-100k")
    assert "no asset, no path here, and cannot be had from the hub" in off("no/such-model")
    assert "cannot be had" in off("not a name: 知音")
    empty = tmp_path / "empty"
    empty.mkdir()
    assert "0 GGUF files and no config.json" in off(empty)
    text = tmp_path / "a.txt"
    text.write_text("x", encoding="utf-8")
    assert "not a GGUF file" in off(text)
    pickled = shutil.copytree(tiny, tmp_path / "pickled")
    (pickled / "model.safetensors").rename(pickled / "pytorch_model.bin")
    assert "no safetensors weights" in off(pickled)


def test_what_cannot_be_loaded(tiny: Path, tmp_path: Path, root: Path) -> None:
    broken = tmp_path / "broken.gguf"
    broken.write_bytes(b"GGUF and no more")
    with pytest.raises(LlmOff, match="cannot be converted"):
        embedded.load(settings(broken))
    assert list(root.iterdir()) == [], "a failed conversion leaves nothing behind"
    cut = shutil.copytree(tiny, tmp_path / "cut")
    whole = (cut / "model.safetensors").read_bytes()
    (cut / "model.safetensors").write_bytes(whole[: len(whole) // 2])
    with pytest.raises(LlmOff, match="cannot be loaded"):
        embedded.load(settings(cut))


def test_missing_packages_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("zhiyin.llm.embedded.files.PACKAGES", ("torch", "no_such_package"))
    assert "needs no_such_package Fix: run 'make install-llm'" in off("smollm2-135m-instruct")


@pytest.mark.parametrize(
    ("line", "dtype"),
    [
        ("flags\t\t: fpu avx2 fma", "float32"),
        ("flags\t\t: fpu avx2 avx512f avx512_bf16", "bfloat16"),
        ("flags\t\t: amx_tile amx_bf16", "bfloat16"),
        ("Features\t: fp asimd bf16", "bfloat16"),
        ("model name\t: bf16 machine", "float32"),
    ],
)
def test_bfloat16_only_where_the_processor_has_it(line: str, dtype: str, tmp_path: Path) -> None:
    (tmp_path / "cpuinfo").write_text(f"processor\t: 0\n{line}\n", encoding="utf-8")
    found, why = choose_dtype(tmp_path / "cpuinfo")
    assert found == dtype
    assert why.startswith(f"{dtype}: ")
    assert choose_dtype(tmp_path / "absent")[0] == "float32"
