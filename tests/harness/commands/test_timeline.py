"""The small drawing of a witness."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from harness.commands.timeline import OPERATIONS_MAX, WIDTH_MAX, timeline
from harness.history import History, Op


def history(*lines: tuple[str, int, str, object]) -> History:
    return History(Op(type_, process, f, value) for type_, process, f, value in lines)  # type: ignore[arg-type]


def test_what_overlaps_overlaps() -> None:
    recorded = history(
        ("invoke", 0, "write", 1),
        ("invoke", 1, "read", None),
        ("ok", 0, "write", 1),
        ("ok", 1, "read", 1),
        ("invoke", 0, "read", None),
        ("ok", 0, "read", None),
    )
    assert list(timeline(recorded, (0, 1, 4))) == [
        "process 0  [write 1]   [read: null]",
        "process 1    [read: 1]",
    ]


def test_who_does_not_know_has_no_end() -> None:
    recorded = history(
        ("invoke", 0, "write", 1), ("info", 0, "write", 1), ("invoke", 3, "cas", [0, 1]), ("fail", 3, "cas", [0, 1])
    )
    assert list(timeline(recorded, (0, 2))) == ["process 0  [write 1 ...", "process 3    [failed cas [0, 1]]"]


def test_too_much_is_not_drawn() -> None:
    recorded = history(*((kind, i, "write", i) for i in range(20) for kind in ("invoke", "ok")))
    assert list(timeline(recorded, range(0, 2 * OPERATIONS_MAX + 2, 2))) == []
    assert list(timeline(recorded, (0,))) == []


@st.composite
def histories(draw: st.DrawFn) -> tuple[History, list[int]]:
    running: set[int] = set()
    lines: list[tuple[str, int, str, object]] = []
    for process in draw(st.lists(st.integers(0, 3), max_size=24)):
        value = draw(st.sampled_from([None, 1, "x" * 40, [1, 2]]))
        kind = draw(st.sampled_from(["ok", "fail"])) if process in running else "invoke"
        running ^= {process}
        lines.append((kind, process, "write", value))
    return history(*lines), [i for i, line in enumerate(lines) if line[0] == "invoke"]


@given(histories())
def test_every_operation_stands_in_the_line_of_its_process(drawn: tuple[History, list[int]]) -> None:
    recorded, starts = drawn
    lines = list(timeline(recorded, starts))
    for line in lines:
        assert len(line) <= WIDTH_MAX + 1
    if lines:
        assert sum(line.count("[w") + line.count("[-") + line.count("[failed") for line in lines) == len(starts)
        for start in starts:
            assert any(line.startswith(f"process {recorded[start].process} ") for line in lines)
