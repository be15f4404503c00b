"""A model of the user's own: by name, as a class, with and without the optional parts."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from checkers.linearizable import check, model_of
from harness.history import History
from harness.result import Reason
from tests.checkers.linearizable.notation import of

HISTORY = of(("write", 1, 0, 1), ("write", 2, 2, 9), ("read", 2, 3, 4), ("read", 2, 5, 6))
STALE = of(("write", 1, 0, 1), ("write", 2, 2, 3), ("read", 1, 4, 5))
LOST = of(("write", 1, 0, 1), ("write", 2, 2, 3, "info"), ("read", 1, 4, 5), ("read", 2, 6, 7))


class OwnRegister:
    def init(self) -> Any:
        return 0

    def step(self, state: Any, operation: Any) -> Any:
        if operation.f == "write":
            return operation.value
        return state if not operation.known or operation.result == state else None


class Journal:
    """A state that cannot be hashed and is changed in place."""

    def init(self, initial: Any = None) -> list[Any]:
        return list(initial or [])

    def step(self, state: list[Any], operation: Any) -> list[Any] | None:
        if operation.f == "write":
            state.append(operation.value)
            return state
        return state if not operation.known or operation.result == state[-1] else None

    def observes(self, operation: Any) -> bool:
        return bool(operation.f == "read")


class Modulo(OwnRegister):
    def equality(self, a: Any, b: Any) -> bool:
        return bool(a % 10 == b % 10)

    def hash(self, state: Any) -> int:
        return int(state) % 10

    def step(self, state: Any, operation: Any) -> Any:
        if operation.f == "write":
            return operation.value
        return state if operation.result % 10 == state % 10 else None


class Owned:
    owners = True

    def init(self) -> Any:
        return "nobody"

    def step(self, state: Any, operation: Any) -> Any:
        assert operation.process is not None, "asked for"
        if operation.f == "acquire":
            return operation.process if state == "nobody" else None
        return "nobody" if state == operation.process else None


class Apart(OwnRegister):
    """Values below ten and the others are registers apart."""

    def partition(self, operation: Any) -> Any:
        value = operation.value if operation.f == "write" else operation.result
        return value < 10


@pytest.mark.parametrize("model", [OwnRegister, OwnRegister(), Journal, Modulo, f"{__name__}:OwnRegister"])
def test_verdicts(model: Any) -> None:
    assert check(HISTORY, model=model).valid is True
    stale = check(STALE, model=model)
    assert stale.valid is False
    assert stale.anomalies[0].operations == (0, 2, 4)
    assert check(LOST, model=model).valid is True


def test_the_initial_value_is_given_to_those_who_take_one() -> None:
    history = of(("read", 7, 0, 1))
    assert check(history, model=Journal, initial=[7]).valid is True
    result = check(history, model=OwnRegister, initial=7)
    assert (result.valid, result.reason) == ("unknown", Reason.UNSUPPORTED)


def test_equality_and_hash_say_which_states_are_one() -> None:
    assert check(of(("write", 13, 0, 1), ("read", 23, 2, 3)), model=Modulo).valid is True


def test_owners_are_seen_by_those_who_ask() -> None:
    calls = (("acquire", None, 0, 1), ("release", None, 2, 3))
    assert check(of(*calls), model=Owned).valid is False, "another process releases"


def test_partitions_are_independent() -> None:
    history = of(("write", 1, 0, 1), ("write", 20, 2, 3), ("read", 1, 4, 5), ("read", 20, 6, 7))
    assert check(history, model=OwnRegister).valid is False
    result = check(history, model=Apart)
    assert (result.valid, result.details["keys"]) == (True, 2)


def test_a_crash_of_the_model_is_no_verdict() -> None:
    result = check(of(("write", 1, 0, 1), ("read", None, 2, 3)), model=Modulo)
    assert (result.valid, result.reason) == ("unknown", Reason.CHECKER_ERROR)
    assert "TypeError" in (result.explanation or "")


class NoState(OwnRegister):
    def init(self) -> Any:
        return None


def test_none_is_no_state() -> None:
    result = check(HISTORY, model=NoState)
    assert (result.valid, result.reason) == ("unknown", Reason.UNSUPPORTED)
    assert "anything but None" in (result.explanation or "")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("stack-of-plates", "expected register or"),
        ("no.such.module:Class", "cannot be imported"),
        (f"{__name__}:Nothing", "expected a class that"),
        ("json:JSONDecoder", "has no method init"),
        ("../evil:Class", "expected register or"),
        (":Class", "expected register or"),
    ],
)
def test_names_of_nothing(name: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        model_of(name)


def test_a_module_beside_the_working_directory_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "my_own_model.py").write_text(
        "class Once:\n    def init(self): return 'new'\n"
        "    def step(self, state, operation): return 'used' if state == 'new' else None\n"
    )
    monkeypatch.chdir(tmp_path)
    assert check(of(("use", 1, 0, 1)), model="my_own_model:Once").valid is True
    assert check(of(("use", 1, 0, 1), ("use", 1, 2, 3)), model="my_own_model:Once").valid is False
    assert check(History(), model="my_own_model:Once").valid is True
