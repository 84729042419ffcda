"""The table of what variety costs runs on a small slice."""

from __future__ import annotations

import pytest

from benchmarks import rerank_tradeoff
from benchmarks.data import SHARED
from zhiyin.pipeline import Pipeline


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"the data folder {SHARED} is not here")
def test_quick(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        rerank_tradeoff, "SETTINGS", {rerank_tradeoff.NOTHING: [], "DPP .2": rerank_tradeoff.diverse("dpp", 0.2)}
    )
    monkeypatch.setattr(rerank_tradeoff, "LEARNED", [rerank_tradeoff.NOTHING])
    rerank_tradeoff.main(["--quick", "--data", "amazon_beauty"])
    out = capsys.readouterr().out
    assert out.count("| relevance only |") == out.count("| the default |") >= 2
    assert "| DPP .2 |" in out
    assert "test (refit)" in out


def test_every_setting_is_a_pipeline() -> None:
    for name, stages in rerank_tradeoff.SETTINGS.items():
        assert len(Pipeline.parse(name, {"stage": stages}, name).stages) == len(stages)
    assert set(rerank_tradeoff.LEARNED) <= set(rerank_tradeoff.SETTINGS)
