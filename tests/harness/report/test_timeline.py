"""The broken time axis and the rows of a timeline."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.report.timeline import LEFT, RIGHT, Bar, _place, _rows, scale, stretches


def bar(start_s: float, length_s: float | None, lane: str = "process 1") -> Bar:
    stop_s = None if length_s is None else start_s + length_s
    return Bar(lane, "write 3", start_s, stop_s, "info" if length_s is None else "ok", "")


bars = st.lists(st.builds(bar, st.floats(0, 1000), st.none() | st.floats(0, 10)), min_size=1, max_size=24)


@given(bars)
def test_the_axis_keeps_order_and_holds_every_operation(drawn: list[Bar]) -> None:
    parts = stretches(drawn)
    assert len(parts) <= 4
    assert all(any(part.start_s <= bar.start_s and bar.seen_s <= part.stop_s for part in parts) for bar in drawn)
    times = sorted({time for bar in drawn for time in (bar.start_s, bar.seen_s)} | {-1.0, 2000.0})
    pixels = [scale(parts, time) for time in times]
    assert pixels == sorted(pixels)
    assert pixels[0] >= LEFT
    assert pixels[-1] <= RIGHT + 0.01


def test_a_long_silence_is_left_out_and_a_short_one_is_not() -> None:
    assert len(stretches([bar(1.0, 0.01), bar(31.0, 0.01)])) == 2
    assert len(stretches([bar(1.0, 0.01), bar(1.005, 0.02)])) == 1
    near = stretches([bar(1.0, 0.01), bar(1.02, 0.01), bar(31.0, 0.01)])
    assert [round(part.start_s) for part in near] == [1, 31]


@given(bars)
def test_nothing_overlaps_within_a_row(drawn: list[Bar]) -> None:
    parts = stretches(drawn)
    places = [_place(bar, parts) for bar in sorted(drawn, key=lambda bar: bar.start_s)]
    rows = _rows(places)
    for row in set(rows):
        extents = [place.extent for place, own in zip(places, rows, strict=True) if own == row]
        assert all(a[1] <= b[0] for a, b in zip(extents, extents[1:], strict=False))  # noqa: RUF007
