"""The zipapp: the same bytes every time, everything that nodes import, nothing else needed to run it."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from harness.clusters.loopback import node_python
from harness.deploy import build_zipapp

ROOT = Path(__file__).resolve().parents[2]
PYTHONS = sorted({sys.executable, node_python()})


def run(python: str, *arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run([python, "-S", "-I", *arguments], check=False, capture_output=True, text=True, timeout=20,
                          cwd=cwd)  # fmt: skip


def test_the_same_sources_give_the_same_bytes(tmp_path: Path) -> None:
    first = build_zipapp(tmp_path / "first.pyz").read_bytes()
    copy = tmp_path / "copy"
    for package in ("harness", "systems_under_test"):
        shutil.copytree(ROOT / package, copy / package, ignore=shutil.ignore_patterns("__pycache__"))
        for path in copy.rglob("*.py"):
            os.utime(path, (1e9, 1e9))
    code = "import sys, pathlib; from harness.deploy import build_zipapp; build_zipapp(pathlib.Path(sys.argv[1]))"
    subprocess.run([sys.executable, "-c", code, str(tmp_path / "second.pyz")], check=True, timeout=20, cwd=copy)
    assert (tmp_path / "second.pyz").read_bytes() == first


def test_it_holds_what_nodes_need_and_not_the_harness(tmp_path: Path) -> None:
    names = zipfile.ZipFile(build_zipapp(tmp_path / "made/here/node.pyz")).namelist()
    assert {"__main__.py", "harness/node/main.py", "harness/system.py", "systems_under_test/__init__.py"} <= set(names)
    assert "harness/runtime.py" not in names
    assert not [name for name in names if "__pycache__" in name or name.startswith(("tests/", "checkers/"))]
    assert names == ["__main__.py", *sorted(names[1:])]


@pytest.mark.parametrize("python", PYTHONS)
def test_everything_in_it_imports_without_site_packages(tmp_path: Path, python: str) -> None:
    zipapp = build_zipapp(tmp_path / "node.pyz")
    modules = [name.removesuffix(".py").replace("/", ".").removesuffix(".__init__")
               for name in zipfile.ZipFile(zipapp).namelist() if name != "__main__.py"]  # fmt: skip
    assert {"harness.node", "harness.system", "harness.node.main"} <= set(modules)
    code = f"import sys, importlib; sys.path = [{str(zipapp)!r}] + [p for p in sys.path if 'site-packages' not in p]\n"
    code += f"for name in {modules!r}: importlib.import_module(name)\nprint('imported')"
    done = run(python, "-c", code, cwd=tmp_path)
    assert (done.stdout, done.returncode) == ("imported\n", 0), done.stderr


def test_the_contract_loads_without_asyncio(tmp_path: Path) -> None:
    zipapp = build_zipapp(tmp_path / "node.pyz")
    code = f"import sys; sys.path.insert(0, {str(zipapp)!r}); import harness.node, harness.system\n"
    code += "print([name for name in ('asyncio', 'socket', 'ssl') if name in sys.modules])"
    done = run(node_python(), "-c", code, cwd=tmp_path)
    assert done.stdout == "[]\n", done.stderr


@pytest.mark.parametrize(("arguments", "words"), [
    ([], "expected one, the configuration file"),
    (["missing.json"], "No such file"),
    (["broken.json"], "expected one JSON object"),
    (["empty.json"], "read no 'nodes'"),
    (["list.json"], "expected a configuration"),
])  # fmt: skip
def test_a_bad_configuration_is_explained(tmp_path: Path, arguments: list[str], words: str) -> None:
    (tmp_path / "broken.json").write_text("{")
    (tmp_path / "empty.json").write_text("{}")
    (tmp_path / "list.json").write_text("[]")
    done = run(node_python(), str(build_zipapp(tmp_path / "node.pyz")), *arguments, cwd=tmp_path)
    assert done.returncode == 78
    assert words in done.stderr
    assert "Traceback" not in done.stderr
