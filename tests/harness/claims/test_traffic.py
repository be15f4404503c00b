"""Operations around faults, on times made by hand (in seconds)."""

from __future__ import annotations

from typing import Any

from harness.claims.timed import NEVER_NS, Timed
from harness.claims.traffic import Traffic, carried, disturbed, traffic
from harness.fault_window import FaultWindow


def s(seconds: float) -> int:
    return round(seconds * 1e9)


def op(begun: float, done: float | None, outcome: str = "ok", f: str = "add", key: Any = None) -> Timed:
    return Timed(f, 0, key, 1, outcome, "n1", s(begun), NEVER_NS if done is None else s(done))


def window(start: float, stop: float | None) -> FaultWindow:
    ends = (None, -1) if stop is None else (1, s(stop))
    return FaultWindow("kill", 0, s(start), *ends, done_ns=s(start), ending_ns=ends[1])


def test_before_under_and_after() -> None:
    operations = [op(0.1, 0.2), op(0.9, 1.1), op(1.5, 2.6, "info"), op(2.1, 2.2), op(2.5, None, "info"), op(2.9, 3.1),
                  op(3.5, 3.6), op(3.7, 3.8, "fail")]  # fmt: skip
    found = traffic(operations, [window(1.0, 3.0)], patience_s=1.0)
    # what was begun in the first second of the fault may have been let through; what ended after the heal, too
    assert found == {"add": Traffic(before=1, asked=3, answered=1, asked_after=2, after=1, soon=1, recovery_s=0.6)}


def test_several_faults_count_while_all_are_in_force() -> None:
    operations = [op(0.5, 0.6), op(1.5, 1.6), op(3.2, 3.3), op(4.5, 4.6), op(6.5, 6.6)]
    found = traffic(operations, [window(1.0, 4.0), window(2.0, 6.0)], patience_s=1.0)
    assert found == {"add": Traffic(before=1, asked=1, answered=1, asked_after=1, after=1, soon=1, recovery_s=0.6)}


def test_what_begins_and_ends_slowly_counts_where_it_was_certainly_in_force() -> None:
    slow = FaultWindow("pause", 0, s(1.0), 1, s(9.0), done_ns=s(2.0), ending_ns=s(7.0))
    operations = [op(0.5, 0.6), op(2.5, 2.6), op(4.0, 4.1), op(7.5, 7.6), op(9.5, 9.6)]
    assert traffic(operations, [slow], patience_s=1.0)["add"] == Traffic(1, 1, 1, 1, 1, 1, 0.6)


def test_nothing_without_a_fault_and_no_recovery_without_a_heal() -> None:
    assert traffic([op(0, 1)], [], 1.0) == {}
    assert traffic([op(9, 9.1)], [window(1.0, None)], 1.0)["add"] == Traffic(0, 1, 1)


def test_soon_is_within_the_recovery_bound() -> None:
    found = traffic([op(3.5, 12.9), op(3.6, 13.1), op(20, 20.1)], [window(1.0, 3.0)], patience_s=1.0)["add"]
    assert (found.asked_after, found.after, found.soon) == (3, 3, 1)


def test_disturbed_is_inside_a_window_or_soon_after_it() -> None:
    done = [0.9, 1.0, 3.0, 4.9, 5.1]
    assert disturbed([op(0, at) for at in done], [window(1.0, 3.0)]) == 3
    assert disturbed([op(0, at, "info") for at in done], [window(1.0, 3.0)]) == 0


def test_carried_needs_old_data_asked_of_the_new_leader() -> None:
    elected = [s(2.0)]
    assert carried([op(0, 0.5, key="x"), op(3, 3.1, key="x", f="read")], elected)
    assert not carried([op(0, 0.5, key="x"), op(3, 3.1, key="y", f="read")], elected)
    assert not carried([op(0, 0.5, key="x"), op(1.5, 3.1, key="x")], elected), "the old leader may have taken it"
    assert not carried([op(0, 0.5, "info", key="x"), op(3, 3.1, key="x")], elected)
    assert not carried([op(2.1, 2.5, key="x"), op(3, 3.1, key="x")], elected)
    assert carried([op(0, 0.5, key="x"), op(3, 3.1, key="x")], [*elected, s(9.0)])
    assert carried([], [])
