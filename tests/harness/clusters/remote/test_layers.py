"""Faults of one kind that overlap, on real nodes, seen from inside: each ends with its own heal, with no other's."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator, Mapping
from typing import Any, cast

import pytest

from harness import catalog
from harness.clusters.remote.cluster import RemoteCluster
from harness.faults.nemesis import Nemesis
from harness.history import NEMESIS, Op
from harness.system import System

pytestmark = pytest.mark.cluster

SYSTEM = System("relay", "", frozenset(), {}, cast(Any, None), (), ready=bool, leader=lambda statuses: "n1")
ONE = {"shape": "some-links", "drops": {"n1": ["n2"], "n2": ["n1"]}}
TWO = {"shape": "some-links", "drops": {"n1": ["n3"], "n3": ["n1"]}}
LONG = {"shape": "some-links", "links": [["n1", "n2"], ["n1", "n3"]], "amount": {"delay_ms": 60.0, "jitter_ms": 0.0}}
LONGER = {"shape": "some-links", "links": [["n1", "n3"]], "amount": {"delay_ms": 160.0, "jitter_ms": 0.0}}


class Scene:
    """A nemesis on the five nodes, and questions that n1 passes on to others."""

    def __init__(self, runner: asyncio.Runner, cluster: RemoteCluster) -> None:
        self.runner, self.cluster = runner, cluster
        runner.run(cluster.start(cluster.nodes))
        self.nemesis = Nemesis(SYSTEM, cast(Any, cluster), catalog.faults(), cast(Any, cluster._runtime))
        runner.run(self.nemesis.baseline())
        for node in ("n2", "n3"):
            self.milliseconds(node)  # connections are made

    def do(self, verb: str, fault: str, number: int, action: Mapping[str, Any]) -> Op:
        op = Op("info", NEMESIS, f"{verb}-{fault}", {"application": number, **action})
        done = self.runner.run(self.nemesis.invoke(op))
        assert done.error is None
        return done

    async def _call(self, to: str, timeout_ms: float) -> Mapping[str, Any]:
        return await self.cluster.client_env(0, "c").call("n1", {"to": to, "timeout_ms": timeout_ms}, 5000)

    def hears(self, node: str) -> bool:
        return "error" not in self.runner.run(self._call(node, 500))

    def comes_back(self, node: str) -> bool:
        """An established connection is itself again a while after a heal."""
        return any(self.hears(node) for _ in range(12))

    def milliseconds(self, node: str) -> float:
        """The shortest of a few round trips by n1: a busy machine only adds to it."""
        times = []
        for _ in range(4):
            begin = time.monotonic()
            assert "error" not in self.runner.run(self._call(node, 3000))
            times.append((time.monotonic() - begin) * 1000)
        return min(times)


@pytest.fixture
def scene(runner: asyncio.Runner, five: RemoteCluster) -> Iterator[Scene]:
    scene = Scene(runner, five)
    yield scene
    assert runner.run(scene.nemesis.heal_all()) == ()


def test_the_heal_of_one_partition_leaves_the_other(scene: Scene) -> None:
    scene.do("start", "partition", 0, ONE)
    scene.do("start", "partition", 1, TWO)
    assert [scene.hears(node) for node in ("n2", "n3", "n4")] == [False, False, True]
    scene.do("stop", "partition", 0, ONE)
    assert scene.comes_back("n2")
    assert not scene.hears("n3")
    scene.do("stop", "partition", 1, TWO)
    assert scene.comes_back("n3")


def test_of_two_delays_on_a_link_the_later_counts_and_then_the_earlier_again(scene: Scene) -> None:
    scene.do("start", "delay", 0, LONG)
    assert scene.milliseconds("n2") >= 60
    scene.do("start", "delay", 1, LONGER)
    assert scene.milliseconds("n2") < 160 <= scene.milliseconds("n3")
    scene.do("stop", "delay", 1, LONGER)
    assert 60 <= scene.milliseconds("n3") < 160
    scene.do("stop", "delay", 0, LONG)
    assert scene.milliseconds("n3") < 60
    assert scene.milliseconds("n2") < 60


def test_a_node_has_one_owner_at_a_time(scene: Scene) -> None:
    scene.do("start", "kill", 0, {"shape": "one", "nodes": ["n4"]})
    held = scene.do("start", "pause", 1, {"shape": "one", "nodes": ["n4"]})
    assert held.value["refused"] == "n4 is held by kill (application 0)"
    scene.do("stop", "pause", 1, {"shape": "one", "nodes": ["n4"]})
    assert scene.runner.run(scene.cluster._nodes["n4"].state()) == "gone", "another's heal does not start it"
    scene.do("stop", "kill", 0, {"shape": "one", "nodes": ["n4"]})
    assert scene.comes_back("n4")
    killed, paused = scene.nemesis.effects()
    assert (killed["applied"], paused["applied"], paused["bit"]) == (True, False, False)
