"""Single operations, functions, lines for people, repetition."""

from __future__ import annotations

from dataclasses import replace

from harness.generator import (
    ANY,
    LOG,
    PENDING,
    clients,
    cycle,
    fill,
    function,
    invoke,
    limit,
    log,
    repeat,
    sequence,
)
from harness.generator.simulate import simulate
from harness.history import Op
from tests.harness.generator.words import context, drawn, numbered, op, values


def test_once_is_once() -> None:
    assert values(simulate(op("write", 3))) == [3]


def test_fill_takes_the_longest_idle_thread_and_the_present() -> None:
    filled = fill(invoke("read"), context(time=70, free=(2, 0)))
    assert isinstance(filled, Op)
    assert (filled.process, filled.time) == (2, 70)


def test_fill_waits_for_a_free_thread() -> None:
    assert fill(invoke("read"), context(free=())) is PENDING
    assert fill(replace(invoke("read"), process=1), context(free=(0, 2))) is PENDING
    assert fill(replace(invoke("read"), process=1), context(free=(0, 1))) is not PENDING


def test_a_later_time_is_kept() -> None:
    filled = fill(replace(invoke("read"), time=500), context(time=70))
    assert isinstance(filled, Op)
    assert filled.time == 500


def test_a_function_is_called_with_each_position_until_it_returns_none() -> None:
    squares = function(lambda context, position: invoke("add", position**2) if position < 4 else None)
    assert values(simulate(squares)) == [0, 1, 4, 9]


def test_values_are_made_when_wanted() -> None:
    late = function(lambda context, position: invoke("write", context.time) if position < 20 else None)
    history = simulate(clients(late), concurrency=1)
    assert [entry.value for entry in history if entry.type == "invoke"] == [
        entry.time for entry in history if entry.type == "invoke"
    ]
    assert len(set(values(history))) == 20


def test_repeat_gives_the_first_operation_again_and_cycle_the_whole() -> None:
    pair = sequence(op("a", 1), op("b", 2))
    assert values(simulate(repeat(pair, 3))) == [1, 1, 1]
    assert values(simulate(cycle(pair, 2))) == [1, 2, 1, 2]
    assert len(values(simulate(limit(7, cycle(pair))))) == 7


def test_each_turn_of_a_cycle_draws_its_own_numbers() -> None:
    drawn_values = values(simulate(cycle(limit(5, drawn()), 2)))
    assert drawn_values[:5] != drawn_values[5:]


def test_a_cycle_of_nothing_is_nothing() -> None:
    assert simulate(cycle(limit(0, numbered()))) == []


def test_log_is_a_line_and_no_operation() -> None:
    (line,) = simulate(log("hello"))
    assert (line.process, line.value) == (LOG, "hello")
    assert invoke("read").process == ANY
