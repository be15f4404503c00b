"""AWDIT's text form of register transactions."""

from __future__ import annotations

import pytest

from harness.formats import FormatError
from harness.formats.awdit_text import read


def lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def test_rules_part_transactions_and_sessions() -> None:
    recording = read(lines("w 0 1\nr 1 2\n-----\nr 0 1\n=====\nw 1 2\n"))
    found = [(op.process, op.value) for op in recording.history if op.type == "ok"]
    assert found == [(0, [["w", 0, 1], ["r", 1, 2]]), (0, [["r", 0, 1]]), (1, [["w", 1, 2]])]
    assert list(recording.lines) == [1, 1, 4, 4, 6, 6]
    assert not recording.realtime


def test_a_rule_without_a_transaction_makes_none() -> None:
    recording = read(lines("=====\n-----\nw 0 1\n-----\n-----\nw 0 2\n====="))
    assert [op.process for op in recording.history if op.type == "ok"] == [1, 1]


@pytest.mark.parametrize(("text", "line"), [("w 0 1\nw 0\n", 2), ("w 0 x\n", 1), ("q 0 1\n", 1), ("w 0 1\n--\n", 2)])
def test_what_is_no_history_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(FormatError) as refused:
        read(lines(text))
    assert refused.value.line == line
