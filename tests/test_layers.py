"""Who may import whom, and what loads when: read from the source."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import zhiyin

ROOT = Path(zhiyin.__file__).parent
BASE = {"types", "errors", "config", "ports", "calibration", "scripts", "threads"}
STAGES = {"events", "preprocess", "understand", "candidates", "rank", "rerank", "explain"}
SERVICES = {"store", "bundle", "assets", "llm"}
ALLOWED = {
    **{name: set() for name in ("types", "errors", "scripts", "threads")},
    "calibration": {"ports", "types"},
    "config": {"errors", "types"},
    "ports": {"errors", "types"},
    **{name: BASE | {name} for name in STAGES | SERVICES},
    # A model's files are an asset, fetched when the model is made.
    "understand": BASE | {"understand", "assets"},
    "llm": BASE | {"llm", "assets"},
}


def part_of(path: Path) -> str:
    relative = path.relative_to(ROOT)
    return relative.parts[0].removesuffix(".py")


def imports(path: Path) -> set[str]:
    """Parts of Zhiyin that ``path`` imports anywhere."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        names = [node.module or ""] if isinstance(node, ast.ImportFrom) else []
        names += [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
        found |= {name.split(".")[1] for name in names if name.startswith("zhiyin.")}
        if isinstance(node, ast.ImportFrom) and node.module == "zhiyin":
            found |= {alias.name for alias in node.names}
    return found


def test_stages_do_not_know_each_other() -> None:
    wrong = []
    for path in ROOT.rglob("*.py"):
        allowed = ALLOWED.get(part_of(path))
        if allowed is not None and (extra := imports(path) - allowed):
            wrong.append(f"{path.relative_to(ROOT)} imports {', '.join(sorted(extra))}")
    assert not wrong, "\n".join(wrong)


def test_modules_stay_small() -> None:
    lengths = {
        path.relative_to(ROOT): len(path.read_text(encoding="utf-8").splitlines()) for path in ROOT.rglob("*.py")
    }
    long = [f"{path}: {lines}" for path, lines in lengths.items() if lines > 400]
    assert len(long) <= 2, long
    assert max(lengths.values()) <= 450, long


def test_public_names() -> None:
    assert zhiyin.__all__ == ["Engine", "Settings", "ZhiyinError", "__version__", "open_store"]
    for name in zhiyin.__all__:
        assert getattr(zhiyin, name) is not None


def test_the_command_line_starts_light() -> None:
    heavy = {"polars", "scipy", "onnxruntime", "implicit", "matplotlib", "torch", "lightgbm", "optuna"}
    code = f"import sys, zhiyin.cli; print(sorted({heavy!r} & set(sys.modules)))"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


def test_nothing_is_pickled() -> None:
    wrong = [path for path in ROOT.rglob("*.py") if "import pickle" in path.read_text(encoding="utf-8")]
    assert wrong == []
