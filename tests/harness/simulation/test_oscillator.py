"""The simulated oscillator: it counts exactly and without a jump, and whatever a node times by it keeps its pace."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cluster import ClusterSpec, NodeSpec
from harness.node import CallError, Env, Message
from harness.simulation.clock import SimClock
from harness.simulation.cluster import SimCluster, SimProvider
from harness.simulation.oscillator import Oscillator
from harness.simulation.runtime import SimRuntime

MS = 1_000_000
FACTORS = st.floats(0.05, 20)
NODES = tuple(NodeSpec(name, "node", f"{__name__}:Timed") for name in ("n1", "n2"))


class Machine:
    """Virtual time set by hand, an oscillator and a clock on it, and how often a false rate was met."""

    def __init__(self, now_us: int = 0) -> None:
        self.now_us, self.met = now_us, 0
        self.oscillator = Oscillator(lambda: self.now_us, self._count)
        self.clock = SimClock(lambda: self.now_us, 0, 10, lambda: None, 0, self.oscillator)

    def _count(self) -> None:
        self.met += 1

    def pass_ms(self, ms: int) -> None:
        self.now_us += ms * 1000


def test_a_true_one_counts_true_time_since_the_machine_booted_and_nobody_meets_it() -> None:
    machine = Machine(now_us=5_000_000)
    machine.pass_ms(7)
    assert (machine.oscillator.counted_ns(), machine.oscillator.off_ns) == (7 * MS, 0)
    assert machine.oscillator.true_ms(12.5) == 12.5
    assert machine.met == 0


def test_both_clocks_drift_and_only_the_wall_clock_is_set_right() -> None:
    machine = Machine()
    machine.pass_ms(1000)
    assert machine.oscillator.run_at(0.5) == 2
    machine.pass_ms(1000)
    assert (machine.clock.monotonic(), machine.clock.wall()) == (1500 * MS, 1500 * MS)
    assert machine.clock.offset_ms == -500
    assert machine.oscillator.run_at(2) == Fraction(1, 4)
    machine.pass_ms(100)
    assert (machine.clock.monotonic(), machine.clock.wall()) == (1700 * MS, 1700 * MS)
    assert machine.oscillator.run_at(1) == 2
    assert (machine.clock.monotonic(), machine.clock.wall()) == (1700 * MS, 2100 * MS)
    machine.pass_ms(100)
    assert (machine.clock.monotonic(), machine.clock.wall()) == (1800 * MS, 2200 * MS)
    assert machine.met == 4


def test_bends_of_the_wall_clock_come_on_top() -> None:
    machine = Machine()
    machine.oscillator.run_at(0.5)
    machine.clock.bend("jump", {"offset_ms": 100})
    machine.pass_ms(1000)
    assert (machine.clock.monotonic(), machine.clock.wall()) == (500 * MS, 600 * MS)
    machine.clock.unbend()
    assert machine.clock.wall() == machine.clock.look() == 500 * MS


@given(st.lists(st.tuples(st.integers(0, 10**7), FACTORS), max_size=20))
def test_it_never_jumps_nor_falls_and_counts_exactly(pieces: list[tuple[int, float]]) -> None:
    machine, exact, rate = Machine(), Fraction(0), Fraction(1)
    for step_us, factor in pieces:
        machine.now_us += step_us
        exact += step_us * 1000 * rate
        before = machine.oscillator.counted_ns()
        machine.oscillator.run_at(factor)
        assert machine.oscillator.counted_ns() == before
        rate = Fraction(factor).limit_denominator(10**9)
    assert 0 <= exact - machine.oscillator.counted_ns() <= len(pieces)


@given(FACTORS, st.integers(1, 10**6))
def test_a_wait_ends_when_it_has_counted_as_much_and_no_later(factor: float, ms: int) -> None:
    machine = Machine()
    machine.oscillator.run_at(factor)
    machine.now_us = round(machine.oscillator.true_ms(ms) * 1000)
    assert machine.oscillator.counted_ns() >= ms * MS
    machine.now_us -= 1
    assert machine.oscillator.counted_ns() < ms * MS


@pytest.mark.parametrize("factor", [0, -0.5, float("nan"), float("inf"), 1e-12])
def test_what_is_no_rate_is_refused_and_changes_nothing(factor: float) -> None:
    machine = Machine()
    with pytest.raises(ValueError, match=r"read .* expected"):
        machine.oscillator.run_at(factor)
    assert machine.oscillator.is_true


class Timed:
    """n1 tells when each of its waits is over: a sleep, some work, a call that nobody answers."""

    def __init__(self, env: Env, options: Mapping[str, str]) -> None:
        self._env = env

    async def start(self) -> None:
        if self._env.name == "n1":
            for name, wait in {"sleep": self._env.sleep, "work": self._env.work, "call": self._call}.items():
                self._env.spawn(self._tell(name, wait), name)

    async def _tell(self, name: str, wait: Callable[[float], Awaitable[None]]) -> None:
        began_ns = self._env.clock.monotonic()
        await wait(1000)
        self._env.event("over", what=name, counted_ms=(self._env.clock.monotonic() - began_ns) / MS)

    async def _call(self, ms: float) -> None:
        try:
            await self._env.call("n2", {"type": "silence"}, ms)
        except CallError:
            return

    async def handle(self, source: str, message: Message) -> None:
        return None

    def status(self) -> Message:
        return {}


def waits(folder: Path, *drifts: tuple[int, float]) -> dict[str, tuple[float, float]]:
    """What each wait took in truth and as n1 counted it, in ms, where it drifts so from these times on."""
    runtime = SimRuntime(1)

    async def live() -> SimCluster:
        cluster = await SimProvider().create(ClusterSpec(NODES, {}, (), 1, 1, 1000, folder), runtime)
        await cluster.start(("n2",))
        await cluster.start(("n1",))
        began_ms = 0
        for at_ms, factor in drifts:
            await runtime.sleep(at_ms - began_ms)
            began_ms = at_ms
            await cluster.drift(["n1"], factor)
        await runtime.sleep(5000)
        await cluster.down()
        return cluster

    node = runtime.run(live(), 60)._nodes["n1"]
    begun_ns = next(event["time_monotonic_ns"] for event in node.events if event["name"] == "start")
    return {
        event["fields"]["what"]: ((event["time_monotonic_ns"] - begun_ns) / MS, event["fields"]["counted_ms"])
        for event in node.events
        if event["name"] == "over"
    }


@pytest.mark.parametrize(
    ("drifts", "ms"),
    [
        ([], 1000),
        ([(100, 0.5)], 1900),
        ([(100, 4)], 325),
        ([(100, 0.25), (1100, 1)], 1750),
        ([(100, 0.5), (700, 2)], 1000),
    ],
)
def test_what_is_waited_for_when_the_rate_changes_keeps_its_pace(
    tmp_path: Path, drifts: list[tuple[int, float]], ms: float
) -> None:
    seen = waits(tmp_path, *drifts)
    assert set(seen) == {"sleep", "work", "call"}
    for took_ms, counted_ms in seen.values():
        assert ms - 30 <= took_ms <= ms + 60, "but for the time that it takes to start"
        assert 1000 <= counted_ms <= 1005


def test_the_process_of_another_node_and_a_machine_that_boots_run_true(tmp_path: Path) -> None:
    runtime = SimRuntime(1)

    async def live() -> list[bool]:
        cluster = await SimProvider().create(ClusterSpec(NODES, {}, (), 1, 1, 1000, tmp_path), runtime)
        await cluster.start(("n1", "n2"))
        await cluster.drift(["n1"], 0.5)
        await cluster.kill(["n1"])
        await cluster.start(["n1"])
        seen = [node.oscillator.is_true for node in cluster._nodes.values()]
        await cluster.power_off(["n1"])
        await cluster.start(["n1"])
        seen.append(cluster._nodes["n1"].oscillator.is_true)
        await cluster.down()
        return seen

    assert runtime.run(live(), 60) == [False, True, True]
