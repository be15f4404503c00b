"""Violin's logs of queues and stacks."""

from __future__ import annotations

import pytest

from harness.formats import FormatError, violin_log
from harness.history import Op

LOG = """\
# from Figure 1
# @object atomic-queue

[1] call add(1)
   [2] call remove
[1] return
   [3] call dequeue()
[2] return a
   [3] return empty
[1] call enqueue(-2)
"""


def read(text: str) -> violin_log.Recording:
    return violin_log.read(text.splitlines(keepends=True), "v.log")


def test_calls_and_returns_are_operations_in_their_order() -> None:
    recording = read(LOG)
    assert list(recording.history) == [
        Op("invoke", 1, "enqueue", 1, index=0),
        Op("invoke", 2, "dequeue", None, index=1),
        Op("ok", 1, "enqueue", 1, index=2),
        Op("invoke", 3, "dequeue", None, index=3),
        Op("ok", 2, "dequeue", "a", index=4),
        Op("ok", 3, "dequeue", None, index=5),
        Op("invoke", 1, "enqueue", -2, index=6),
    ]
    assert list(recording.lines) == [4, 5, 6, 7, 8, 9, 10]
    assert recording.model == "queue"


def test_stacks() -> None:
    recording = read("# @object atomic-stack\n[1] call push(x)\n[2] call pop\n[2] return x")
    assert recording.model == "stack"
    assert [op.f for op in recording.history] == ["push", "pop", "pop"]


@pytest.mark.parametrize(
    ("text", "line", "read_", "expected"),
    [
        ("[1] call add(1)\n", 1, "before its object is named", "@object"),
        ("# @object atomic-tree\n", 1, "'atomic-tree'", "atomic-queue or atomic-stack"),
        ("# @object atomic-queue\n# @object atomic-queue\n", 2, "a second object", "one history"),
        ("# @object atomic-queue\n[1] call push(1)\n", 2, "'push' of a queue", "enqueue"),
        ("# @object atomic-queue\n[1] call add\n", 2, "argument ''", "one argument"),
        ("# @object atomic-queue\n[1] call remove(1)\n", 2, "argument '1'", "none of what is taken out"),
        ("# @object atomic-queue\n[1] call add(1)\n[1] call add(2)\n", 3, "still running", "one operation"),
        ("# @object atomic-queue\n[1] return\n", 2, "runs nothing", "its call"),
        ("# @object atomic-queue\n[1] call add(1)\n[1] return 1\n", 3, "a return '1' from enqueue", "nothing from"),
        ("# @object atomic-queue\n[1] call remove\n[1] return\n", 3, "a return '' from dequeue", "`empty`"),
        ("# @object atomic-queue\n[1] call add(1\n", 2, "[1] call add(1", "a comment after #"),
    ],
)
def test_what_is_no_such_log(text: str, line: int, read_: str, expected: str) -> None:
    with pytest.raises(FormatError) as caught:
        read(text)
    assert caught.value.line == line
    assert read_ in caught.value.read
    assert expected in caught.value.expected
