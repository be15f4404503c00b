"""Fault windows are read from the nemesis operations of a history."""

from __future__ import annotations

from typing import Any

from harness.fault_window import FaultWindow, fault_windows
from harness.history import History, Op


def nemesis(*lines: tuple[str, Any]) -> History:
    return History(Op("info", "nemesis", f, value, time=index * 10) for index, (f, value) in enumerate(lines))


DONE = {"nodes": ["n3"], "shape": "isolate-leader"}


def test_a_window_runs_from_the_announced_start_to_the_done_stop() -> None:
    history = nemesis(
        ("start-partition", {"target": "leader"}), ("start-partition", DONE), ("stop-partition", None),
        ("stop-partition", {"healed": True}),
    )  # fmt: skip
    assert fault_windows(history) == (FaultWindow("partition", 0, 0, 3, 30, DONE, done_ns=10, ending_ns=20),)


def test_client_operations_between_do_not_matter() -> None:
    lines = [
        Op("invoke", 0, "start-kill"), Op("info", "nemesis", "start-kill"), Op("ok", 0, "start-kill"),
        Op("info", "nemesis", "start-kill", DONE), Op("info", "other", "stop-kill"), Op("info", "nemesis", "stop-kill"),
    ]  # fmt: skip
    (window,) = fault_windows(History(lines))
    assert (window.start, window.stop, window.value) == (1, 5, DONE)


def test_a_fault_never_stopped_stays_in_force() -> None:
    (window,) = fault_windows(nemesis(("start-pause", None), ("start-pause", DONE)))
    assert window.stop is None
    assert window.overlaps(1000, 2000)
    assert not window.overlaps(-5, -1)


def test_the_heal_at_the_end_of_a_run_stops_every_fault() -> None:
    history = nemesis(
        ("start-kill", None), ("start-kill", DONE), ("start-pause", None), ("start-pause", None), ("heal", None),
        ("heal", {}), ("start-kill", None),
    )  # fmt: skip
    assert [(w.fault, w.start, w.stop) for w in fault_windows(history)] == [
        ("kill", 0, 5), ("pause", 2, 5), ("kill", 6, None),
    ]  # fmt: skip


def test_faults_overlap_and_one_stop_ends_all_windows_of_its_fault() -> None:
    history = nemesis(
        ("start-kill", None), ("start-kill", {"nodes": ["n1"]}), ("start-pause", None), ("start-pause", None),
        ("start-kill", None), ("start-kill", {"nodes": ["n2"]}), ("stop-kill", None), ("stop-kill", None),
        ("start-kill", None), ("start-kill", None), ("stop-pause", None), ("stop-pause", None),
        ("stop-kill", None), ("stop-kill", None),
    )  # fmt: skip
    assert [(w.fault, w.start, w.stop) for w in fault_windows(history)] == [
        ("kill", 0, 7), ("pause", 2, 11), ("kill", 4, 7), ("kill", 8, 13),
    ]  # fmt: skip


def test_a_missing_done_line_does_not_shift_the_others() -> None:
    history = nemesis(
        ("start-kill", None), ("stop-kill", None), ("stop-kill", None), ("start-kill", None), ("start-kill", DONE),
        ("stop-kill", None),
    )  # fmt: skip
    assert [(w.start, w.stop, w.value) for w in fault_windows(history)] == [(0, 2, None), (3, 5, DONE)]


def test_applications_that_interleave_are_told_apart_by_their_numbers() -> None:
    def line(number: int, **more: Any) -> dict[str, Any]:
        return {"application": number, **more}

    history = nemesis(
        ("start-kill", line(0)), ("start-kill", line(1)), ("start-pause", line(2)),
        ("start-kill", line(1, nodes=["n1"])), ("start-kill", line(0, nodes=["n0"])), ("stop-kill", line(1)),
        ("start-pause", line(2)), ("stop-kill", line(0)), ("stop-kill", line(1)), ("stop-kill", line(0)),
        ("heal", None), ("heal", {}),
    )  # fmt: skip
    assert [(w.fault, w.start, w.stop, str(w)) for w in fault_windows(history)] == [
        ("kill", 0, 9, "kill (n0)"), ("kill", 1, 8, "kill (n1)"), ("pause", 2, 11, "pause"),
    ]  # fmt: skip


def test_numbers_that_are_none_are_as_no_numbers() -> None:
    for number in ([], {}, True, 1.5, "1"):
        history = nemesis(
            *((f, {"application": number}) for f in ("start-kill", "start-kill", "stop-kill", "stop-kill"))
        )
        assert [(w.start, w.stop) for w in fault_windows(history)] == [(0, 3)]


def test_a_stop_without_a_start_is_no_window() -> None:
    assert fault_windows(nemesis(("stop-kill", None), ("stop-kill", None), ("log", None))) == ()


def test_overlap_counts_both_ends() -> None:
    window = FaultWindow("kill", 10, 0, 20, 0)
    assert [window.overlaps(*span) for span in ((0, 9), (0, 10), (15, 15), (20, 30), (21, 30))] == [
        False, True, True, True, False,
    ]  # fmt: skip


def test_a_window_is_told_with_its_shape_and_nodes() -> None:
    assert str(FaultWindow("partition", 0, 0, value=DONE)) == "partition (isolate-leader, n3)"
    assert str(FaultWindow("kill", 0, 0, value={"nodes": 7, "shape": []})) == "kill"
    assert len(str(FaultWindow("kill", 0, 0, value={"nodes": ["n" * 999] * 999, "shape": "s" * 999}))) < 300
