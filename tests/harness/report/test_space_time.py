"""The drawing: well-formed, readable, bounded, and proof against hostile values."""

from __future__ import annotations

import re
from itertools import combinations
from typing import Any
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.fault_window import FaultWindow, fault_windows
from harness.history import History, Op
from harness.report.space_time import draw
from harness.report.space_time_frame import LEFT, SLOPE_MIN, TOP, WIDTH, Frame
from harness.report.space_time_lane import events
from harness.report.space_time_layout import Labels, Line, overlap
from harness.report.space_time_message import arrows, colours, lines
from harness.report.space_time_operation import Limits
from harness.report.space_time_scene import compose
from harness.result import Anomaly
from harness.trace import Trace
from tests.harness.report.test_element import HOSTILE
from tests.harness.report.trace_example import story

SVG = "{http://www.w3.org/2000/svg}"


def parsed(svg: str) -> ElementTree.Element:
    return ElementTree.fromstring(svg)


def texts(svg: str) -> list[str]:
    return ["".join(node.itertext()) for node in parsed(svg).iter(f"{SVG}text")]


def laid_out(*arguments: Any, **limits: int) -> tuple[Frame, dict[int, Line], Labels]:
    """A frame with everything placed, as ``draw`` does it."""
    scene = compose(*arguments, limits=Limits(**limits))
    assert scene is not None
    frame = Frame(scene)
    paths = lines(frame)
    frame.labels.avoid(paths.values())
    events(frame)
    arrows(frame, paths)
    return frame, paths, frame.labels


def test_it_is_a_file_of_its_own_with_everything_in_it() -> None:
    svg = draw(*story())
    root = parsed(svg)
    assert root.tag == f"{SVG}svg"
    _, _, wide, high = map(float, root.attrib["viewBox"].split())
    assert wide == WIDTH
    assert 300 < high < 1500
    assert "http" not in svg.replace("http://www.w3.org/2000/svg", "")
    assert "<script" not in svg
    assert len(svg) < 60_000
    words = texts(svg)
    assert {"client 0", "client 1", "n1", "n2", "n3", "add 13", "became-leader", "vote-granted", "kill", "started",
            "partition", "believes to lead", "lost", "ms"} <= set(words)  # fmt: skip
    assert any(word == "ship: add 13" for word in words)
    assert any("heartbeat" in word and word.startswith("Not drawn") for word in words)


def test_what_was_lost_ends_in_a_cross_and_what_arrived_has_a_tip() -> None:
    scene = compose(*story())
    assert scene is not None
    svg = draw(*story())
    lost = sum(1 for flight in scene.flights if flight.lost is not None)
    stops = sum(1 for spot in scene.spots if spot.kind == "stop")
    assert svg.count('class="cross"') == lost + stops + 1, "one in the legend"
    assert svg.count('class="tip"') == len(scene.flights) - lost


def test_pointing_at_a_message_says_it_all() -> None:
    titles = [node.text or "" for node in parsed(draw(*story())).iter(f"{SVG}title")]
    assert any(re.match(r"n1 → n2 at 253 ms, lost: partition\. ship generation=1 .*add 13", title) for title in titles)
    assert "c0 → n1 at 250 ms, arrives after 1 ms. request add 13 client=c0 sequence=2" in titles
    assert any(title.startswith("partition (isolate-leader, n1), 210 ms, to 781 ms") for title in titles)


def test_arrows_run_down_and_nothing_is_written_over_anything() -> None:
    frame, paths, labels = laid_out(*story())
    for flight in frame.scene.flights:
        (_, y1), (_, y2) = paths[flight.number].start, paths[flight.number].end
        assert y2 - y1 >= SLOPE_MIN - 2
    assert not [(a, b) for a, b in combinations(labels.taken, 2) if overlap(a, b)]
    for box in labels.taken:
        assert all(LEFT - 2 <= x <= WIDTH and TOP <= y <= frame.bottom for x, y in box.corners())


def test_most_messages_have_their_words() -> None:
    frame, paths, labels = laid_out(*story())
    written = len(labels.taken) - len(frame.scene.boxes) - len(frame.scene.spots)  # each with a mark
    assert written >= 0.9 * (len(paths) + len(frame.scene.spots))


def test_the_time_axis_is_in_milliseconds_and_its_words_do_not_collide() -> None:
    root = parsed(draw(*story()))
    ticks = [
        (float(node.attrib["y"]), node.text or "")
        for node in root.iter(f"{SVG}text")
        if node.attrib.get("class") == "tick end"
    ]
    assert [text for _, text in ticks][:3] == ["0", "1", "4"]
    assert [float(text) for _, text in ticks] == sorted(float(text) for _, text in ticks)
    assert all(b - a >= 13 for (a, _), (b, _) in zip(ticks, ticks[1:], strict=False))  # noqa: RUF007


def test_a_type_and_its_reply_have_one_colour() -> None:
    trace = Trace()
    for i in range(20):
        for kind in (f"Ask{i}", f"Ask{i}Reply"):
            trace.send(i, 2 * i + kind.endswith("Reply"), "n1", "n2", "send", {"kind": kind})
    scene = compose(trace, History(), (), None)
    assert scene is not None
    found = colours(scene.flights)
    assert list(found.values()) == ["0", "1", "2", "3", "4", "5"] + ["other"] * 14
    assert draw(trace, History(), (), None).count("its reply") == 1


EVIL = [*HOSTILE, "\u202eevil\u202c", "\x00\x1b[31m", "x" * 100_000, "\ud800", "🧠" * 300, ""]


@pytest.mark.parametrize("evil", EVIL, ids=range(len(EVIL)))
def test_hostile_values_stay_text(evil: str) -> None:
    calm, drawn = hostile("calm"), hostile(evil)
    assert len(drawn) < 80_000
    assert "\u202e" not in drawn
    assert "\x00" not in drawn
    found = [node.tag for node in parsed(drawn).iter() if node.tag not in (f"{SVG}text", f"{SVG}g")]
    assert found == [node.tag for node in parsed(calm).iter() if node.tag not in (f"{SVG}text", f"{SVG}g")]
    attributes = {name for node in parsed(drawn).iter() for name in node.attrib}
    assert not [name for name in attributes if name.startswith("on") or "href" in name]


def hostile(text: str) -> str:
    """A story in which everything that can be a text is that text."""
    trace = Trace()
    trace.node(0, "start", f"n{text}")
    for i, via in enumerate(("send", "call", "reply", "error")):
        trace.send(10 + i, i, f"n{text}", f"m{text}", via, {"kind": text, text: text, "f": text, "value": text})
        trace.recv(20 + i, i) if i % 2 else trace.lost(20 + i, i, text)
    trace.event(30, f"n{text}", text, {text: text})
    trace.node(40, "stop", f"n{text}", text)
    ops = [
        Op("invoke", 0, text[:100] or "f", text, 1_000, key=text),
        Op("info", 0, text[:100] or "f", text, 50_000, error=[text, {text: text}], key=text, node=text),
    ]
    window = FaultWindow(text, 0, 5_000, 1, 45_000, {"shape": text, "nodes": [text, f"n{text}"]})
    return draw(trace, History(ops), (window,), Anomaly(text, (0, 1), text))


@st.composite
def stories(pick: st.DrawFn) -> tuple[Trace, History, tuple[FaultWindow, ...], Anomaly | None]:
    """Any trace: messages of every fate, events, deaths, operations, in any time."""
    trace, ops, now = Trace(), list[Op](), 0
    nodes = [f"n{i + 1}" for i in range(pick(st.integers(1, 12)))]
    free = dict.fromkeys(range(5), True)
    for number in range(pick(st.integers(1, 60))):
        now += pick(st.sampled_from([0, 0, 1000, 3000, 40_000, 700_000, 10**9]))
        match pick(st.integers(0, 5)):
            case 0 | 1 | 2:
                source, to = pick(st.sampled_from([*nodes, "c0", "c1"])), pick(st.sampled_from(nodes))
                kind = pick(st.sampled_from(["heartbeat", "vote", "RequestVoteReply", "request"]))
                trace.send(now, number, source, to, "send", {"type": kind, "term": number % 3})
                fate = pick(st.integers(0, 4))
                if fate:
                    now += pick(st.sampled_from([0, 1000, 300_000]))
                    trace.lost(now, number, "down") if fate == 1 else trace.recv(now, number)
            case 3:
                trace.event(
                    now,
                    pick(st.sampled_from(nodes)),
                    pick(st.sampled_from(["became-leader", "truncated-the-log"])),
                    {"term": 3},
                )
            case 4:
                what = pick(st.sampled_from(["start", "stop", "pause", "resume"]))
                trace.node(now, what, pick(st.sampled_from(nodes)), "kill" if what == "stop" else "")
            case _:
                process = pick(st.integers(0, 4))
                ops.append(Op("invoke" if free[process] else "ok", process, "write", number, now * 1000, len(ops)))
                free[process] = not free[process]
                trace.operation(now, ops[-1])
    windows = [FaultWindow("partition", 0, pick(st.integers(-1, now * 1000)), None, pick(st.integers(-1, now * 1000)),
                           {"nodes": nodes[:1]}) for _ in range(pick(st.integers(0, 5)))]  # fmt: skip
    anomaly = Anomaly("x", tuple(pick(st.lists(st.integers(-1, 30), max_size=6))), "") if pick(st.booleans()) else None
    return trace, History(ops), tuple(windows), anomaly


@given(stories())
@settings(max_examples=60, deadline=None)
def test_any_trace_can_be_drawn_and_read(told: tuple[Trace, History, tuple[FaultWindow, ...], Anomaly | None]) -> None:
    svg = draw(*told)
    if not svg:
        assert not [row for row in told[0].rows if row[1] in ("send", "event", "stop", "pause", "resume")]
        return
    _, _, _, high = map(float, parsed(svg).attrib["viewBox"].split())
    assert high < 6000
    assert len(svg) < 150_000
    assert "nan" not in svg
    assert "inf" not in svg.replace("info", "")
    frame, paths, labels = laid_out(*told)
    assert all(path.end[1] >= path.start[1] for path in paths.values())
    boxes = len(frame.scene.boxes)
    words = labels.taken[boxes:]
    assert not [(a, b) for a, b in combinations(words, 2) if overlap(a, b)]
    assert not [(a, b) for a in labels.taken[:boxes] for b in words if overlap(a, b)]


def test_a_huge_trace_is_a_small_drawing() -> None:
    trace = Trace()
    for i in range(30_000):
        trace.send(i * 100, i, f"n{i % 40}", f"n{i % 7}", "send", {"type": f"t{i % 50}", "value": "x" * 50})
        trace.recv(i * 100 + 50, i)
        if i % 10 == 0:
            trace.event(i * 100 + 60, f"n{i % 40}", f"e{i}", {"i": i})
    svg = draw(trace, History(), fault_windows(History()), None)
    assert len(svg) < 120_000
    assert svg.count('class="head"') == Limits().nodes


def test_nothing_is_no_drawing() -> None:
    assert draw(Trace(), History(), (), None) == ""
