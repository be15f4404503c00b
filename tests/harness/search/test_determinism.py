"""Same seed, two processes, two hash seeds: every bundled system does the same, to the last message."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from harness import catalog
from harness.plan import Plan
from harness.search.determinism import compare
from tests.harness.search.plans import base_plan, setup_for

FAULTS = "partition,kill,pause,power-loss,delay,loss,duplicate,reorder,clock"

UNSTEADY = '''
"""A system whose answers depend on the order of a set of strings, and so on the process."""

from harness.system import Role, System
from systems_under_test.blocks.key_value_client import ERRORS, KeyValueClient


class Node:
    def __init__(self, env, options):
        self._env = env

    async def start(self):
        for name in {"one", "two", "three", "four", "five"}:
            self._env.event("seen", which=name)

    async def handle(self, source, message):
        return {"value": None}

    def status(self):
        return {"leader": None, "term": 0}


SYSTEM = System(
    name="unsteady", summary="depends on hashes", operations=frozenset({"read", "write", "cas"}),
    roles={"server": Role("unsteady:Node")}, client=KeyValueClient, workloads=("register",),
    ready=lambda statuses: bool(statuses), leader=lambda statuses: None, errors=ERRORS,
)
'''


@pytest.mark.parametrize("system", catalog.names("systems"))
def test_every_bundled_system_is_deterministic(system: str) -> None:
    for workload in catalog.system(system).workloads[:2]:
        plan = base_plan(system, faults=FAULTS, workload=workload)
        comparison = compare(setup_for(plan, seed=16, strategy="swarm").plan)
        assert comparison.same, f"{workload}: differs from line {comparison.line} on: {comparison.texts}"
        assert not comparison.violations


def test_another_seed_is_another_run() -> None:
    plan = base_plan("raft", time_limit_s=1.0)
    digests = {compare(setup_for(plan, seed=seed).plan).digests[0] for seed in (1, 2)}
    assert len(digests) == 2


def test_a_system_that_depends_on_hashes_is_found(tmp_path: Path) -> None:
    file = tmp_path / "unsteady.py"
    file.write_text(UNSTEADY)
    try:
        catalog.system(str(file))
        comparison = compare(Plan(str(file), "register", provider="sim", time_limit_s=1.0))
    finally:
        sys.modules.pop("unsteady", None)
    assert not comparison.same
    assert comparison.line is not None
    assert "seen" in comparison.texts[0]
