"""The columns of a history say what the history says."""

from __future__ import annotations

from array import array
from random import Random
from typing import Any

import pytest

from benchmarks.random_history import Shape, linearizable
from harness.formats.record import Recording
from harness.history import NEMESIS, History, Op
from harness.report.history_view.call_columns import OUTCOMES, Calls, calls_of
from harness.report.history_view.column import decode


def recorded(ops: list[Op], lines: list[int] | None = None) -> Recording:
    history = History(ops)
    return Recording(history, "h.jsonl", "jsonl", array("q", lines or range(2, len(ops) + 2)))


def rows(calls: Calls) -> list[dict[str, Any]]:
    """The calls again, from nothing but the columns and the texts."""
    columns = {column.name: decode(column) for column in calls.columns}
    texts = calls.texts.decode().split("\n")
    count = calls.facts["calls"]

    def of(name: str, i: int) -> int:
        return columns[name][i] if name in columns else 0

    def named(name: str, i: int) -> str:
        return texts[columns[f"{name}_names"][of(name, i)]]

    return [
        {
            "invoke": of("invoke", i),
            "complete": of("invoke", i) + of("complete", i) if of("complete", i) else None,
            "process": named("process", i),
            "f": named("f", i),
            "key": texts[columns["key_names"][of("key", i) - 1]] if of("key", i) else None,
            "outcome": OUTCOMES[of("outcome", i)],
            "texts": tuple(texts[of(name, i)] for name in ("argument", "result", "error", "node", "note")),
            "began": of("began", i),
            "ended": of("began", i) + of("ended", i) if of("complete", i) else 0,
            "line": of("line", i),
            "line_ended": of("line", i) + of("line_ended", i),
        }
        for i in range(count)
    ]


@pytest.mark.parametrize("seed", range(20))
def test_every_call_is_there_with_all_it_has(seed: int) -> None:
    random = Random(seed)
    ops = linearizable(Shape(80, 5, values=(1, "x y", 2.5), keys=("k", None, 7), crashes=6), random)
    recording = recorded(ops)
    history = recording.history
    read = rows(calls_of(recording, {}))
    assert [(row["invoke"], row["complete"], row["process"], row["f"]) for row in read] == [
        (call.invoke, call.complete, str(call.process), call.f) for call in history.calls()
    ]
    told = {None: "null", 1: "1", "x y": '"x y"', 2.5: "2.5"}
    for row, call in zip(read, history.calls(), strict=True):
        assert row["outcome"] == ("no answer" if call.complete is None else call.outcome)
        assert row["key"] == (None if call.key is None else str(call.key))
        if call.f != "cas":
            assert row["texts"][:2] == (told[call.argument], told[call.result])


def test_times_lines_and_notes() -> None:
    ops = [
        Op("invoke", 0, "read", time=5_000, node="n1"),
        Op("info", NEMESIS, "start-kill", time=5_500),
        Op("invoke", 1, "write", 3, time=5_600, session="s"),
        Op("ok", 0, "read", 9, time=7_000, node="n1", extra={"a": 1}),
        Op("fail", 1, "write", 3, time=5_600, error=["no", 1]),
        Op("invoke", 1, "write", 4, time=9_000),
    ]
    calls = calls_of(recorded(ops, [3, 4, 4, 8, 9, 9]), {})
    assert calls.facts == {"calls": 3, "lines": 6, "line_offset": None, "unit_ns": 1, "timed": True,
                           "monotonic": False, "first_ns": 0}  # fmt: skip
    read, write, last = rows(calls)
    assert (read["began"], read["ended"], read["line"], read["line_ended"]) == (1, 2001, 3, 8)
    assert (write["began"], write["ended"], write["line"], write["line_ended"]) == (601, 601, 4, 9)
    assert (last["began"], last["complete"], last["outcome"]) == (4001, None, "no answer")
    assert read["texts"] == ("null", "9", "null", "n1", '{"extra": {"a": 1}}')
    assert write["texts"] == ("3", "3", '["no", 1]', "null", '{"session": "s"}')
    assert [calls.number(History(ops), position) for position in (-1, 0, 1, 2, 3, 4, 5, 6)] == [
        None, 0, None, 1, 0, 1, 2, None,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("times", "timed", "unit"),
    [
        ((-1, -1), False, 1),
        ((3, -1), False, 1),
        ((3, 3), False, 1),
        ((3, 4), True, 1),
        ((0, 2**62), True, 10_000),
        ((2**62, 2**62 + 9), True, 1),
    ],
)
def test_when_there_is_an_axis_of_time(times: tuple[int, int], timed: bool, unit: int) -> None:
    ops = [Op("invoke", 0, "read", time=times[0]), Op("ok", 0, "read", 1, time=times[1])]
    facts = calls_of(recorded(ops), {}).facts
    assert (facts["timed"], facts["unit_ns"]) == (timed, unit)


def test_what_an_anomaly_is_about_keeps_more_of_its_values() -> None:
    long = list(range(1_000))
    ops = [Op("invoke", 0, "read"), Op("ok", 0, "read", long), Op("invoke", 0, "read"), Op("ok", 0, "read", long)]
    first, second = rows(calls_of(recorded(ops), {}, [3]))
    assert len(first["texts"][1]) < 1_100 < 3_900 < len(second["texts"][1])


def test_an_empty_history() -> None:
    calls = calls_of(recorded([]), {})
    assert calls.facts["calls"] == 0
    assert rows(calls) == []
