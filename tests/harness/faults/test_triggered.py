"""Faults that something sets off: counted, struck in the very moment, healed in time, told in the history."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from harness.cluster import Cluster, NodeEvent
from harness.fault import EVENT, FAILPOINT, LEADER_CHANGE, LOG, OPERATION, Fault, Trigger
from harness.faults import kill, partition, pause
from harness.faults.nemesis import Nemesis
from harness.faults.triggered import TriggeredFaults, needs
from harness.history import Op
from harness.node import Message
from harness.plan import ScheduledFault
from harness.system import System
from tests.harness.faults.model import ModelCluster
from tests.harness.virtual_runtime import VirtualRuntime

FAULTS: dict[str, Fault] = {"partition": partition.FAULT, "kill": kill.FAULT, "pause": pause.FAULT}
ITS_NODE = {"shape": "its-node", "nodes": ["its-node"], "count": 1, "spares": ["n5", "n4"]}
LEADER = {"shape": "leader", "nodes": ["leader"], "count": 1, "spares": ["n5", "n4"]}
VOTE = Trigger(EVENT, "vote-granted", 3)
SECOND = 1_000_000_000


def first_up(statuses: Mapping[str, Message]) -> str | None:
    return min(statuses, default=None)


SYSTEM = System("s", "", frozenset(), {}, cast(Any, None), (), ready=bool, leader=first_up)


class Watched(ModelCluster):
    """A model cluster that tells what the test says."""

    tell: Callable[[NodeEvent], None]

    def watch(self, notify: Callable[[NodeEvent], None]) -> None:
        self.tell = notify


def set_off(trigger: Trigger, fault: str = "kill", action: Mapping[str, Any] = ITS_NODE, start_ns: int = 0,
            lasting_ns: int = SECOND) -> ScheduledFault:  # fmt: skip
    return ScheduledFault(fault, start_ns, start_ns + lasting_ns, action, trigger.as_json())


class Run:
    """The main phase of a run: 10 s from ``begin`` on; ``lines`` are what was noted, with the time in ms."""

    def __init__(self, *schedule: ScheduledFault, system: System = SYSTEM) -> None:
        self.runtime = VirtualRuntime()
        self.cluster = Watched(cast(Any, self.runtime))
        self.system = system
        self.nemesis = Nemesis(system, cast(Cluster, self.cluster), FAULTS, self.runtime)
        self.lines: list[tuple[int, Op]] = []
        self.faults = TriggeredFaults(schedule, self.nemesis, self.runtime, self._note)

    def _note(self, op: Op) -> None:
        self.lines.append((self.runtime.now() // 1_000_000 - 300, op))

    def tell(self, node: str, name: str, kind: str = EVENT) -> None:
        self.cluster.tell(NodeEvent(kind, node, 1, name, {}))

    def play(self, *acts: tuple[float, Callable[[], None]], main_s: float = 10) -> list[dict[str, Any]]:
        """The effects, after ``acts`` at their times in ms of the main phase."""

        async def main() -> None:
            await self.faults.prepare(self.system, cast(Cluster, self.cluster), {})
            await self.nemesis.baseline(sampled=True)
            start_ns = self.runtime.now()
            self.faults.begin(start_ns, start_ns + round(main_s * SECOND))
            for ms, act in acts:
                self.runtime.at(ms, act)
            await self.runtime.sleep(main_s * 1000)
            await self.faults.end()
            assert await self.nemesis.heal_all() == ()
            await self.runtime.sleep(50)
            await self.nemesis.conclude()

        self.runtime.run(main())
        self.runtime.close()
        # Awaited or not: those of a test's own making are known by their words.
        failed = [error for _, error in self.runtime.failed if not isinstance(error, TimeoutError)]
        assert not [error for error in failed if "of ours" not in str(error)]
        return [*self.nemesis.effects(), *self.faults.never_applied()]

    def told(self) -> list[tuple[int, str]]:
        return [(ms, op.f) for ms, op in self.lines]


def votes(run: Run, *nodes: str) -> list[tuple[float, Callable[[], None]]]:
    return [(1000.0 + ms, lambda node=node: run.tell(node, "vote-granted")) for ms, node in enumerate(nodes)]  # type: ignore[misc]


def test_the_third_voter_is_killed_and_started_again() -> None:
    run = Run(set_off(VOTE))
    (effect,) = run.play(*votes(run, "n1", "n2", "n4", "n5"))
    assert run.cluster.done == ["kill n4", "start n4"]
    assert run.told() == [(1002, "start-kill"), (1002, "start-kill"), (2002, "stop-kill"), (2002, "stop-kill")]
    announced, begun, stopping, stopped = (op.value for _, op in run.lines)
    assert announced == {"application": 0, **ITS_NODE, "trigger": {**VOTE.as_json(), "node": "n4"}}
    assert begun["nodes"] == stopped["nodes"] == ["n4"]
    assert begun["its-node"] == "n4"
    assert stopping["application"] == stopped["application"] == 0
    assert effect["bit"], effect
    assert effect["trigger"] == {**VOTE.as_json(), "node": "n4"}
    assert effect["effect"]["measured"]["refused"] == 10 * 4


def test_the_strike_comes_in_the_very_moment_before_anything_is_observed() -> None:
    run = Run(set_off(VOTE))
    steps: list[str] = []
    observe, strike = run.cluster.observe, run.cluster.kill

    async def observed() -> Any:
        steps.append("observe")
        return await observe()

    async def struck(nodes: Sequence[str]) -> None:
        steps.append("kill")
        await strike(nodes)

    run.cluster.observe, run.cluster.kill = observed, struck  # type: ignore[method-assign]

    def third_vote() -> None:
        run.tell("n4", "vote-granted")
        steps.append("the node goes on")

    first, second, (at_ms, _) = votes(run, "n1", "n2", "n4")
    run.play(first, second, (at_ms, third_vote))
    struck_at = steps.index("kill")
    assert steps[struck_at - 1] == "the node goes on"


@pytest.mark.parametrize("ms", [1.0, 700.0, 1000.0, 5000.0, 9999.0])
def test_it_is_measured_whenever_it_comes(ms: float) -> None:
    run = Run(set_off(replace(VOTE, count=1), lasting_ns=3 * SECOND))
    (effect,) = run.play((ms, lambda: run.tell("n2", "vote-granted")))
    assert run.cluster.done == ["kill n2", "start n2"]
    assert effect["bit"] is (ms < 9999), effect


def test_what_was_never_set_off_says_so() -> None:
    run = Run(set_off(VOTE), set_off(replace(VOTE, count=2), "pause"))
    paused, killed = run.play(*votes(run, "n1", "n2"))
    assert (paused["fault"], paused["applied"], paused["bit"]) == ("pause", True, True)
    assert (killed["fault"], killed["applied"], killed["bit"]) == ("kill", False, False)
    assert "after 3rd vote-granted" in killed["effect"]["explanation"]
    assert killed["trigger"] == VOTE.as_json()
    assert killed["started_ns"] is None
    assert run.cluster.done == ["pause n2", "resume n2"]


def test_counting_begins_with_the_main_phase_and_ends_with_it() -> None:
    run = Run(set_off(replace(VOTE, count=1)))

    async def main() -> None:
        await run.faults.prepare(SYSTEM, cast(Cluster, run.cluster), {})
        run.tell("n1", "vote-granted")
        await run.nemesis.baseline(sampled=True)
        run.faults.begin(0, SECOND)
        await run.faults.end()
        run.tell("n1", "vote-granted")
        await run.nemesis.heal_all()
        await run.runtime.sleep(1)

    run.runtime.run(main())
    run.runtime.close()
    assert run.lines == []
    assert len(run.faults.never_applied()) == 1


def test_a_moment_before_its_time_passes_for_good() -> None:
    run = Run(set_off(VOTE, start_ns=2 * SECOND), set_off(replace(VOTE, count=4), start_ns=SECOND))
    run.play(*votes(run, "n1", "n2", "n3", "n4", "n5"))
    assert run.cluster.done == ["kill n4", "start n4"]


def test_failpoints_and_operations_set_faults_off_and_are_not_mistaken_for_events() -> None:
    run = Run(set_off(Trigger(FAILPOINT, "x", 2)), set_off(Trigger(OPERATION, "x", 2), "pause"))
    assert run.faults.by_operation
    run.play(
        (10, lambda: run.tell("n1", "x")),
        (20, lambda: run.tell("n2", "x", FAILPOINT)),
        (30, lambda: run.faults.invoked("x", "n3")),
        (40, lambda: run.faults.invoked("y", "n3")),
        (50, lambda: run.tell("n4", "x", FAILPOINT)),
        (60, lambda: run.faults.invoked("x", "n5")),
    )
    assert sorted(run.cluster.done) == ["kill n4", "pause n5", "resume n5", "start n4"]


def test_another_leader_is_a_change_and_the_same_one_is_none() -> None:
    run = Run(set_off(Trigger(LEADER_CHANGE, None, 2)))
    assert not run.faults.by_operation
    nodes = ["n1", "n3", "n3", "n2", "n3"]  # n1 leads at the beginning
    run.play(*((100.0 * at, lambda node=node: run.tell(node, "became-leader")) for at, node in enumerate(nodes)))  # type: ignore[misc]
    assert run.cluster.done == ["kill n2", "start n2"]
    assert run.told()[0] == (300, "start-kill")


def test_the_system_says_which_event_names_a_leader() -> None:
    system = replace(SYSTEM, leadership=lambda options: ("crowned", "epoch"))
    run = Run(set_off(Trigger(LEADER_CHANGE)), system=system)
    run.play((10, lambda: run.tell("n2", "became-leader")), (20, lambda: run.tell("n3", "crowned")))
    assert run.cluster.done == ["kill n3", "start n3"]


def test_a_leader_is_looked_up_when_it_strikes() -> None:
    run = Run(set_off(VOTE, "pause", LEADER))
    run.play(*votes(run, "n2", "n3", "n4"))
    assert run.cluster.done == ["pause n1", "resume n1"]


def test_its_node_can_be_isolated() -> None:
    action = {"shape": "isolate-its-node", "nodes": ["its-node"], "count": 1, "spares": ["n5"], "direction": "both"}
    run = Run(set_off(VOTE, "partition", action))
    (effect,) = run.play(*votes(run, "n2", "n3", "n4"))
    assert effect["done"]["drops"]["n4"] == ["n1", "n2", "n3", "n5"]
    assert effect["bit"], effect


def test_two_at_the_same_moment_and_a_heal_of_each() -> None:
    run = Run(set_off(VOTE), set_off(VOTE, "pause", {"shape": "one", "nodes": ["n1"]}, lasting_ns=2 * SECOND))
    effects = run.play(*votes(run, "n2", "n3", "n4"))
    assert run.cluster.done == ["kill n4", "pause n1", "start n4", "resume n1"]
    assert [effect["bit"] for effect in effects] == [True, True]
    assert [op.value["application"] for _, op in run.lines] == [0, 1, 0, 1, 0, 0, 1, 1]


def test_an_interruption_ends_what_is_in_force() -> None:
    run = Run(set_off(replace(VOTE, count=1), lasting_ns=9 * SECOND))
    run.play((10, lambda: run.tell("n2", "vote-granted")), (500, run.faults.cut), (600, run.faults.cut))
    assert run.told()[2:] == [(500, "stop-kill"), (500, "stop-kill")]


def test_a_fault_that_fails_is_told_and_healed_all_the_same() -> None:
    run = Run(set_off(replace(VOTE, count=1)))

    def vote() -> None:
        run.cluster.failures = 1
        run.tell("n2", "vote-granted")

    (effect,) = run.play((10, vote))
    assert "no route to host" in run.lines[1][1].error
    assert run.cluster.done == ["start n2"]
    assert (effect["applied"], effect["bit"]) == (False, False)


def test_a_fault_that_hangs_is_given_up() -> None:
    run = Run(set_off(replace(VOTE, count=1)))

    async def hang(nodes: Sequence[str]) -> None:
        await run.runtime.sleep(60_000)

    run.cluster.kill = hang  # type: ignore[method-assign]
    (effect,) = run.play((10, lambda: run.tell("n2", "vote-granted")), main_s=30)
    assert "TimeoutError" in effect["errors"][0]
    assert run.told()[1] == (12_010, "start-kill")
    assert run.cluster.done == ["start n2"]


def test_an_action_that_its_fault_cannot_read_is_no_crash() -> None:
    run = Run(set_off(replace(VOTE, count=1), "partition", {"shape": "isolate-leader", "nodes": ["n1"]}))
    (effect,) = run.play((10, lambda: run.tell("n2", "vote-granted")))
    assert "KeyError" in effect["errors"][0]
    assert not effect["applied"]


def test_a_heal_that_breaks_down_is_told_and_what_it_left_is_known() -> None:
    run = Run(set_off(replace(VOTE, count=1), lasting_ns=SECOND))

    async def broken(nodes: Sequence[str]) -> None:
        raise ValueError("a bug of ours")

    start, run.cluster.start = run.cluster.start, broken  # type: ignore[method-assign]

    def mend() -> None:
        run.cluster.start = start  # type: ignore[method-assign]

    run.play((10, lambda: run.tell("n2", "vote-granted")), (5000, mend))
    assert run.lines[-1][1].error == "ValueError: a bug of ours"
    assert run.cluster.done == ["kill n2", "start n2"], "it was ended with all that was in force"


def test_a_timed_fault_beside_one_that_was_set_off() -> None:
    run = Run(set_off(VOTE))

    async def timed() -> None:
        await run.nemesis.invoke(
            Op("info", "nemesis", "start-pause", {"application": 7, "shape": "one", "nodes": ["n1"]})
        )
        await run.runtime.sleep(1500)
        await run.nemesis.invoke(Op("info", "nemesis", "stop-pause", {"application": 7}))

    acts = votes(run, "n2", "n3", "n4")
    effects = run.play((500, lambda: cast(None, run.runtime.spawn(timed(), "timed"))), *acts)
    assert run.cluster.done == ["pause n1", "kill n4", "resume n1", "start n4"]
    assert {effect["application"]: effect["bit"] for effect in effects} == {7: True, 0: True}


def test_heals_wait_for_each_other() -> None:
    run = Run(set_off(VOTE), set_off(VOTE, "kill", {"shape": "one", "nodes": ["n4", "n1"]}))
    start, starting = run.cluster.start, 0

    async def slowly(nodes: Sequence[str]) -> None:
        nonlocal starting
        starting += 1
        assert starting == 1, "two heals may start the same node twice"
        await run.runtime.sleep(100)
        await start(nodes)
        starting -= 1

    run.cluster.start = slowly  # type: ignore[method-assign]
    run.play(*votes(run, "n2", "n3", "n4"))
    assert run.cluster.done == ["kill n4", "kill n1", "start n4", "start n1"], "n4 is the first one's"


def test_a_node_that_is_anothers_is_not_struck_and_the_line_says_so() -> None:
    run = Run(set_off(VOTE, "pause", {"shape": "one", "nodes": ["n4"]}), set_off(replace(VOTE, count=4)))
    paused, killed = run.play(*votes(run, "n1", "n2", "n3", "n4"))
    assert run.cluster.done == ["pause n4", "resume n4"]
    assert paused["bit"]
    assert (killed["applied"], killed["bit"], killed["refused"]) == (
        False,
        False,
        "n4 is held by pause (application 0)",
    )
    begun = [op for _, op in run.lines if op.f == "start-kill"][-1]
    assert begun.value["refused"] == killed["refused"]


def test_a_log_line_sets_off_what_waits_for_its_text() -> None:
    looked_for: list[str] = []

    class Logged(Watched):
        def watch(self, notify: Callable[[NodeEvent], None], logs: Sequence[str] = ()) -> None:
            super().watch(notify)
            looked_for.extend(logs)

    run = Run(set_off(Trigger(LOG, "became leader", 2)))
    run.cluster.__class__ = Logged
    (effect,) = run.play(*((ms, lambda ms=ms: run.tell(f"n{ms // 1000}", "became leader", LOG)) for ms in (2000, 3000)))  # type: ignore[misc]
    assert looked_for == ["became leader"]
    assert run.cluster.done == ["kill n3", "start n3"]
    assert effect["trigger"]["node"] == "n3"


def test_what_a_cluster_must_tell() -> None:
    kinds: list[tuple[Trigger, frozenset[str]]] = [
        (Trigger(OPERATION, "write"), frozenset()),
        *((trigger, frozenset({"events"})) for trigger in (VOTE, Trigger(FAILPOINT, "x"), Trigger(LEADER_CHANGE))),
    ]
    assert all(needs(trigger.as_json()) == needed for trigger, needed in kinds)
    assert needs(None) == frozenset()
