"""Faults of the network and of clocks in a simulated world: the nemesis drives them, their effects are measured."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest

from harness.cluster import ClusterSpec, NodeSpec
from harness.fault import Fault, FaultSpec
from harness.faults import bandwidth, clock, corrupt, delay, drift, duplicate, loss, reorder, slow_link, slow_node
from harness.faults.nemesis import Nemesis
from harness.history import NEMESIS, Op
from harness.node import Env, Message
from harness.simulation.cluster import SimProvider
from harness.simulation.runtime import SimRuntime
from harness.system import System

FAULTS: dict[str, Fault] = {
    fault.name: fault
    for fault in (
        delay.FAULT,
        loss.FAULT,
        duplicate.FAULT,
        reorder.FAULT,
        corrupt.FAULT,
        bandwidth.FAULT,
        slow_link.FAULT,
        slow_node.FAULT,
        clock.FAULT,
        drift.FAULT,
    )
}
NODES = ("n1", "n2", "n3")
SYSTEM = System("chatter", "", frozenset(), {}, cast(Any, None), (), ready=bool,
                leader=lambda statuses: next((status["leader"] for status in statuses.values()), None))  # fmt: skip


class Chatter:
    """Each node sends to all others and reads the time; or, with ``work=none``, does nothing at all."""

    def __init__(self, env: Env, options: Mapping[str, str]) -> None:
        self._env, self._works = env, options["work"] != "none"

    async def start(self) -> None:
        if self._works:
            self._env.spawn(self._chat(), "chat")

    async def _chat(self) -> None:
        while True:
            for peer in self._env.peers:
                self._env.send(peer, {"time": self._env.clock.wall()})
            await self._env.sleep(20)

    def status(self) -> Message:
        return {"leader": self._env.nodes[0]}

    async def handle(self, source: str, message: Message) -> None:
        return None


def applied(folder: Path, fault: str, work: str, turn: int, seed: int) -> dict[str, Any]:
    """What the nemesis says of one application of the fault's default mix, a second long."""
    nodes = tuple(NodeSpec(name, "node", f"{__name__}:Chatter") for name in NODES)
    spec = ClusterSpec(nodes, {"work": work}, (), seed, 1, 1000, folder)
    runtime = SimRuntime(seed)

    async def live() -> dict[str, Any]:
        cluster = await SimProvider().create(spec, runtime)
        await cluster.start(NODES)
        nemesis = Nemesis(SYSTEM, cluster, FAULTS, runtime)
        await nemesis.baseline()
        await runtime.sleep(500)
        action = FAULTS[fault].choose(FaultSpec(fault), turn, NODES, Random(seed))
        for verb in ("start", "stop"):
            op = await nemesis.invoke(Op("info", NEMESIS, f"{verb}-{fault}", {"application": 0, **action}))
            assert op.error is None
            await runtime.sleep(1000)
        assert await nemesis.heal_all() == ()
        (effect,) = nemesis.effects()
        await cluster.down()
        return effect

    return runtime.run(live(), limit_s=60)


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("turn", range(6))
def test_what_meets_a_fault_is_counted_and_stops_when_it_is_healed(tmp_path: Path, fault: str, turn: int) -> None:
    effect = applied(tmp_path, fault, "talk", turn, seed=10 + turn)
    assert effect["bit"], effect
    assert effect["effect"]["absent_outside"]
    assert any(figure > 5 for name, figure in effect["effect"]["measured"].items() if not name.endswith("_quiet"))


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_that_nobody_meets_did_not_bite(tmp_path: Path, fault: str) -> None:
    effect = applied(tmp_path, fault, "none", 0, seed=1)
    assert effect["applied"]
    assert not effect["bit"], effect
    assert "never met" in effect["effect"]["explanation"]
