"""What `pip install .` installs: the four packages and the command, never the tests."""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--wheel-dir",
               str(folder), str(ROOT)]  # fmt: skip
    subprocess.run(command, check=True, capture_output=True, text=True, timeout=120)
    (path,) = folder.glob("splitbrain-*.whl")
    return path


def test_the_tests_are_never_installed(wheel: Path) -> None:
    tops = {name.split("/")[0] for name in zipfile.ZipFile(wheel).namelist()}
    assert {top for top in tops if not top.endswith(".dist-info")} == {
        "harness", "systems_under_test", "workloads", "checkers",
    }  # fmt: skip


def test_the_installed_command_works_and_knows_that_it_is_no_clone(wheel: Path, tmp_path: Path) -> None:
    installed = tmp_path / "site"
    zipfile.ZipFile(wheel).extractall(installed)
    (entry,) = installed.glob("*.dist-info/entry_points.txt")
    assert "splitbrain = harness.cli:main" in entry.read_text()

    def command(*words: str) -> subprocess.CompletedProcess[str]:
        code = f"import sys; sys.path.insert(0, {str(installed)!r}); from harness.cli import main; sys.exit(main())"
        return subprocess.run([sys.executable, "-P", "-c", code, *words], cwd=tmp_path, capture_output=True, text=True,
                              env={"PATH": "/usr/bin:/bin"}, timeout=60, check=False)  # fmt: skip

    history = ROOT / "examples" / "stale_read.jsonl"
    assert command("check", str(history)).returncode == 1
    outside = command("selftest")
    assert outside.returncode == 254
    assert "needs a clone" in outside.stderr
