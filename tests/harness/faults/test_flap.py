"""A partition that comes and goes: what it draws, that it is cut and joined in turn, and joined in the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any, cast

import pytest

from harness.cluster import Cluster
from harness.fault import FaultSpec
from harness.faults import flap, partition
from harness.faults.action import check_action
from harness.simulation.runtime import SimRuntime
from tests.harness.faults.bench import NODES, resolved


class Switch:
    """A cluster that notes when it is cut and when joined, in ms."""

    nodes = NODES

    def __init__(self, runtime: SimRuntime) -> None:
        self._runtime = runtime
        self.turns: list[tuple[int, bool]] = []
        self.cuts: list[Mapping[str, Sequence[str]]] = []

    async def partition(self, drops: Mapping[str, Sequence[str]]) -> None:
        self.turns.append((self._runtime.now() // 1_000_000, True))
        self.cuts.append(drops)

    async def heal(self) -> None:
        self.turns.append((self._runtime.now() // 1_000_000, False))


def flapped(action: dict[str, Any], for_ms: float) -> Switch:
    """The cluster after the fault was in force for so long."""
    runtime = SimRuntime(1)

    async def live() -> Switch:
        switch, over = Switch(runtime), runtime.future()
        cluster = cast(Cluster, switch)
        await flap.FAULT.apply(cluster, action)
        acting = runtime.spawn(flap.FAULT.during(cluster, action, runtime, over), "during")
        await runtime.sleep(for_ms)
        over.set_result(None)
        await acting
        await flap.FAULT.heal(cluster, action)
        return switch

    return runtime.run(live(), limit_s=60)


@pytest.mark.parametrize("shape", [None, *partition.FAULT.shapes])
def test_it_takes_every_shape_of_a_partition(shape: str | None) -> None:
    action = flap.FAULT.choose(FaultSpec("flap", shape), 1, NODES, Random(3))
    check_action(action, NODES, triggered=True)
    low, high = flap.PERIOD_MS
    assert low <= action["period_ms"] <= high
    assert flapped(resolved(action), 10).cuts[0]


def test_half_of_every_period_it_is_cut_and_in_the_end_it_is_not() -> None:
    action = resolved(flap.FAULT.choose(FaultSpec("flap", "halves"), 0, NODES, Random(3))) | {"period_ms": 400}
    switch = flapped(action, 1500)
    assert switch.turns[:8] == [(turn * 200, turn % 2 == 0) for turn in range(8)]
    assert switch.turns[-1] == (1500, False)
    assert all(cut == switch.cuts[0] for cut in switch.cuts), "always the same cut"


def test_it_ends_at_once_in_the_middle_of_a_period() -> None:
    action = resolved(flap.FAULT.choose(FaultSpec("flap", "one"), 0, NODES, Random(3))) | {"period_ms": 2000}
    assert flapped(action, 300).turns == [(0, True), (300, False)]
