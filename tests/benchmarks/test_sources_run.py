"""The table of sources on a small slice: every source has a row, and one that the data do not suit says why."""

from __future__ import annotations

import pytest

from benchmarks import blends, sources
from benchmarks.data import SHARED


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"the data folder {SHARED} is not here")
def test_sources_quick(capsys: pytest.CaptureFixture[str]) -> None:
    sources.main(["--quick", "--data", "hetrec_friends"])
    rows = [
        [cell.strip() for cell in line.strip("|").split("|")]
        for line in capsys.readouterr().out.splitlines()
        if line.startswith("|")
    ]
    assert tuple(rows[0]) == sources.HEADER
    told = {row[0]: row[1:] for row in rows[2:]}
    assert list(told) == ["linear (the core)", *sources.SOURCES]
    assert told["trending"][0] == "model 'trending' compares lately with before, and no event has a time"
    for name in set(sources.SOURCES) - {"trending"}:
        alone, weight, without, after, gain = told[name]
        assert 0 < float(alone) < 1, name
        assert float(weight) in (0.0, *blends.WEIGHTS)
        assert (gain == "-") == (weight == "0")
        assert float(without) > 0
        assert float(after) > 0
