"""The table for terminals: in order, bounded, and harmless."""

from __future__ import annotations

from harness.history import History, Op
from harness.report.space_time_text import COLUMNS_MAX, table
from harness.trace import Trace
from tests.harness.report.trace_example import story


def test_the_story_is_told_in_order() -> None:
    lines = table(*story())
    assert lines[0] == "      ms  who           what"
    assert "!    250  c0            add 13 ..." in lines
    assert "     253  n1 -x n2      ship: add 13   (lost: partition)" in lines
    assert "     484  n2            * became-leader generation=2" in lines
    assert "     210  nemesis       # partition (isolate-leader, n1) begins" in lines
    assert "!    904  c1            read -> [12, 14]" in lines
    times = [float(line[1:9]) for line in lines[1:-1]]
    assert times == sorted(times)
    assert lines[-1].startswith("  not shown: ")


def test_it_is_as_long_as_asked_and_says_what_is_missing() -> None:
    for most in (60, 40, 20, 5):
        lines = table(*story(), lines_max=most)
        assert len(lines) <= most
    assert "more lines" in lines[-1]


def test_a_terminal_is_safe_from_it() -> None:
    trace, evil = Trace(), "\x1b[2J\u202e" + "x" * 500
    trace.send(1, 1, evil, f"b{evil}", "call", {"type": evil, evil: evil})
    trace.lost(2, 1, evil)
    trace.event(3, evil, evil, {evil: evil})
    lines = table(trace, History([Op("invoke", 0, "f", evil, 0), Op("fail", 0, "f", evil, 9000, error=evil)]), (), None)
    assert all(line.isprintable() and len(line) <= COLUMNS_MAX for line in lines)
    assert len(lines) == 5


def test_nothing_is_no_table() -> None:
    assert table(Trace(), History(), (), None) == []
