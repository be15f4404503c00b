"""PolyLin's logs of containers."""

from __future__ import annotations

import pytest

from checkers.linearizable import check
from harness.formats import FormatError, polylin_log
from harness.history import Op


def read(text: str) -> polylin_log.Recording:
    return polylin_log.read(text.splitlines(keepends=True), "p.log")


def test_operations_stand_in_the_order_of_their_times() -> None:
    recording = read("# queue\nenq 1 0 5\ndeq -1 1 4\n\ndeq 1 4 6")
    assert list(recording.history) == [
        Op("invoke", 2, "enq", 1, index=0),
        Op("invoke", 3, "deq", None, index=1),
        Op("ok", 3, "deq", None, index=2),  # it returned as the next one was called: before
        Op("invoke", 5, "deq", None, index=3),
        Op("ok", 2, "enq", 1, index=4),
        Op("ok", 5, "deq", 1, index=5),
    ]
    assert list(recording.lines) == [2, 3, 3, 5, 2, 5]
    assert recording.model == "queue"


def test_sets_answer() -> None:
    recording = read("# set\ninsert 7 1 0 1\ncontains 7 0 2 3\n")
    assert [op.value for op in recording.history] == [7, True, 7, False]
    assert check(recording.history, model="set").valid is False


@pytest.mark.parametrize(
    ("text", "model", "valid"),
    [
        ("# pqueue\ninsert 1 0 1\ninsert 2 2 3\npeek 2 4 5\npoll 2 6 7\n", "pqueue", True),
        ("# pqueue\ninsert 1 0 1\ninsert 2 2 3\npoll 1 4 5\n", "pqueue", False),
        ("# deque\npush_front 1 0 1\npush_back 2 2 3\npop_back 2 4 5\npeek_front 1 6 7\n", "deque", True),
        ("# stack\npush 1 0 1\npush 2 1 2\npop 1 3 4\n", "stack", False),
    ],
)
def test_the_models_know_the_names(text: str, model: str, valid: bool) -> None:
    recording = read(text)
    assert recording.model == model
    assert check(recording.history, model=model).valid is valid


@pytest.mark.parametrize(
    ("text", "line", "read_", "expected"),
    [
        ("enq 1 0 1\n", 1, "enq 1 0 1", "# queue"),
        ("# queue\nenq 1 0\n", 2, "enq 1 0", "name value start end"),
        ("# queue\nenq x 0 1\n", 2, "enq x 0 1", "integers"),
        ("# set\ninsert 1 0 1\n", 2, "insert 1 0 1", "name value answer start end"),
        ("# set\ninsert 1 2 0 1\n", 2, "the answer '2'", "0 or 1"),
        ("# queue\npush 1 0 1\n", 2, "'push' of a queue", "deq or enq"),
        ("# queue\nenq 1 3 3\n", 2, "from 3 to 3", "ends after its start"),
        ("# queue\nenq -1 0 1\n", 2, "enq of -1", "another value"),
    ],
)
def test_what_is_no_such_log(text: str, line: int, read_: str, expected: str) -> None:
    with pytest.raises(FormatError) as caught:
        read(text)
    assert caught.value.line == line
    assert read_ in caught.value.read
    assert expected in caught.value.expected
