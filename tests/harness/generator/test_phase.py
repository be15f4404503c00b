"""One after another, with and without waiting."""

from __future__ import annotations

from dataclasses import replace

from harness.generator import Draws, clients, limit, log, nemesis, phases, sequence, synchronize, then
from harness.generator.simulate import simulate
from harness.history import Op
from tests.harness.generator.words import numbered, op


def slow(entry: Op, draws: Draws) -> Op:
    return replace(entry, type="ok", time=entry.time + 5_000_000 + draws.below(1_000_000_000))


def first(history: list[Op], f: str, kind: str = "invoke") -> int:
    return next(index for index, entry in enumerate(history) if entry.f == f and entry.type == kind)


def last(history: list[Op], f: str) -> int:
    return max(index for index, entry in enumerate(history) if entry.f == f)


def test_phases_never_overlap() -> None:
    history = simulate(
        phases(limit(17, numbered("a")), limit(9, numbered("b")), limit(3, numbered("c"))), complete=slow
    )
    assert last(history, "a") < first(history, "b")
    assert last(history, "b") < first(history, "c")
    assert len(history) == 2 * (17 + 9 + 3)


def test_a_sequence_does_not_wait() -> None:
    history = simulate(sequence(limit(3, numbered("a")), limit(2, numbered("b"))), complete=slow, concurrency=5)
    assert first(history, "b") < last(history, "a")


def test_then_waits_once() -> None:
    history = simulate(then(limit(6, numbered("a")), limit(6, numbered("b"))), complete=slow)
    assert last(history, "a") < first(history, "b")


def test_synchronize_waits_for_its_own_threads_only() -> None:
    def complete(entry: Op, draws: Draws) -> Op:
        # The nemesis takes a minute; clients do not wait for it.
        duration = 60_000_000_000 if entry.f == "break" else 1_000_000
        return replace(entry, type="ok" if entry.f != "break" else "info", time=entry.time + duration)

    history = simulate(
        sequence(nemesis(op("break")), clients(phases(limit(4, numbered("a")), limit(4, numbered("b"))))),
        complete=complete,
    )
    assert first(history, "break", "info") > last(history, "b")


def test_lines_for_people_stand_between_phases() -> None:
    history = simulate(phases(limit(4, numbered("a")), log("now b"), limit(4, numbered("b"))), complete=slow)
    line = next(index for index, entry in enumerate(history) if entry.value == "now b")
    assert last(history, "a") < line < first(history, "b")


def test_an_empty_phase_is_passed_over() -> None:
    assert len(simulate(phases(limit(0, numbered()), synchronize(op("x")), limit(0, numbered())))) == 2
