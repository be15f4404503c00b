"""Checking from Python: what is documented runs, names lead where --expect leads, importing costs next to nothing."""

from __future__ import annotations

import doctest
import os
import subprocess
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

import checkers
import checkers.api
import checkers.linearizable
import checkers.names
from checkers import CasRegister, History, Queue, Register, Result, check, info, invoke, linearizable, ok, read_history
from examples.bank_account import Account
from harness import catalog
from harness.history import HistoryError, Op
from harness.result import Anomaly, Reason, unknown

ROOT = Path(__file__).resolve().parents[2]
STALE = [
    invoke(0, "write", 1),
    ok(0, "write", 1),
    invoke(0, "write", 2),
    ok(0, "write", 2),
    invoke(1, "read"),
    ok(1, "read", 1),
]


@pytest.mark.parametrize("module", [checkers, checkers.api, checkers.names, checkers.linearizable])
def test_what_is_documented_runs(module: ModuleType) -> None:
    assert doctest.testmod(module, optionflags=doctest.ELLIPSIS).failed == 0


def test_there_is_something_documented() -> None:
    assert doctest.testmod(checkers.api).attempted > 15


def python(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_importing_it_imports_nothing_else() -> None:
    loaded = python(
        "import sys, checkers; print(sorted(m for m in sys.modules if m.startswith(('checkers', 'harness'))))"
    )
    assert loaded == "['checkers']"


@pytest.mark.parametrize(
    "before", ["", "import checkers.linearizable.verdict", "import checkers.counter, checkers.set"]
)
def test_a_name_can_be_called_whatever_was_imported_before(before: str) -> None:
    says = python(
        f"{before}\n"
        "from checkers import linearizable, counter, strict_serializable, invoke, ok\n"
        "print(linearizable([invoke(0, 'read'), ok(0, 'read', 7)]).valid, counter([]).expect,"
        " strict_serializable([]).expect, linearizable([], 'queue').model)"
    )
    assert says == "False counter strict-serializable queue"


@pytest.mark.parametrize("name", catalog.PLUG_INS["checkers"])
def test_every_expectation_is_a_function(name: str) -> None:
    function = getattr(checkers, name.replace("-", "_"))
    assert callable(function)
    result = function([])
    assert isinstance(result, Result)
    assert result.expect == name
    assert check([], name).expect == name
    assert checkers.names.checker(name) is catalog.checker(name)


@pytest.mark.parametrize("name", catalog.models())
def test_every_model_is_a_class(name: str) -> None:
    classes = [getattr(checkers, each) for each in dir(checkers) if each[0].isupper()]
    (model,) = [each for each in classes if getattr(each, "name", None) == name or _named(each) == name]
    assert linearizable([], model()).model == name
    assert linearizable([], model).model == name


def _named(model: Any) -> str | None:
    return getattr(model(), "name", None) if hasattr(model, "parse") else None


def test_a_wrong_name_gets_a_suggestion() -> None:
    with pytest.raises(ValueError, match="did you mean serializable"):
        check([], "serialisable")
    with pytest.raises(AttributeError, match="serializable"):
        checkers.serialisable  # noqa: B018
    with pytest.raises(ValueError, match=r"queueue.*expected register"):
        linearizable([], "queueue")


def test_an_iterable_will_do() -> None:
    assert linearizable(iter(STALE), Register()).anomalies == linearizable(History(STALE), "register").anomalies
    assert not linearizable((op for op in STALE), CasRegister())


def test_lines_that_are_no_history() -> None:
    with pytest.raises(HistoryError):
        linearizable([ok(0, "read", 1)])


def test_a_verdict_is_true_false_or_neither() -> None:
    assert linearizable(STALE[:4])
    assert not linearizable(STALE)
    neither = unknown("linearizable", Reason.TIMEOUT, "too late")
    with pytest.raises(ValueError, match="too late"):
        bool(neither)


def test_a_result_tells_the_witness_in_words() -> None:
    result = linearizable(STALE, Register())
    assert str(result).splitlines() == [
        f"INVALID: expected linearizable (register), 3 operations, by {result.method}",
        f"  non-linearizable: {result.anomalies[0].explanation}",
    ]
    assert "process 1's read of 1 (op 4) began after" in repr(result)
    assert "\n" not in repr(result)
    assert repr(linearizable([], "queue")).startswith("<valid: expected linearizable (queue), 0 operations")


def test_a_result_sends_nothing_to_the_terminal_that_it_would_obey() -> None:
    hostile = Result(False, "set", anomalies=(Anomaly("lost", (0,), "\x1b[2Jgone\u202e\n\x9b"),))
    assert all(c.isprintable() for line in str(hostile).split("\n") for c in line)


def test_keys_and_other_fields() -> None:
    keyed = [invoke(0, "write", 1, key="x"), info(0, "write", key="x", error="timeout"), invoke(1, "read", key="x")]
    assert keyed[1] == Op("info", 0, "write", None, key="x", error="timeout")
    assert linearizable([*keyed, ok(1, "read", 1, key="x")])


def test_a_model_of_one_s_own() -> None:
    history = read_history(ROOT / "examples" / "overdraft.jsonl")
    for account in (Account, Account(), "examples.bank_account:Account"):
        result = linearizable(history, account)
        assert result.valid is False
        assert "withdraw" in str(result)
    assert linearizable(history, Account, initial=100)
    assert linearizable(history, Account()).model == "Account"


def test_options_reach_the_checker() -> None:
    queue = [invoke(0, "enqueue", 1), ok(0, "enqueue", 1), invoke(1, "dequeue"), ok(1, "dequeue", 1)]
    result = linearizable(queue, Queue(), method="search", certify=True, time_limit_s=10)
    assert result.method == "search"
    assert result.details["linearizations"] == [{"key": None, "order": [0, 2]}]
    assert check(queue, model="queue").valid is True
    assert linearizable(STALE, initial=5, nil_reads="unknown", time_limit_s=0).valid in (False, "unknown")


def test_the_example_is_in_the_readme_and_says_what_stands_there() -> None:
    readme, example = (ROOT / "README.md").read_text(), ROOT / "examples" / "check_in_python.py"
    assert f"```python\n{example.read_text()}```" in readme
    done = subprocess.run([sys.executable, str(example)], cwd=ROOT, capture_output=True, text=True, check=True,
                          env={**os.environ, "PYTHONPATH": str(ROOT)})  # fmt: skip
    assert f"```\n{done.stdout}```" in readme
