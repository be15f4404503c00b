"""Node code that breaks a rule is named, with file and line; whatever it tries after its death has no effect."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest

from harness.cluster import ClusterSpec, NodeSpec
from harness.node import Env, Message
from harness.simulation.cluster import SimCluster, SimProvider
from harness.simulation.runtime import SimRuntime
from harness.simulation.scheduler import LivelockError

# A coroutine that will not end says so once more when it is collected.
pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")


class Careful:
    """Keeps the rules, and waits."""

    def __init__(self, env: Env, options: Mapping[str, str]) -> None:
        self.env = env

    async def start(self) -> None:
        self.env.spawn(self.work(), "work")

    async def handle(self, source: str, message: Message) -> Message | None:
        return {"seen": True}

    def status(self) -> Message:
        return {"leader": None}

    async def work(self) -> None:
        try:
            await self.env.sleep(60_000)
        finally:
            self.at_the_end = True  # a finally that touches nothing of the world is no offence


class AwaitsInFinally(Careful):
    async def work(self) -> None:
        try:
            await self.env.sleep(60_000)
        finally:
            await self.env.sleep(1)  # OFFENCE


class Swallows(Careful):
    async def work(self) -> None:
        while True:
            with suppress(BaseException):
                await self.env.sleep(60_000)


class ActsAfterDeath(Careful):
    async def work(self) -> None:
        try:
            await self.env.sleep(60_000)
        finally:
            self.env.send("n2", {"type": "ghost"})  # OFFENCE


class WritesAfterDeath(Careful):
    async def work(self) -> None:
        try:
            await self.env.sleep(60_000)
        finally:
            self.env.disk.append("file", b"ghost")


class SleepsNoTime(Careful):
    async def work(self) -> None:
        await self.env.sleep(0)  # OFFENCE


class NeverSleeps(Careful):
    async def work(self) -> None:
        while True:
            done = self.env.future()
            self.env.spawn(self.settle(done), "settle")
            await done

    async def settle(self, done: Any) -> None:
        done.set_result(None)


def world_after_a_kill(program: type[Careful], folder: Path) -> SimCluster:
    """Two nodes run the program for a second; then n1 is killed, and started again."""
    runtime, provider = SimRuntime(1), SimProvider()
    nodes = tuple(NodeSpec(name, "server", f"{__name__}:{program.__name__}") for name in ("n1", "n2"))

    async def main() -> None:
        cluster = await provider.create(ClusterSpec(nodes, {}, (), 1, 1, 1000, folder), runtime)
        await cluster.start(["n1", "n2"])
        await runtime.sleep(1000)
        await cluster.kill(["n1"])
        await runtime.sleep(1000)
        await cluster.start(["n1"])
        await runtime.sleep(100)

    runtime.run(main(), 60)
    assert provider.cluster is not None
    return provider.cluster


def line_of(offence: type[Careful]) -> int:
    source = Path(__file__).read_text().splitlines()
    start = next(i for i, line in enumerate(source) if line.startswith(f"class {offence.__name__}("))
    return next(i for i, line in enumerate(source[start:], start + 1) if "# OFFENCE" in line)


@pytest.mark.parametrize(
    ("program", "what"),
    [
        (AwaitsInFinally, "sleep after death"),
        (ActsAfterDeath, "send after death"),
        (SleepsNoTime, "a sleep of no time"),
    ],
)
def test_the_offence_is_named_with_file_and_line(program: type[Careful], what: str, tmp_path: Path) -> None:
    violations = world_after_a_kill(program, tmp_path).world.violations
    assert violations
    assert what in str(violations[0])
    assert f"{__file__}:{line_of(program)}" in str(violations[0])
    assert violations[0].node == "n1"


def test_swallowing_the_end_is_named(tmp_path: Path) -> None:
    violations = world_after_a_kill(Swallows, tmp_path).world.violations
    assert any("BaseException swallowed" in violation.what and violation.file == __file__ for violation in violations)


def test_a_dead_node_writes_nothing(tmp_path: Path) -> None:
    cluster = world_after_a_kill(WritesAfterDeath, tmp_path)
    assert any("after death" in violation.what for violation in cluster.world.violations)
    files = cluster.world.nodes["n1"].open_disk(cluster.world.scheduler.lane("reader"))
    assert not files.exists("file")


def test_keeping_the_rules_is_no_offence(tmp_path: Path) -> None:
    assert world_after_a_kill(Careful, tmp_path).world.violations == []


def test_a_loop_that_never_sleeps_is_named(tmp_path: Path) -> None:
    with pytest.raises(LivelockError, match=r"some loop never sleeps; at work: .*n[12]/1"):
        world_after_a_kill(NeverSleeps, tmp_path)
