"""Scripts: operations at their times on their threads, read back from histories."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from harness.generator import clients, invoke, rate, repeat, time_limit
from harness.generator.core import PENDING, Context
from harness.generator.draws import Draws
from harness.generator.script import operations_of, script
from harness.generator.simulate import simulate
from harness.generator.source import once
from harness.history import History, Op
from harness.plan import ScheduledOperation

MS = 1_000_000


def at(ms: int, thread: int, value: int = 0) -> ScheduledOperation:
    return ScheduledOperation(ms * MS, thread, "write", value)


def invocations(history: list[Op]) -> list[tuple[int, int, int]]:
    """(ms, process, value) of each."""
    return [
        (op.time // MS, op.process, op.value)
        for op in history
        if op.type == "invoke" and isinstance(op.process, int)
    ]  # fmt: skip


def after(ms: int, kind: str = "ok"):  # type: ignore[no-untyped-def]
    def complete(op: Op, draws: Draws) -> Op:
        return replace(op, type=kind, time=op.time + ms * MS)

    return complete


def test_each_operation_has_its_time_and_its_thread() -> None:
    listed = [at(5, 2, 1), at(1, 0, 2), at(9, 2, 3), at(5, 1, 4)]
    history = simulate(clients(script(listed, 3)), concurrency=3, complete=after(1))
    assert invocations(history) == [(1, 0, 2), (5, 2, 1), (5, 1, 4), (9, 2, 3)]


def test_a_busy_thread_does_it_as_soon_as_it_is_free_and_a_crashed_one_goes_on_as_another_process() -> None:
    listed = [at(0, 0, 1), at(1, 0, 2), at(50, 0, 3), at(3, 1, 4)]
    history = simulate(clients(script(listed, 2)), concurrency=2, complete=after(10, "info"))
    assert invocations(history) == [(0, 0, 1), (3, 1, 4), (10, 2, 2), (50, 4, 3)]


def test_a_script_ends_with_its_last_operation_and_an_empty_one_at_once() -> None:
    assert script([], 2).op(Context(0, (0, 1), (0, 1), {0: 0, 1: 1}, 2)) is None
    context = Context(0, (0,), (), {0: 0}, 1)
    answer = script([at(0, 0)], 1).op(context)
    assert answer is not None
    assert answer[0] is PENDING


def test_asking_changes_nothing() -> None:
    generator = script([at(5, 0, 1), at(7, 0, 2)], 1, origin_ns=0)
    context = Context(0, (0,), (0,), {0: 0}, 1)
    first, again = generator.op(context), generator.op(context)
    assert first is not None
    assert again is not None
    assert first[0] == again[0] == Op("invoke", 0, "write", 1, 5 * MS)


def test_times_count_from_the_main_phase() -> None:
    answer = script([at(5, 0)], 1, origin_ns=100 * MS).op(Context(101 * MS, (0,), (0,), {0: 0}, 1))
    assert answer is not None
    assert isinstance(answer[0], Op)
    assert answer[0].time == 105 * MS


@given(
    st.lists(
        st.builds(ScheduledOperation, st.integers(0, 30).map(lambda ms: ms * MS), st.integers(0, 3), st.just("write"),
                  st.integers(0, 99), st.none() | st.integers(0, 2), st.none() | st.just("n1")),
        max_size=30,
    ),
    st.integers(0, 5),
)  # fmt: skip
def test_what_was_scripted_is_read_back(listed: list[ScheduledOperation], latency_ms: int) -> None:
    """Once the threads' delays are in the times, they stay."""
    first = History(simulate(clients(script(listed, 4)), concurrency=4, complete=after(latency_ms)))
    operations = operations_of(first, 0, 4)
    assert sorted((o.thread, o.value, o.key or -1, o.node or "") for o in operations) == sorted(
        (o.thread, o.value, o.key or -1, o.node or "") for o in listed
    )
    again = History(simulate(clients(script(operations, 4)), concurrency=4, complete=after(latency_ms)))
    assert operations_of(again, 0, 4) == operations


def test_a_recorded_run_becomes_a_script_with_the_same_invocations() -> None:
    load = time_limit(2.0, rate(50, repeat(once(invoke("read")))))
    recorded = simulate(clients(load), concurrency=3, complete=after(70, "info"))
    operations = operations_of(History(recorded), 0, 3)
    replayed = simulate(clients(script(operations, 3)), concurrency=3, complete=after(70, "info"))
    assert len(operations) > 60
    assert invocations(replayed) == invocations(recorded)


def test_only_the_main_phase_is_read() -> None:
    def op(ms: int, process: int | str, f: str, kind: str = "invoke") -> Op:
        return Op(kind, process, f, time=ms * MS)  # type: ignore[arg-type]

    lines = [
        op(1, 0, "write"), op(10, 1, "write"), op(11, 1, "write", "ok"), op(12, "nemesis", "start-kill", "info"),
        op(13, 7, "read"), op(20, "nemesis", "heal", "info"), op(21, 9, "read"),
    ]  # fmt: skip
    assert operations_of(History(lines), 10 * MS, 3) == (
        ScheduledOperation(0, 1, "write"),
        ScheduledOperation(3 * MS, 1, "read"),
    )
    healthy = [line for line in lines if line.f != "heal"]
    assert [o.time_ns // MS for o in operations_of(History(healthy), 10 * MS, 3)] == [0, 3, 11]
    assert [o.time_ns // MS for o in operations_of(History(healthy), 10 * MS, 3, 21 * MS)] == [0, 3]
