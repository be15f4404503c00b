"""Imports point down only, node code is standard library only, and the top level stays as it is."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("harness", "systems_under_test", "workloads", "checkers")

# From the top of the house down (architecture.md); a module may import its own layer and those below it.
LAYERS: tuple[tuple[str, ...], ...] = (
    ("harness.cli", "harness.commands"),
    ("harness.report",),
    ("harness.claims", "harness.exam"),
    ("harness.search",),
    ("harness.runner", "harness.setup", "harness.progress", "harness.readiness", "harness.verdict"),
    ("harness.interpreter", "harness.store", "harness.clusters", "harness.faults", "harness.simulation"),
    ("harness.client_endpoint", "harness.deploy", "harness.real_runtime"),
    ("workloads",),
    ("systems_under_test",),
    ("checkers",),
    ("harness.formats",),
    ("harness",),  # every other module of the harness is a word that everything uses
)
# The catalog alone resolves names to plug-ins; it imports them when asked, so it has no layer of its own.
RESOLVER = "harness.catalog"

ALLOWED_OF = {
    "checkers": (
        "harness.history",
        "harness.result",
        "harness.fault_window",
        "harness.columns",
        "harness.compiled",
        "checkers",
    ),
    "checkers.api": ("harness.formats",),  # besides: from Python, a history is read and checked in one breath
    "systems_under_test": ("harness.node", "harness.system", "harness.claim", "harness.history", "systems_under_test"),
}


def module_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def modules() -> Iterator[tuple[str, Path]]:
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            yield module_name(path), path


@cache
def known_modules() -> frozenset[str]:
    return frozenset(name for name, _ in modules())


def imports(path: Path) -> Iterator[str]:
    """Every imported module, those imported inside functions too."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import; expected absolute ones"
            assert node.module is not None
            for alias in node.names:
                submodule = f"{node.module}.{alias.name}"
                yield submodule if submodule in known_modules() else node.module


def inside(module: str, prefix: str) -> bool:
    return module == prefix or module.startswith(prefix + ".")


def layer(module: str) -> int:
    return next(i for i, prefixes in enumerate(LAYERS) if any(inside(module, prefix) for prefix in prefixes))


def ours(module: str) -> bool:
    return module.split(".")[0] in PACKAGES


def test_imports_point_down() -> None:
    wrong = [
        f"{name} imports {target}"
        for name, path in modules()
        if name != RESOLVER
        for target in imports(path)
        if ours(target) and layer(target) < layer(name)
    ]
    assert not wrong, "imports that point up:\n" + "\n".join(wrong)


@pytest.mark.parametrize("package", ["checkers", "systems_under_test"])
def test_checkers_and_systems_import_only_their_words(package: str) -> None:
    allowed = ALLOWED_OF[package]
    wrong = [
        f"{name} imports {target}"
        for name, path in modules()
        if inside(name, package) and not inside(name, "systems_under_test.external")
        for target in imports(path)
        if ours(target)
        and not any(inside(target, prefix) for prefix in (*allowed, *ALLOWED_OF.get(name, ())))
        and target != "harness"
    ]
    assert not wrong, "\n".join(wrong)


def test_systems_never_import_each_other() -> None:
    def system(module: str) -> str | None:
        parts = module.split(".")
        return parts[1] if parts[0] == "systems_under_test" and len(parts) > 1 and parts[1] != "blocks" else None

    wrong = [
        f"{name} imports {target}"
        for name, path in modules()
        for target in imports(path)
        if inside(name, "systems_under_test") and system(target) not in (None, system(name))
    ]
    assert not wrong, "a system composes blocks, never another system:\n" + "\n".join(wrong)


def test_modules_have_no_import_cycles() -> None:
    graph = {name: {t for t in imports(path) if t in known_modules() and t != name} for name, path in modules()}
    done: set[str] = set()

    def visit(module: str, trail: tuple[str, ...]) -> None:
        assert module not in trail, "import cycle: " + " -> ".join((*trail[trail.index(module) :], module))
        if module not in done:
            for target in sorted(graph[module]):
                visit(target, (*trail, module))
            done.add(module)

    for module in sorted(graph):
        visit(module, ())


@pytest.mark.parametrize("module", ["harness.node", "harness.system"])
def test_node_words_are_standard_library_only(module: str) -> None:
    code = f"import sys; sys.path.insert(0, {str(ROOT)!r}); import {module}; print(sorted(sys.modules))"
    done = subprocess.run([sys.executable, "-S", "-I", "-c", code], capture_output=True, text=True, check=True)
    assert "site-packages" not in done.stdout
    assert "asyncio" not in done.stdout, f"{module} imports asyncio, which every node program would pay for"


def test_every_module_says_what_it_is() -> None:
    silent = [name for name, path in modules() if not ast.get_docstring(ast.parse(path.read_text()))]
    assert not silent, f"modules without a docstring: {silent}"


def test_top_level_is_fixed() -> None:
    allowed = {
        *PACKAGES, "tests", "benchmarks", "examples", "pyproject.toml", "README.md", "CHANGELOG.md", "LICENSE",
        "splitbrain", "store", "dist", "build",
    }  # fmt: skip
    strange = [path.name for path in ROOT.iterdir() if path.name not in allowed and not path.name.startswith(".")]
    assert not strange, f"not of the top level: {strange}"
