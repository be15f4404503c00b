"""What the check of a small history imports: the cost of a start is the cost of its imports, and grows unseen."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.linearizable_histories import generate
from harness.formats.jsonl import dump

ROOT = Path(__file__).resolve().parents[3]
HEAVY = {
    "_ctypes", "asyncio", "concurrent.futures", "html", "hypothesis", "logging", "multiprocessing", "networkx", "numba",
    "numpy", "paramiko", "pyarrow", "random", "rich", "scipy", "shutil", "socket", "ssl", "subprocess", "tempfile",
    "threading", "traceback", "unittest", "z3",
}  # fmt: skip
OURS_MAX = 45  # modules of ours; 250 files are there


def imported(*arguments: str) -> set[str]:
    """All modules that the command and its children import."""
    done = subprocess.run([sys.executable, "-v", "-c",
                           "import sys; from harness.cli import main; sys.exit(main())", "check", *arguments],
                          cwd=ROOT, capture_output=True, text=True, check=False)  # fmt: skip
    assert done.returncode in (0, 1), done.stdout + done.stderr[-2000:]
    return set(re.findall(r"^import '(\S+)' #", done.stderr, re.MULTILINE))


@pytest.mark.parametrize("valid", [True, False])
def test_a_small_history_is_judged_with_few_imports(tmp_path: Path, valid: bool) -> None:
    history, _ = generate("register", seed=3, operations=199, clients=4, valid=valid)
    path = tmp_path / "history.jsonl"
    path.write_text("".join(f"{dump(op)}\n" for op in history))
    modules = imported(str(path))
    assert "checkers.linearizable.verdict" in modules, "the test sees the imports of the process that judges"
    assert not modules & HEAVY
    ours = {
        name for name in modules if name.split(".")[0] in ("harness", "checkers", "workloads", "systems_under_test")
    }
    assert len(ours) <= OURS_MAX, f"{len(ours)} modules of ours: {sorted(ours)}"
    for name in ("harness.clusters", "harness.faults", "harness.simulation", "workloads", "systems_under_test",
                 "checkers.transactional", "checkers.linearizable.symbolic", "checkers.linearizable.columnar",
                 "checkers.linearizable.walk", "checkers.linearizable.models.container"):  # fmt: skip
        assert not any(each == name or each.startswith(f"{name}.") for each in ours), f"{name} is imported"
