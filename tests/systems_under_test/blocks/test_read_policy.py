"""Where reads go: drawn anew, or always the same, and on to another when one refuses."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import pytest

from harness.history import Op
from harness.system import ClientEnv
from systems_under_test.blocks.read_policy import ReadPolicy, read_policy
from systems_under_test.single_leader import SYSTEM
from tests.systems_under_test.simulated import Scene, play

READ = Op("invoke", 0, "read", key="x")


def asked(reads: str, test: Callable[[ReadPolicy, ClientEnv], None], *, nodes: int = 5) -> None:
    async def scenario(scene: Scene) -> None:
        env = scene.cluster.client_env(0, "reader")
        test(read_policy(env, {"reads": reads}), env)

    play(SYSTEM, scenario, nodes=nodes)


def visited(policy: ReadPolicy, reads: int = 40, leader: str = "n1") -> list[str]:
    nodes = []
    for _ in range(reads):
        assert policy.demand(READ) == {}
        nodes.append(policy.node(leader))
        policy.answered(READ, {"value": 1})
    return nodes


@pytest.mark.parametrize(
    ("reads", "followers"),
    [("leader", [["n1"]]), ("any", [["n2", "n3", "n4", "n5"]]), ("sticky", [["n2"], ["n3"], ["n4"], ["n5"]])],
)
def test_who_is_asked(reads: str, followers: Sequence[list[str]]) -> None:
    asked(reads, lambda policy, _: None if sorted(set(visited(policy))) in followers else pytest.fail(reads))


def test_who_has_refused_is_not_asked_again_for_the_same_read_and_the_leader_comes_last() -> None:
    def refusing(policy: ReadPolicy, env: ClientEnv) -> None:
        policy.demand(READ)
        order = []
        for _ in env.nodes:
            order.append(policy.node("n3"))
            policy.refused(order[-1])
        assert sorted(order) == list(env.nodes)
        assert order[-1] == "n3"
        assert policy.node("n3") in env.nodes, "all over again"
        assert {"n1", "n2", "n4", "n5"} == set(visited(policy, leader="n3"))

    asked("any", refusing)


def test_a_session_moves_when_its_follower_refuses_and_stays_there() -> None:
    def moving(policy: ReadPolicy, env: ClientEnv) -> None:
        (first,) = set(visited(policy))
        policy.refused("n1")
        assert set(visited(policy)) == {first}, "somebody else did"
        policy.refused(first)
        (second,) = set(visited(policy))
        assert second != first
        assert set(visited(policy, leader=second)) == {second}

    asked("sticky", moving)


@pytest.mark.parametrize("reads", ["any", "sticky"])
def test_a_single_node_is_asked_everything(reads: str) -> None:
    def alone(policy: ReadPolicy, env: ClientEnv) -> None:
        policy.demand(READ)
        policy.refused("n1")
        assert set(visited(policy)) == {"n1"}

    asked(reads, alone, nodes=1)
