"""What a diagram shows of a run: the anomaly's time, the messages that matter, no more than there is room for."""

from __future__ import annotations

from typing import Any

import pytest

from harness.fault_window import FaultWindow, fault_windows
from harness.history import History, HistoryError, Op
from harness.report.space_time_operation import Limits
from harness.report.space_time_scene import Scene, compose
from harness.report.space_time_trace import DOWN, LEADER, PAUSED, Moment, spans, spots
from harness.result import Anomaly
from harness.trace import Trace
from tests.harness.report.trace_example import MS, story


def scene(**limits: int) -> Scene:
    composed = compose(*story(), limits=Limits(**limits))
    assert composed is not None
    return composed


def test_the_anomaly_and_what_led_to_it_are_there() -> None:
    shown = scene(messages=30)
    assert shown.clients == ("c0", "c1")
    assert shown.nodes == ("n1", "n2", "n3")
    assert [(box.asked, box.answered) for box in shown.boxes if box.named] == [("add 13", "ok"), ("read", "[12, 14]")]
    lost = {(f.source, f.to, f.type) for f in shown.flights if f.lost is not None}
    assert {("n1", "n2", "ship"), ("n1", "n3", "ship"), ("n2", "n1", "vote")} <= lost
    assert [spot.name for spot in shown.spots if spot.node == "n1"] == ["stepped-down", "truncated"]
    assert [strip.fault for strip in shown.strips] == ["partition", "kill"]


def test_the_window_is_that_of_the_operations_with_a_margin() -> None:
    shown = scene()
    assert (shown.start_us, shown.stop_us) == (970 * MS, 1934 * MS)
    assert shown.zero_us == 1000 * MS
    assert all(f.sent.time_us <= shown.stop_us for f in shown.flights)


def test_it_reaches_back_to_the_fault_in_force_but_not_for_ever() -> None:
    trace, history, _, anomaly = story()
    late = Anomaly(anomaly.type, anomaly.operations[1:], "")
    few = Limits(operations=1)
    calls = [FaultWindow("partition", 0, start_ns, 100, 3_000_000_000) for start_ns in (1_700_000_000, -1)]
    near = compose(trace, history, calls[:1], late, limits=few)
    assert near is not None
    assert near.start_us == 1670 * MS
    far = compose(trace, history, [FaultWindow("x", 0, 0, 100, 9_000_000_000)], late, limits=few, origin_us=-4_000 * MS)
    assert far is not None
    assert far.start_us == -30 * MS, "the fault began less than three seconds before"


def test_heartbeats_are_left_out_first_and_counted() -> None:
    everything, few = scene(messages=1000), scene(messages=26)
    assert not everything.left_out
    assert set(few.left_out) == {"heartbeat"}
    assert len(few.flights) + sum(few.left_out.values()) == len(everything.flights)
    assert len(few.flights) <= 26
    requests = [f for f in few.flights if f.type == "request"]
    assert len(requests) == 4, "what clients asked is what it is about"


@pytest.mark.parametrize("most", [0, 1, 5, 20])
def test_no_more_than_the_limit(most: int) -> None:
    shown = scene(messages=most, events=most, operations=max(2, most), clients=2, nodes=2)
    assert len(shown.flights) <= most
    assert len(shown.spots) <= most
    assert len(shown.nodes) == 2
    lanes = set(shown.lanes)
    assert all({f.source, f.to} <= lanes for f in shown.flights)
    assert all(spot.node in lanes for spot in shown.spots)


def test_of_many_operations_the_first_and_the_last_are_shown() -> None:
    trace = story()[0]
    ops = [Op(type_, i % 3, "add", i, (1000 + i) * 1_000_000) for i in range(50) for type_ in ("invoke", "ok")]  # type: ignore[arg-type]
    shown = compose(trace, History(ops), (), Anomaly("lost", tuple(range(0, 100, 2)), ""), limits=Limits(operations=6))
    assert shown is not None
    assert [box.call.argument for box in shown.boxes] == [0, 1, 2, 3, 48, 49]
    assert shown.operations_left_out == 44


def test_without_an_anomaly_it_is_the_whole_of_a_small_run() -> None:
    trace, history, windows, _ = story()
    shown = compose(trace, history, windows, None)
    assert shown is not None
    assert len(shown.boxes) == 4
    assert not any(box.named for box in shown.boxes)


def test_without_operations_it_is_the_time_of_the_trace() -> None:
    shown = compose(story()[0], History(), (), Anomaly("two-leaders", (), "n1 and n2"))
    assert shown is not None
    assert shown.start_us == 80 * MS, "a leader was the first that anybody told of"
    assert shown.stop_us > 1900 * MS


def test_nothing_is_no_scene_and_no_history_is_an_error() -> None:
    assert compose(Trace(), story()[1], (), None) is None
    with pytest.raises(HistoryError):
        compose(story()[0], History([Op("ok", 0, "read", 1, 5)]), (), None)


def test_positions_that_are_none_do_no_harm() -> None:
    trace, history, windows, _ = story()
    shown = compose(trace, history, windows, Anomaly("x", (10**30, -7, 4), ""))
    assert shown is not None
    assert [box.asked for box in shown.boxes if box.named] == ["add 13"]


def test_operations_stand_among_the_messages_as_they_happened() -> None:
    """An invocation comes before the message it sends in the same microsecond, a completion after its reply."""
    shown = scene(messages=1000)
    for box in shown.boxes:
        mine = [f for f in shown.flights if f.source == box.lane and f.sent.time_us == box.start.time_us]
        assert all(box.start < f.sent for f in mine)
        assert box.stop is not None
        replies = [at for f in shown.flights if f.to == box.lane for at in f.arrivals if at.time_us == box.stop.time_us]
        assert all(at < box.stop for at in replies)


def test_another_clock_is_brought_to_the_histories() -> None:
    trace, history, _, anomaly = story()
    early = History([*history])
    for i, time in enumerate(early.times):
        early.times[i] = time - 1_000_000_000
    shown = compose(trace, early, fault_windows(early), anomaly, origin_us=1000 * MS)
    assert shown is not None
    assert (shown.zero_us, shown.start_us) == (0, -30 * MS)
    assert [f.number for f in shown.flights] == [f.number for f in scene().flights]


def life(*told: tuple[Any, ...]) -> list[tuple[str, int, int | None]]:
    trace = Trace()
    for time, what, *why in told:
        if what == "event":
            trace.event(time, "n1", why[0], {})
        else:
            trace.node(time, what, "n1", *why)
    found = spans(spots(trace, 0))
    return [(s.state, s.start.time_us, None if s.stop is None else s.stop.time_us) for s in found]


def test_a_node_leads_until_it_steps_down_or_dies() -> None:
    assert life((1, "event", "became-leader"), (5, "event", "stepped-down")) == [(LEADER, 1, 5)]
    assert life((1, "event", "became-leader"), (5, "stop", "kill"), (9, "start")) == [(LEADER, 1, 5), (DOWN, 5, 9)]
    assert life((1, "event", "became-leader")) == [(LEADER, 1, None)]
    twice = life((1, "event", "became-leader"), (3, "event", "became-leader"))
    assert twice == [(LEADER, 1, 3), (LEADER, 3, None)]


def test_a_pause_ends_by_resumption_or_death() -> None:
    assert life((1, "pause"), (4, "resume"), (6, "resume")) == [(PAUSED, 1, 4)]
    assert life((1, "pause"), (4, "stop", "kill")) == [(PAUSED, 1, 4), (DOWN, 4, None)]


def test_what_arrives_without_having_left_is_ignored_and_a_copy_arrives_twice() -> None:
    trace = Trace()
    trace.recv(1, 99)
    trace.lost(1, 98, "loss")
    trace.send(2, 1, "n1", "n2", "send", {})
    for time in (3, 5, 7):
        trace.recv(time, 1)
    shown = compose(trace, History(), (), None)
    assert shown is not None
    (flight,) = shown.flights
    assert [at.time_us for at in flight.arrivals] == [3, 7]
    assert flight.end == Moment(3, 3)


def test_only_a_node_that_died_starts_again() -> None:
    """Every run begins with starts, which say nothing; and a node's own word of its start is no second one."""
    trace = Trace()
    for time, kind in ((1, "start"), (5, "stop"), (9, "start")):
        trace.node(time, kind, "n1")
        if kind == "start":
            trace.event(time, "n1", "start", {})
    assert [(spot.at.time_us, spot.kind) for spot in spots(trace, 0)] == [(5, "stop"), (9, "start")]


def test_what_the_same_client_did_meanwhile_is_shown_and_its_other_messages_are_not() -> None:
    trace, history, windows, _ = story()
    by_value = {op.value: op.index for op in history if op.type == "invoke" and not isinstance(op.value, list)}
    few = compose(
        trace, history, windows, Anomaly("x", (by_value[14], by_value[None]), ""), limits=Limits(operations=2)
    )
    assert few is not None
    assert few.clients == ("c1",)
    assert all("c0" not in (flight.source, flight.to) for flight in few.flights)
    ops = [Op(type_, 0, "add", i, (1000 + 10 * i) * 1_000_000 + (type_ == "ok"))  # type: ignore[arg-type]
           for i in range(40) for type_ in ("invoke", "ok")]  # fmt: skip
    shown = compose(trace, History(ops), (), Anomaly("x", (0, 20), ""), limits=Limits(operations=5))
    assert shown is not None
    assert [box.call.argument for box in shown.boxes if box.named] == [0, 10]
    assert [box.call.argument for box in shown.boxes if not box.named] == [1, 2, 9]
