"""Windows without a success, and what does not count as one."""

from __future__ import annotations

from harness.availability import WINDOWS_MAX, availability
from harness.history import History, Op

SECOND = 1_000_000_000


def calls(f: str, *spans: tuple[float, float, str]) -> list[Op]:
    ops = []
    for number, (start, end, kind) in enumerate(spans):
        process = number + (1000 if f == "write" else 0)
        ops.append(Op("invoke", process, f, time=round(start * SECOND)))
        ops.append(Op(kind, process, f, time=round(end * SECOND)))  # type: ignore[arg-type]
    return ops


def history(*parts: list[Op]) -> History:
    return History(sorted((op for part in parts for op in part), key=lambda op: op.time))


def steady(f: str, start: float, end: float) -> list[Op]:
    return calls(f, *((at / 10, at / 10 + 0.05, "ok") for at in range(round(start * 10), round(end * 10))))


def test_an_outage_is_a_window() -> None:
    lost = calls("read", *((3 + n / 10, 4 + n / 10, "fail") for n in range(20)))
    before, after = steady("read", 0, 3), steady("read", 5, 8)
    renumbered = [Op(op.type, 500 + int(op.process), op.f, time=op.time) for op in after]
    lost = [Op(op.type, 700 + int(op.process), op.f, time=op.time) for op in lost]
    (read,) = availability(history(before, lost, renumbered), 0, 8 * SECOND)
    assert (read.f, read.invocations, read.ok) == ("read", 80, 60)
    assert read.windows == ((3.0, 5.05),)
    assert read.longest_gap_s == 2.05


def test_each_operation_has_its_own_windows() -> None:
    refused = calls("write", *((n / 10, n / 10 + 0.01, "fail") for n in range(30)))
    read, write = availability(history(steady("read", 0, 3), refused), 0, 3 * SECOND)
    assert (read.f, read.windows) == ("read", ())
    assert (write.f, write.ok, write.windows) == ("write", 0, ((0.0, 3.0),))


def test_silence_that_nobody_broke_is_no_outage() -> None:
    (read,) = availability(history(calls("read", (0.1, 0.2, "ok"), (9.7, 9.8, "ok"))), 0, 10 * SECOND)
    assert read.windows == (), "somebody asked at 9.7; the answer came at 9.8"
    (read,) = availability(history(calls("read", (0.1, 0.2, "ok"))), 0, 10 * SECOND)
    assert read.windows == ()


def test_only_clients_and_only_the_main_phase_count() -> None:
    nemesis = [Op("info", "nemesis", "start-kill", time=SECOND)]
    (read,) = availability(history(steady("read", 0, 6), nemesis), 2 * SECOND, 4 * SECOND)
    assert read.invocations == 20
    assert availability(History(), 0, SECOND) == ()


def test_windows_are_bounded() -> None:
    spans = [(3.0 * n + offset, 3.0 * n + offset + 0.01, kind) for n in range(150)
             for offset, kind in ((0.0, "ok"), (1.5, "fail"))]  # fmt: skip
    (read,) = availability(history(calls("read", *spans)), 0, 450 * SECOND)
    assert len(read.windows) == WINDOWS_MAX
    assert list(read.windows) == sorted(read.windows)
    assert set(read.as_json()) == {"f", "invocations", "ok", "longest_gap_s", "windows"}
