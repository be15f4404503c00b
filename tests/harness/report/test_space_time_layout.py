"""Heights that keep the order of time, and labels that never stand on one another."""

from __future__ import annotations

from itertools import combinations
from math import pi

from hypothesis import given
from hypothesis import strategies as st

from harness.report.space_time_layout import Box2, Heights, Labels, Line, Mark, crosses, overlap, step
from harness.report.space_time_trace import Moment

moments = st.builds(Moment, st.integers(0, 3_000_000), st.integers(0, 1000))
marks = st.lists(
    st.builds(Mark, moments, st.sampled_from(["n1", "n2"]), st.sampled_from([0.0, 15.0])), min_size=1, max_size=40
)
coordinates = st.floats(-300, 300)
boxes = st.builds(Box2, coordinates, coordinates, st.floats(1, 90), st.floats(1, 20), st.floats(-pi / 2, pi / 2))
points = st.tuples(coordinates, coordinates)


@given(marks)
def test_later_is_never_higher_and_equal_times_are_equal_without_need_of_room(drawn: list[Mark]) -> None:
    heights = Heights(drawn, 60)
    ordered = sorted({mark.at for mark in drawn})
    ys = [heights.of(at) for at in ordered]
    assert ys == sorted(ys)
    assert ys[0] >= 60
    assert heights.bottom >= ys[-1]
    if not any(mark.room for mark in drawn):
        assert len({y for at, y in zip(ordered, ys, strict=True) if at.time_us == ordered[0].time_us}) == 1


@given(marks)
def test_marks_that_ask_for_room_on_a_lane_have_it(drawn: list[Mark]) -> None:
    drawn = list({mark.at: mark for mark in drawn}.values())
    heights = Heights(drawn, 60)
    for lane in ("n1", "n2"):
        ys = [heights.of(mark.at) for mark in sorted(drawn, key=lambda m: m.at) if mark.room and mark.lane == lane]
        assert all(b - a >= 15 - 1e-6 for a, b in zip(ys, ys[1:], strict=False))  # noqa: RUF007


@given(marks, st.lists(st.integers(-10, 4_000_000), min_size=2, max_size=10))
def test_every_time_has_a_height_between_the_ends(drawn: list[Mark], times: list[int]) -> None:
    heights = Heights(drawn, 60)
    ys = [heights.at(time) for time in sorted(times)]
    assert all(a <= b + 1e-6 for a, b in zip(ys, ys[1:], strict=False))  # noqa: RUF007
    assert all(60 <= y <= heights.bottom for y in ys)


def test_an_arrival_is_below_its_sending() -> None:
    sent, arrived = Moment(5, 1), Moment(5, 2)
    heights = Heights([Mark(sent, "n1"), Mark(arrived, "n2", after=sent, below=15)], 0)
    assert heights.of(arrived) - heights.of(sent) == 15


def test_steps_grow_with_time_and_have_an_end() -> None:
    steps = [step(passed) for passed in (0, 1, 1000, 10_000, 100_000, 10**18)]
    assert steps == sorted(steps)
    assert steps[0] == 0
    assert steps[-1] < 50


@given(boxes, boxes)
def test_overlap_is_symmetric_and_true_where_a_middle_lies_within(a: Box2, b: Box2) -> None:
    assert overlap(a, b) == overlap(b, a)
    assert overlap(a, a)
    assert overlap(a, Box2(a.x, a.y, b.width, b.height, b.angle))


def test_overlap_by_hand() -> None:
    flat = Box2(0, 0, 100, 10)
    assert not overlap(flat, Box2(0, 11, 100, 10))
    assert overlap(flat, Box2(0, 9, 100, 10))
    assert overlap(flat, Box2(40, 20, 100, 4, pi / 4)), "its lower left end reaches down to the other"
    assert not overlap(flat, Box2(60, 40, 60, 4, pi / 4))


@given(points, points, boxes)
def test_a_line_crosses_a_box_as_a_thin_box_does(
    start: tuple[float, float], end: tuple[float, float], box: Box2
) -> None:
    line = Line(start, end)
    core = Box2(box.x, box.y, box.width * 0.98, box.height * 0.98, box.angle)
    if any(overlap(Box2(*line.at(i / 50), 1e-6, 1e-6), core) for i in range(51)):
        assert crosses(line, box)
    grown = Box2(box.x, box.y, box.width + 1, box.height + 1, box.angle)
    x, y = line.at(0.5)
    if line.length > 1 and not overlap(Box2(x, y, line.length + 1, 1, line.angle), grown):
        assert not crosses(line, box)


@given(
    st.lists(st.lists(boxes, min_size=1, max_size=4), max_size=20),
    st.lists(st.builds(Line, points, points), max_size=6),
)
def test_labels_never_stand_on_one_another(asked: list[list[Box2]], lines: list[Line]) -> None:
    labels = Labels()
    labels.avoid(lines)
    for candidates in asked:
        chosen = labels.best(candidates, 1)
        if chosen is not None:
            assert sum(crosses(line, candidates[chosen]) for line in lines) <= 1
    assert not [(a, b) for a, b in combinations(labels.taken, 2) if overlap(a, b)]


def test_a_label_goes_where_the_fewest_lines_are() -> None:
    labels = Labels()
    labels.avoid([Line((0, -50), (0, 50))])
    assert labels.best([Box2(0, 0, 20, 10), Box2(50, 0, 20, 10)], 3) == 1
    assert labels.best([Box2(0, 0, 20, 10)], 0) is None
    assert labels.best([Box2(0, 0, 20, 10)], 1) == 0
    assert labels.best([Box2(5, 0, 20, 10)], 1) is None, "taken"
