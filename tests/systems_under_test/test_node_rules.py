"""Rules of node code that lint has no word for (harness/node/env.py says why they are rules)."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

FOLDER = Path(__file__).resolve().parents[2] / "systems_under_test"
SOURCES = sorted(path for path in FOLDER.rglob("*.py") if "external" not in path.relative_to(FOLDER).parts)


def breaches(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Try):
            for statement in node.finalbody:
                if any(isinstance(inner, (ast.Await, ast.AsyncFor, ast.AsyncWith)) for inner in ast.walk(statement)):
                    yield f"line {statement.lineno}: await in finally; a dead node's coroutine would wait there"
        elif isinstance(node, ast.ExceptHandler) and swallows_everything(node):
            yield f"line {node.lineno}: BaseException swallowed; a killed incarnation must end"
        elif isinstance(node, (ast.For, ast.comprehension)) and is_set(node.iter):
            yield f"line {node.iter.lineno}: iteration over a set; its order differs between runs"
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("id", "hash"):
            yield f"line {node.lineno}: {node.func.id}() differs between runs"


def swallows_everything(handler: ast.ExceptHandler) -> bool:
    everything = handler.type is None or (isinstance(handler.type, ast.Name) and handler.type.id == "BaseException")
    return everything and not any(isinstance(node, ast.Raise) for node in ast.walk(handler))


def is_set(node: ast.AST) -> bool:
    made = isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in ("set", "frozenset")
    return made or isinstance(node, (ast.Set, ast.SetComp))


@pytest.mark.parametrize("path", SOURCES, ids=lambda path: str(path.relative_to(FOLDER)))
def test_node_code_obeys_the_rules(path: Path) -> None:
    assert list(breaches(ast.parse(path.read_text()))) == []


@pytest.mark.parametrize(
    "code",
    [
        "async def f(env):\n try:\n  pass\n finally:\n  await env.sleep(1)",
        "try:\n pass\nexcept BaseException:\n pass",
        "try:\n pass\nexcept:\n pass",
        "for x in {1, 2}: pass",
        "[x for x in set(y)]",
        "id(x)",
    ],
)
def test_the_rules_find_what_they_forbid(code: str) -> None:
    assert len(list(breaches(ast.parse(code)))) == 1
