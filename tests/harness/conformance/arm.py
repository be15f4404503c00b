"""The arms of the conformance body: what differs between running a statement on real clusters and on simulated ones."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path
from typing import Any, Final, Protocol

from harness.cluster import Cluster, ClusterSpec, NodeSpec, Provider
from harness.real_runtime import RealRuntime
from harness.simulation.cluster import SimProvider
from harness.simulation.runtime import SimRuntime
from tests.harness.conformance.world import BUGS, CLIENTS, NODES, OPTIONS, Statement, World, make_whole

SUBJECT: Final = Path(__file__).with_name("subject.py")
MISBEHAVING: Final = "the_dead_do_nothing"
"""The one statement whose program breaks a rule of node code, to see that it has no effect."""


class Arm(Protocol):
    def run(self, statement: Statement) -> None:
        """Raises Lacking if the cluster cannot do what the statement is about."""

    def close(self) -> None: ...


def spec(folder: Path, program: str, seed: int) -> ClusterSpec:
    nodes = tuple(NodeSpec(name, "server", f"{program}:Subject") for name in NODES)
    return ClusterSpec(nodes, OPTIONS, BUGS, seed, CLIENTS, client_timeout_ms=5000, folder=folder, modules=(SUBJECT,))


class RealArm:
    """One cluster for all statements: making one takes longer than most of them."""

    def __init__(self, provider: Provider, folder: Path) -> None:
        self._folder, self._runner = folder, asyncio.Runner()
        self._unattended: list[tuple[str, BaseException]] = []
        self._cluster, self._runtime = self._runner.run(self._create(provider))

    async def _create(self, provider: Provider) -> tuple[Cluster, RealRuntime]:
        runtime = RealRuntime(seed=7, unattended=lambda *failure: self._unattended.append(failure))
        cluster = await provider.create(spec(self._folder / "cluster", SUBJECT.stem, 7), runtime)
        return cluster, runtime

    def run(self, statement: Statement) -> None:
        self._runner.run(self._run(statement))
        assert self._unattended == [], "a task of the harness failed alone"

    async def _run(self, statement: Statement) -> None:
        world = World(self._cluster, self._runtime, self._folder / "fetched", slack_ms=1500, settle_ms=250,
                      token=statement.__name__)  # fmt: skip
        await make_whole(world)
        await statement(world)

    def close(self) -> None:
        self._runner.run(self._cluster.down())
        self._runner.close()
        shutil.rmtree(self._folder, ignore_errors=True)


class SimArm:
    """A world of its own for each statement and seed, in virtual time, so that each is seen in many orders."""

    def __init__(self, folder: Path, seeds: int) -> None:
        self._folder, self._seeds = folder, seeds

    def run(self, statement: Statement) -> None:
        for seed in range(self._seeds):
            try:
                self._run(statement, seed, "pct" if seed % 3 == 2 else "uniform")
            except AssertionError as error:
                error.add_note(f"with the seed {seed}")
                raise

    def _run(self, statement: Statement, seed: int, order: str) -> None:
        runtime, provider = SimRuntime(seed, order), SimProvider()
        runtime.run(self._live(statement, runtime, provider, seed), limit_s=300)
        assert provider.cluster is not None
        broken = [str(violation) for violation in provider.cluster.world.violations]
        assert all("after death" in line for line in broken), broken
        assert bool(broken) is (statement.__name__ == MISBEHAVING), broken

    async def _live(self, statement: Statement, runtime: SimRuntime, provider: SimProvider, seed: int) -> Any:
        cluster = await provider.create(spec(self._folder, "tests.harness.conformance.subject", seed), runtime)
        world = World(cluster, runtime, self._folder, slack_ms=50, settle_ms=1000, token=statement.__name__)
        try:
            await make_whole(world)
            await statement(world)
        finally:
            await cluster.down()

    def close(self) -> None:
        """Nothing is left of a simulated world."""
