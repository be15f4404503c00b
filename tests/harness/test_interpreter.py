"""The interpreter: processes, order, bounds, broken contracts; in virtual time and on asyncio."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from harness.generator import (
    PENDING,
    Generator,
    any_of,
    clients,
    fill,
    function,
    invoke,
    limit,
    log,
    once,
    phases,
    rate,
    repeat,
    time_limit,
    until_ok,
)
from harness.generator import nemesis as on_nemesis
from harness.history import NEMESIS, History, Op
from harness.interpreter import GRACE_MS, NEMESIS_LIMIT_MS, ContractError, Interpreter
from harness.real_runtime import RealRuntime
from harness.runtime import Runtime
from tests.harness.generator.words import numbered, op
from tests.harness.virtual_runtime import Cancelled, VirtualRuntime

TIMEOUT_MS = 1000.0

Behave = Callable[[Runtime, Op], Coroutine[Any, Any, Op]]


async def succeed(runtime: Runtime, entry: Op) -> Op:
    await runtime.sleep(2)
    return replace(entry, type="ok")


@dataclass
class Register:
    """A client of nothing, that notes what happens to it."""

    runtime: Runtime
    process: int
    behave: Behave
    log: list[str]
    fails_open: bool = False

    async def open(self, node: str) -> None:
        self.log.append(f"open {self.process} {node}")
        if self.fails_open:
            raise ConnectionRefusedError("nobody there")

    async def invoke(self, op: Op) -> Op:
        assert op.process == self.process
        return await self.behave(self.runtime, op)

    async def close(self) -> None:
        self.log.append(f"close {self.process}")


@dataclass
class World:
    """An interpreter with what it needs, and what came of it."""

    runtime: Runtime
    behave: Behave = succeed
    concurrency: int = 3
    nemesis: Callable[[Op], Coroutine[Any, Any, Op]] | None = None
    fails_open: bool = False
    history: list[Op] = field(default_factory=list)
    log: list[str] = field(default_factory=list)
    said: list[str] = field(default_factory=list)
    record: Callable[[Op], None] | None = None

    def interpreter(self, seed: int = 0) -> Interpreter:
        def make(thread: int, process: int) -> Register:
            assert process % self.concurrency == thread
            return Register(self.runtime, process, self.behave, self.log, self.fails_open)

        return Interpreter(
            self.runtime,
            concurrency=self.concurrency,
            nodes=("n1", "n2"),
            make=make,
            record=self.record or self.history.append,
            timeout_ms=TIMEOUT_MS,
            nemesis=self.nemesis,
            seed=seed,
            say=self.said.append,
        )

    def calls(self) -> list[str]:
        """The history as a checker pairs it, and the proof that it can."""
        return [f"{call.process} {call.f} {call.outcome}" for call in History(self.history).calls()]


def play(world: World, generator: Generator) -> Interpreter:
    interpreter = world.interpreter()
    assert isinstance(world.runtime, VirtualRuntime)
    try:
        world.runtime.run(interpreter.run(generator))
        world.runtime.run(interpreter.close())
    finally:
        world.runtime.run(world.runtime.sleep(5))  # clients that are closing
        world.runtime.close()
    assert world.runtime.failed == []
    return interpreter


def test_a_history_is_well_formed_in_order_and_in_time() -> None:
    world = World(VirtualRuntime())
    interpreter = play(world, clients(limit(200, rate(500, numbered()))))
    assert [entry.index for entry in world.history] == list(range(400))
    times = [entry.time for entry in world.history]
    assert times == sorted(times)
    assert [call.argument for call in History(world.history).calls()] == list(range(200))
    assert interpreter.counts.ok == 200
    assert interpreter.counts.running == 0


def test_the_same_seed_gives_the_same_history() -> None:
    def once_more(seed: int) -> list[Op]:
        world = World(VirtualRuntime())
        interpreter = world.interpreter(seed)
        runtime = world.runtime
        assert isinstance(runtime, VirtualRuntime)
        runtime.run(interpreter.run(clients(time_limit(2, rate(100, numbered())))))
        return world.history

    assert once_more(1) == once_more(1)
    assert once_more(1) != once_more(2)


def test_an_invocation_is_recorded_before_the_client_has_it() -> None:
    world = World(VirtualRuntime())

    async def look(runtime: Runtime, entry: Op) -> Op:
        assert world.history[-1] == replace(entry, type="invoke")
        return replace(entry, type="ok")

    world.behave, world.concurrency = look, 1
    play(world, clients(limit(20, numbered())))
    assert len(world.history) == 40


def test_info_retires_the_process_and_its_client() -> None:
    async def lose(runtime: Runtime, entry: Op) -> Op:
        return replace(entry, type="info", error="who knows")

    world = World(VirtualRuntime(), lose, concurrency=2)
    play(world, clients(limit(6, numbered())))
    assert world.calls() == [f"{process} add info" for process in (0, 1, 2, 3, 4, 5)]
    for process in range(6):
        assert world.log.index(f"open {process} n{process % 2 + 1}") < world.log.index(f"close {process}")
    assert len(world.log) == 12


def test_ok_and_fail_keep_the_process_and_its_client() -> None:
    async def alternate(runtime: Runtime, entry: Op) -> Op:
        return replace(entry, type="ok" if entry.value % 2 else "fail")

    world = World(VirtualRuntime(), alternate, concurrency=1)
    play(world, clients(limit(10, numbered())))
    assert world.log == ["open 0 n1", "close 0"]
    assert world.calls().count("0 add fail") == 5


def test_a_client_that_raises_leaves_the_outcome_open() -> None:
    async def break_down(runtime: Runtime, entry: Op) -> Op:
        raise ZeroDivisionError("oops")

    world = World(VirtualRuntime(), break_down, concurrency=1)
    play(world, clients(limit(2, numbered())))
    assert world.calls() == ["0 add info", "1 add info"]
    assert world.history[1].error == ["client-raised", "ZeroDivisionError: oops"]


def test_what_could_not_be_opened_certainly_did_not_happen() -> None:
    world = World(VirtualRuntime(), concurrency=1, fails_open=True)
    play(world, clients(limit(3, rate(10, numbered()))))
    assert world.calls() == ["0 add fail"] * 3
    assert world.history[1].error == ["no-client", "ConnectionRefusedError: nobody there"]
    assert world.log.count("open 0 n1") == 3


def test_a_late_answer_is_ignored() -> None:
    async def dawdle(runtime: Runtime, entry: Op) -> Op:
        await runtime.sleep(5000 if entry.value == 0 else 1)
        return replace(entry, type="ok")

    world = World(VirtualRuntime(), dawdle, concurrency=1)
    play(world, phases(limit(1, numbered("slow")), limit(3000, rate(500, numbered("fast")))))
    first = History(world.history).calls()[0]
    assert (first.outcome, first.error[0]) == ("info", "client-late")
    assert world.history[1].time == round((TIMEOUT_MS + GRACE_MS) * 1e6)
    assert sum(entry.f == "slow" for entry in world.history) == 2


def test_a_client_that_swallows_its_cancellation_holds_up_nothing() -> None:
    async def stubborn(runtime: Runtime, entry: Op) -> Op:
        while True:
            try:
                await runtime.sleep(1000)
            except Cancelled:
                await runtime.sleep(100_000)
                return replace(entry, type="ok")

    world = World(VirtualRuntime(), stubborn, concurrency=1)
    play(world, clients(limit(2, numbered())))
    assert world.calls() == ["0 add info", "1 add info"]
    assert isinstance(world.runtime, VirtualRuntime)
    assert world.runtime.now() < 4e9


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"type": "invoke"}, "expected ok, fail or info"),
        ({"type": "ok", "process": 77}, "process 77; expected 0"),
        ({"type": "ok", "f": "other"}, "f 'other'; expected 'add'"),
        ({"type": "ok", "key": 5}, "key 5; expected None"),
    ],
)
def test_a_broken_contract_ends_the_run_loudly(change: dict[str, Any], words: str) -> None:
    async def cheat(runtime: Runtime, entry: Op) -> Op:
        return replace(entry, **change)

    world = World(VirtualRuntime(), cheat, concurrency=1)
    with pytest.raises(ContractError, match=words):
        play(world, clients(limit(50, numbered())))
    assert world.calls() == ["0 add info"], "and what was under way is recorded as unknown"


def test_an_answer_that_is_no_operation_breaks_the_contract() -> None:
    async def mumble(runtime: Runtime, entry: Op) -> Op:
        return None  # type: ignore[return-value]

    with pytest.raises(ContractError, match="NoneType; expected an Op"):
        play(World(VirtualRuntime(), mumble), clients(limit(5, numbered())))


def test_a_value_that_is_not_json_breaks_the_contract() -> None:
    world = World(VirtualRuntime(), concurrency=1)

    def record(entry: Op) -> None:
        if isinstance(entry.value, set):
            raise TypeError("Object of type set is not JSON serializable")
        world.history.append(entry)

    async def answer_with_a_set(runtime: Runtime, entry: Op) -> Op:
        return replace(entry, type="ok", value={1})

    world.record, world.behave = record, answer_with_a_set
    with pytest.raises(ContractError, match="not JSON"):
        play(world, clients(limit(5, numbered())))
    assert world.calls() == ["0 add info"]


def test_a_generator_may_use_free_processes_only() -> None:
    stolen = once(replace(invoke("read"), process=1_000_001))
    with pytest.raises(ContractError, match="expected an invocation for one of the free processes"):
        play(World(VirtualRuntime(), concurrency=1), _Raw(stolen))


@dataclass(frozen=True)
class _Raw:
    """Gives an operation without filling it in."""

    inner: Generator

    def op(self, context: Any) -> Any:
        return replace(invoke("read"), process=1_000_001, time=0), self

    def update(self, context: Any, event: Op) -> Generator:
        return self


def test_a_full_disk_ends_the_run_with_its_error() -> None:
    world = World(VirtualRuntime(), concurrency=2)

    def record(entry: Op) -> None:
        if len(world.history) >= 11:
            raise OSError(28, "No space left on device")
        world.history.append(entry)

    world.record = record
    with pytest.raises(OSError, match="No space"):
        play(world, clients(limit(50, rate(100, numbered()))))


def test_faults_are_operations_of_the_nemesis_in_the_same_history() -> None:
    runtime = VirtualRuntime()

    async def disturb(entry: Op) -> Op:
        await runtime.sleep(300)
        return replace(entry, value="done")

    world = World(runtime, nemesis=disturb)
    play(world, any_of(clients(time_limit(1, rate(50, numbered()))), on_nemesis(limit(2, numbered("start-kill")))))
    faults = [entry for entry in world.history if entry.process == NEMESIS]
    assert [(entry.type, entry.value) for entry in faults] == [
        ("info", 0), ("info", "done"), ("info", 1), ("info", "done")
    ]  # fmt: skip
    during = [entry for entry in world.history if faults[0].index < entry.index < faults[1].index]
    assert len(during) > 10, "clients work on meanwhile"


def test_a_nemesis_that_fails_or_hangs_does_not_end_the_run() -> None:
    runtime = VirtualRuntime()

    async def disturb(entry: Op) -> Op:
        if entry.value == 0:
            raise OSError("ssh is gone")
        await runtime.sleep(10_000_000)
        return entry

    world = World(runtime, nemesis=disturb)
    play(world, on_nemesis(limit(2, numbered("kill"))))
    assert [entry.error for entry in world.history[1::2]] == ["OSError: ssh is gone", world.history[3].error]
    assert "TimeoutError" in world.history[3].error
    assert world.history[3].time == round(NEMESIS_LIMIT_MS * 1e6)


def test_lines_for_people_are_said_and_not_recorded() -> None:
    world = World(VirtualRuntime())
    play(world, phases(log("begin"), limit(4, numbered()), log("end")))
    assert world.said == ["begin", "end"]
    assert len(world.history) == 8


def test_the_generator_learns_of_every_event() -> None:
    async def from_the_fifth(runtime: Runtime, entry: Op) -> Op:
        return replace(entry, type="ok" if entry.value >= 5 else "fail")

    world = World(VirtualRuntime(), from_the_fifth, concurrency=1)
    play(world, clients(until_ok(numbered("probe"))))
    assert [entry.type for entry in world.history[1::2]] == ["fail"] * 5 + ["ok"]


def test_stop_begins_nothing_more_and_lets_running_operations_end() -> None:
    world = World(VirtualRuntime())
    runtime = world.runtime
    assert isinstance(runtime, VirtualRuntime)
    interpreter = world.interpreter()
    runtime.at(500, interpreter.stop)
    runtime.run(interpreter.run(clients(rate(100, numbered()))))
    assert 0.49e9 < runtime.now() < 0.51e9
    assert all(call.outcome == "ok" for call in History(world.history).calls())
    interpreter.resume()
    before = len(world.history)
    runtime.run(interpreter.run(clients(limit(3, numbered("read")))))
    assert len(world.history) == before + 6


def test_renew_gives_everybody_a_new_process_and_client() -> None:
    world = World(VirtualRuntime(), concurrency=2)
    runtime = world.runtime
    assert isinstance(runtime, VirtualRuntime)
    interpreter = world.interpreter()
    runtime.run(interpreter.run(clients(limit(2, numbered()))))
    interpreter.renew()
    runtime.run(interpreter.run(clients(limit(2, numbered()))))
    runtime.run(interpreter.close())
    runtime.run(runtime.sleep(10))
    assert {call.split()[0] for call in world.calls()} == {"0", "1", "2", "3"}
    assert sorted(entry for entry in world.log if entry.startswith("close")) == [f"close {n}" for n in range(4)]


def test_values_are_made_when_they_are_wanted() -> None:
    late = function(lambda context, position: invoke("write", context.time))
    world = World(VirtualRuntime(), concurrency=1)
    play(world, clients(limit(50, rate(20, late))))
    invocations = [entry for entry in world.history if entry.type == "invoke"]
    assert [entry.value for entry in invocations] == [entry.time for entry in invocations]


def test_on_asyncio_thousands_of_operations_a_second_keep_their_order() -> None:
    async def scenario() -> World:
        runtime = RealRuntime(0)

        async def quick(runtime: Runtime, entry: Op) -> Op:
            await runtime.sleep(0)
            return replace(entry, type=("ok", "fail", "info")[entry.value % 3])

        world = World(runtime, quick, concurrency=10)
        interpreter = world.interpreter()
        await interpreter.run(clients(limit(2000, numbered())))
        await interpreter.close()
        assert interpreter.counts.info == 666
        return world

    world = asyncio.run(scenario())
    calls = History(world.history).calls()
    assert len(calls) == 2000
    assert [entry.time for entry in world.history] == sorted(entry.time for entry in world.history)
    rate_hz = 2000 / (world.history[-1].time / 1e9)
    assert rate_hz > 500, f"{rate_hz:.0f} operations/s: far too slow to drive a system"


def test_on_asyncio_a_rate_is_kept() -> None:
    async def scenario() -> World:
        world = World(RealRuntime(0), concurrency=10)
        interpreter = world.interpreter()
        await interpreter.run(clients(time_limit(1.0, rate(200, repeat(op("read"))))))
        return world

    invoked = sum(entry.type == "invoke" for entry in asyncio.run(scenario()).history)
    assert 140 < invoked < 260


@dataclass(frozen=True)
class Listening:
    """A generator of ``count`` reads, that keeps what it is told."""

    heard: tuple[Op, ...] = ()
    count: int = 1

    def op(self, context: Any) -> Any:
        made = fill(invoke("read"), context)
        if not self.count or made is PENDING:
            return (PENDING, self) if self.count else None
        return made, replace(self, count=self.count - 1)

    def update(self, context: Any, event: Op) -> Any:
        told.append(event)
        return replace(self, heard=(*self.heard, event))


told: list[Op] = []


def test_a_note_is_a_line_of_the_nemesis_at_any_time() -> None:
    world = World(VirtualRuntime())
    told.clear()
    interpreter = world.interpreter()
    runtime = world.runtime
    assert isinstance(runtime, VirtualRuntime)
    interpreter.note(Op("invoke", 5, "before"))
    runtime.at(1, lambda: interpreter.note(Op("info", NEMESIS, "start-kill", {"application": 3})))
    runtime.run(interpreter.run(clients(Listening())))
    interpreter.note(Op("info", NEMESIS, "stop-kill"))
    lines = [(entry.index, entry.time, entry.type, entry.process, entry.f) for entry in world.history]
    assert lines == [
        (0, 0, "info", NEMESIS, "before"),
        (1, 0, "invoke", 0, "read"),
        (2, 1_000_000, "info", NEMESIS, "start-kill"),
        (3, 2_000_000, "ok", 0, "read"),
        (4, 2_000_000, "info", NEMESIS, "stop-kill"),
    ]
    assert [event.f for event in told] == ["read", "read"], "clients' generators hear of clients only"
    runtime.run(interpreter.run(any_of(Listening())))
    interpreter.note(Op("info", NEMESIS, "stop-pause"))
    assert [event.f for event in told][-1] == "stop-pause"


def test_what_an_operation_sets_off_stands_after_it_and_all_hear_it_in_that_order() -> None:
    world = World(VirtualRuntime())
    told.clear()

    def record(entry: Op) -> None:
        world.history.append(entry)
        if isinstance(entry.process, int) and entry.type == "invoke":
            interpreter.note(Op("info", NEMESIS, "start-kill"))
            interpreter.note(Op("info", NEMESIS, "start-kill"))

    world.record = record
    interpreter = world.interpreter()
    assert isinstance(world.runtime, VirtualRuntime)
    world.runtime.run(interpreter.run(any_of(Listening())))
    assert [entry.f for entry in world.history] == ["read", "start-kill", "start-kill", "read"]
    assert [entry.index for entry in world.history] == [0, 1, 2, 3]
    assert told == world.history


def test_a_note_that_cannot_be_recorded_ends_the_run_and_not_whoever_notes_it() -> None:
    world = World(VirtualRuntime())

    def record(entry: Op) -> None:
        if entry.process == NEMESIS:
            raise OSError("disk full")
        world.history.append(entry)

    world.record = record
    interpreter = world.interpreter()
    runtime = world.runtime
    assert isinstance(runtime, VirtualRuntime)
    runtime.at(30, lambda: interpreter.note(Op("info", NEMESIS, "start-kill")))
    with pytest.raises(OSError, match="disk full"):
        runtime.run(interpreter.run(clients(limit(100, rate(100, numbered())))))
    assert [entry.type for entry in world.history].count("ok") < 20
