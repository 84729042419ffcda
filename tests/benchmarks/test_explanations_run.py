"""The benchmark of explanations runs on a slice, and what it says there is what it should."""

from __future__ import annotations

import re

import pytest

from benchmarks import explanations
from benchmarks.corruptions import KINDS
from benchmarks.data import SHARED


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"the data folder {SHARED} is not here")
def test_explanations_quick(capsys: pytest.CaptureFixture[str]) -> None:
    explanations.main(["--quick"])
    out = capsys.readouterr().out
    assert re.findall(r"^### (\w+):", out, re.MULTILINE) == ["Faithfulness", "Precision", "Detection"]
    assert [line.split("|")[1].strip() for line in out.split("### Detection")[1].splitlines()[4:]] == list(KINDS)
    precision = out.split("### Precision")[1].split("###")[0]
    accepted = [line.split("|")[-2].strip() for line in precision.splitlines() if " en | " in line]
    assert set(accepted) == {"100.0%"}
    gaps = re.findall(r"\| \+(0\.\d+) \(\+", out)
    assert gaps, "the cited events matter, beyond doubt"
