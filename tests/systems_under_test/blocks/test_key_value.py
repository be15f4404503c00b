"""The key-value state machine, its JSON equality, and its snapshots."""

from __future__ import annotations

import json
from typing import Any

import pytest

from systems_under_test.blocks.key_value import KeyValue, canonical


def do(state: KeyValue, f: str, value: Any = None, key: Any = "x") -> dict[str, Any]:
    return state.apply({"f": f, "key": key, "value": value})


def test_registers() -> None:
    state = KeyValue()
    assert do(state, "read") == {"value": None}
    assert do(state, "write", 1) == {"value": None}
    assert do(state, "read") == {"value": 1}
    assert do(state, "cas", [2, 3]) == {"error": "cas-mismatch"}
    assert do(state, "cas", [1, 3]) == {"value": None}
    assert do(state, "read") == {"value": 3}
    assert do(state, "read", key="y") == {"value": None}
    assert do(state, "cas", [None, 5], key="y") == {"value": None}
    assert do(state, "read", key="y") == {"value": 5}


def test_sets_keep_the_order_of_insertion_and_each_element_once() -> None:
    state = KeyValue()
    for element in (3, 1, 2, 1):
        assert do(state, "add", element) == {"value": None}
    assert do(state, "read") == {"value": [3, 1, 2]}


def test_counters_add_up_each_time() -> None:
    state = KeyValue()
    for delta in (5, -2, 5):
        assert do(state, "inc", delta) == {"value": None}
    assert do(state, "read") == {"value": 8}
    assert do(state, "inc", 0, key="y") == {"value": None}
    assert do(state, "read", key="y") == {"value": 0}


@pytest.mark.parametrize("held", ["text", True, 1.5, [1], {"n": 1}])
def test_only_integers_count(held: Any) -> None:
    state = KeyValue()
    assert do(state, "inc", held) == {"error": "unsupported"}
    do(state, "write", held)
    assert do(state, "inc", 1) == {"error": "wrong-type"}
    assert do(state, "read") == {"value": held}
    do(state, "add", 1, key="set")
    assert do(state, "inc", 1, key="set") == {"error": "wrong-type"}


def test_lists_keep_every_element_in_order() -> None:
    state = KeyValue()
    for element in (3, 1, 3, [2]):
        assert do(state, "append", element) == {"value": None}
    assert do(state, "read") == {"value": [3, 1, 3, [2]]}
    do(state, "write", [7], key="y")
    before = do(state, "read", key="y")["value"]
    assert do(state, "append", 8, key="y") == {"value": None}
    assert (do(state, "read", key="y")["value"], before) == ([7, 8], [7]), "what was read does not grow"


@pytest.mark.parametrize("held", ["text", True, 1, {"n": 1}])
def test_only_lists_are_appended_to(held: Any) -> None:
    state = KeyValue()
    do(state, "write", held)
    assert do(state, "append", 1) == {"error": "wrong-type"}
    assert do(state, "read") == {"value": held}
    do(state, "add", 1, key="set")
    assert do(state, "append", 1, key="set") == {"error": "wrong-type"}
    assert do(state, "read", key="set") == {"value": [1]}


def test_a_dump_is_what_reads_would_show_of_every_key() -> None:
    state = KeyValue()
    do(state, "write", {"deep": [1, None]}, key=[1, "k"])
    do(state, "add", True, key="s")
    do(state, "add", 1, key="s")
    do(state, "inc", 3, key=7)
    do(state, "write", 5, key="gone")
    do(state, "write", None, key="gone")
    assert state.dump() == {'[1,"k"]': {"deep": [1, None]}, '"s"': [True, 1], "7": 3}


def test_a_key_is_a_register_or_a_set() -> None:
    state = KeyValue()
    do(state, "add", 1)
    assert do(state, "cas", [1, 2]) == {"error": "wrong-type"}
    do(state, "write", 5)
    assert do(state, "add", 1) == {"error": "wrong-type"}
    assert do(state, "read") == {"value": 5}
    do(state, "write", None)
    assert do(state, "add", 1) == {"value": None}
    assert do(state, "read") == {"value": [1]}


@pytest.mark.parametrize("command", [{"f": "drop", "key": 1}, {"key": 1}, {"f": "cas", "value": 3}, {"f": "cas"}])
def test_what_is_not_understood_changes_nothing(command: dict[str, Any]) -> None:
    state = KeyValue()
    assert state.apply(command) == {"error": "unsupported"}
    assert state.snapshot() == KeyValue().snapshot()


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [(1, True, False), (0, False, False), (0, None, False), (1, "1", False), (1, 1.0, True), ([1], [True], False),
     ([1, 2], (1, 2), True), ({"a": 1, "b": 2}, {"b": 2, "a": 1}, True), ("", None, False), (1.5, 1, False)],
)  # fmt: skip
def test_equality_is_that_of_json(left: Any, right: Any, same: bool) -> None:
    assert (canonical(left) == canonical(right)) is same
    state = KeyValue()
    do(state, "write", left)
    assert ("value" in do(state, "cas", [right, "new"])) is same
    do(state, "write", "old", key=left)
    assert (do(state, "read", key=right)["value"] == "old") is same


def test_a_snapshot_is_the_whole_state_as_json() -> None:
    state = KeyValue()
    do(state, "write", {"deep": [1, None]}, key=[1, "k"])
    do(state, "add", True)
    do(state, "add", 1)
    copy = KeyValue()
    do(copy, "write", "forgotten", key="z")
    copy.restore(json.loads(json.dumps(state.snapshot())))
    assert copy.snapshot() == state.snapshot()
    assert do(copy, "read") == {"value": [True, 1]}
    assert do(copy, "read", key=[1, "k"]) == {"value": {"deep": [1, None]}}
    assert do(copy, "read", key="z") == {"value": None}
    do(copy, "add", 2)
    assert do(state, "read") == {"value": [True, 1]}


def test_a_column_that_counts_by_itself() -> None:
    state = KeyValue()
    assert [do(state, "generate", None, key=key) for key in ("x", "x", "y")] == [
        {"value": 1},
        {"value": 2},
        {"value": 1},
    ]
    assert do(state, "add", 1, key="set") == {"value": None}
    assert do(state, "generate", None, key="set") == {"error": "wrong-type"}
