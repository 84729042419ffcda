"""The benchmark of product pages runs on a few, and nothing that a liar puts in comes out."""

from __future__ import annotations

import pytest

from benchmarks import pages
from benchmarks.data import SHARED


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"the data folder {SHARED} is not here")
def test_pages_quick(capsys: pytest.CaptureFixture[str]) -> None:
    pages.main(["--quick"])
    out = capsys.readouterr().out
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in out.splitlines() if line.startswith("|")]
    assert [row[0] for row in rows[2:]] == ["templates", "a model that lies"]
    assert [row[3:5] for row in rows[2:]] == [["0", "0"], ["0", "0"]]
    assert "Slips of the liar that were published: 0 of 200." in out
