"""Plume's text form of register transactions."""

from __future__ import annotations

import pytest

from harness.formats import FormatError
from harness.formats.plume_text import read
from harness.history import Op


def lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def completions(text: str) -> list[Op]:
    return [op for op in read(lines(text)).history if op.type == "ok"]


def test_lines_of_one_transaction_are_one_operation_of_its_session() -> None:
    found = completions("w(7,1,0,0)\nr(8,2,0,0)\n\nw(8,2,1,0)\n")
    assert [(op.process, op.f, op.value) for op in found] == [
        (0, "txn", [["w", 7, 1], ["r", 8, 2]]),
        (1, "txn", [["w", 8, 2]]),
    ]


def test_an_invocation_has_read_nothing_yet() -> None:
    assert read(lines("r(8,2,0,0)\nw(8,2,0,0)\n")).history[0].value == [["r", 8, None], ["w", 8, 2]]


def test_sessions_are_put_together_and_nothing_is_said_of_time() -> None:
    recording = read(lines("w(1,1,0,0)\nw(2,1,1,0)\nw(1,2,0,1)\n"))
    assert [op.process for op in recording.history] == [0, 0, 0, 0, 1, 1]
    assert list(recording.lines) == [1, 1, 3, 3, 2, 2]
    assert not recording.realtime


def test_zero_is_the_initial_value_where_nobody_wrote_it() -> None:
    unwritten, written = completions("r(1,0,0,0)\n"), completions("r(1,0,0,0)\nw(1,0,1,0)\n")
    assert unwritten[0].value == [["r", 1, None]]
    assert written[0].value == [["r", 1, 0]]


@pytest.mark.parametrize(
    ("text", "line", "read_"),
    [
        ("w(1,1,0,0)\nw(1,2,0,1)\nw(2,2,0,0)\n", 3, "more of transaction 0"),
        ("w(1,1,0,0)\nx(1,1,0,0)\n", 2, "x(1,1,0,0)"),
        ("w(1,one,0,0)\n", 1, "'one'"),
        ("w(1,99999999999999999999,0,0)\n", 1, "'99999999999999999999'"),
        ("w(1,1,-1,0)\n", 1, "session -1"),
    ],
)
def test_what_is_no_history_is_refused_with_its_line(text: str, line: int, read_: str) -> None:
    with pytest.raises(FormatError) as refused:
        read(lines(text))
    assert refused.value.line == line
    assert read_ in refused.value.read
