"""Ends: by number, by time, by success."""

from __future__ import annotations

from dataclasses import replace

from harness.generator import (
    Draws,
    any_of,
    clients,
    delay,
    each_thread,
    limit,
    log,
    rate,
    repeat,
    sequence,
    synchronize,
    then,
    time_limit,
    until_ok,
)
from harness.generator.simulate import simulate
from harness.history import Op
from tests.harness.generator.words import invocations, numbered, op, values


def failing_until(time_ns: int, f: str = "probe") -> object:
    def complete(entry: Op, draws: Draws) -> Op:
        ended = entry.time + 3_000_000
        return replace(entry, type="ok" if entry.f != f or entry.time >= time_ns else "fail", time=ended)

    return complete


def test_limit_counts_operations_and_not_lines() -> None:
    history = simulate(limit(3, sequence(log("x"), numbered())))
    assert values(history, "add") == [0, 1, 2]


def test_time_limit_counts_from_its_first_operation() -> None:
    first = limit(10, delay(0.1, numbered("first")))
    history = simulate(then(first, time_limit(1.0, delay(0.1, numbered("second")))))
    assert len(invocations(history, "first")) == 10
    assert len(invocations(history, "second")) == 10


def test_time_limit_ends_even_while_all_are_busy_or_pending() -> None:
    def slow(entry: Op, draws: Draws) -> Op:
        return replace(entry, type="ok", time=entry.time + 10_000_000_000)

    history = simulate(clients(time_limit(1.0, numbered())), concurrency=2, complete=slow)
    assert len(invocations(history)) == 2


def test_until_ok_stops_at_the_first_success() -> None:
    history = simulate(
        clients(until_ok(delay(0.05, numbered("probe")))),
        complete=failing_until(400_000_000),  # type: ignore[arg-type]
    )
    probes = invocations(history, "probe")
    assert 8 <= len(probes) <= 10
    assert [entry.type for entry in history].count("ok") == len([e for e in probes if e.time >= 400_000_000])


def test_until_ok_does_not_mistake_others_successes_for_its_own() -> None:
    probe = until_ok(limit(20, delay(0.01, numbered("probe"))))
    other = limit(20, delay(0.01, numbered("other")))
    history = simulate(clients(any_of(probe, other)), complete=failing_until(10**18))  # type: ignore[arg-type]
    assert len(invocations(history, "probe")) == 20


def test_until_ok_ends_with_its_generator() -> None:
    reads = clients(each_thread(until_ok(limit(3, repeat(op("probe"))))))
    history = simulate(synchronize(reads), concurrency=4, complete=failing_until(10**18))  # type: ignore[arg-type]
    assert len(invocations(history)) == 12


def test_rate_inside_a_time_limit() -> None:
    history = simulate(clients(time_limit(10.0, rate(50, numbered()))), concurrency=10)
    assert 440 < len(invocations(history)) < 560
    assert max(entry.time for entry in invocations(history)) < 10_000_000_000
