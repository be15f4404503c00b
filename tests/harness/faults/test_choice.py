"""What the faults choose: concrete, replayable JSON, with the leader left to the moment it strikes."""

from __future__ import annotations

import json
from random import Random
from typing import cast

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.cluster import Cluster
from harness.fault import FaultSpec, FaultSyntaxError
from harness.faults import absence, delay, kill, loss, partition, pause, slow_link
from harness.faults.partition import CLIENTS, cut_of, isolation
from harness.faults.target import LEADER, concrete_nodes, is_symbolic, resolve
from harness.faults.topology import majority, minority
from tests.harness.faults.model import run

NODES = ("n1", "n2", "n3", "n4", "n5")
ALL = [(fault.FAULT, shape) for fault in (partition, kill, pause) for shape in (None, *fault.FAULT.shapes)]


@pytest.mark.parametrize(("fault", "shape"), ALL)
def test_choices_are_json_and_repeat_with_the_seed(fault: partition.Partition, shape: str | None) -> None:
    for turn in range(6):
        spec = FaultSpec(fault.name, shape)
        first, again = (fault.choose(spec, turn, NODES, Random(f"7:{turn}")) for _ in range(2))
        assert first == again == json.loads(json.dumps(first))
        words = json.dumps(first)
        assert is_symbolic(first) or all(node in NODES for node in first.get("nodes", ())), words


@given(st.integers(0, 10_000), st.integers(2, 9))
def test_the_default_partitions_isolate_the_leader_in_one_of_every_three(seed: int, count: int) -> None:
    nodes = tuple(f"n{i}" for i in range(count))
    shapes = [partition.FAULT.choose(FaultSpec("partition"), turn, nodes, Random(seed))["shape"] for turn in range(9)]
    assert shapes[0] == "isolate-leader"
    assert all("isolate-leader" in shapes[turn : turn + 3] for turn in range(7))


def test_the_default_partitions_use_many_shapes() -> None:
    shapes = {partition.FAULT.choose(FaultSpec("partition"), turn, NODES, Random(turn))["shape"] for turn in range(100)}
    assert len(shapes) >= 7


@pytest.mark.parametrize("fault", [kill.FAULT, pause.FAULT])
def test_the_default_targets_are_the_leader_and_others_in_turn(fault: absence.Absence) -> None:
    targets = [fault.choose(FaultSpec(fault.name), turn, NODES, Random(turn))["shape"] for turn in range(40)]
    assert set(targets[::2]) == {"leader"}
    assert set(targets[1::2]) == {"one", "minority", "majority"}


@pytest.mark.parametrize(
    ("shape", "size", "count"),
    [
        ("one", None, 1),
        ("one", 3, 3),
        ("minority", None, minority(5)),
        ("majority", None, majority(5)),
        ("all", None, 5),
    ],
)
def test_targets_have_the_size_they_name(shape: str, size: int | None, count: int) -> None:
    action = kill.FAULT.choose(FaultSpec("kill", shape, size), 0, NODES, Random(1))
    assert len(set(concrete_nodes(action))) == count


@given(st.integers(1, 5), st.sampled_from(NODES), st.integers(0, 1000))
def test_a_resolved_leader_is_first_and_brings_others(size: int, leader: str, seed: int) -> None:
    action = kill.FAULT.choose(FaultSpec("kill", LEADER, size), 0, NODES, Random(seed))
    with pytest.raises(ValueError, match="resolve"):
        concrete_nodes(action)
    resolved = resolve(action, leader)
    assert resolved["nodes"][0] == leader
    assert len(set(resolved["nodes"])) == size
    assert set(resolved["nodes"]) <= set(NODES)


@pytest.mark.parametrize(
    ("direction", "expected"),
    [
        ("both", {"n1": ["n2"], "n2": ["n1", "n3"], "n3": ["n2"]}),
        ("deaf", {"n2": ["n1", "n3"]}),
        ("mute", {"n1": ["n2"], "n3": ["n2"]}),
    ],
)
def test_isolation_cuts_nodes_and_never_clients(direction: str, expected: dict[str, list[str]]) -> None:
    assert isolation({"nodes": ["n2"], "direction": direction}, ("n1", "n2", "n3")) == expected


class Wires:
    """A cluster that notes what it is asked to drop."""

    nodes = NODES

    async def partition(self, drops: dict[str, list[str]]) -> None:
        self.drops = drops


def test_clients_are_cut_from_the_leader_and_others_and_no_node_from_another() -> None:
    for size, count in ((None, 3), (2, 2)):
        action = partition.FAULT.choose(FaultSpec("partition", CLIENTS, size), 0, NODES, Random(3))
        wires = Wires()
        run(partition.FAULT.apply(cast(Cluster, wires), resolve(action, "n4")))
        assert "n4" in wires.drops
        assert len(wires.drops) == count
        assert set(map(tuple, wires.drops.values())) == {(CLIENTS,)}


@pytest.mark.parametrize(
    "fault", [partition.FAULT, delay.FAULT, loss.FAULT, slow_link.FAULT], ids=lambda fault: fault.name
)
def test_a_single_node_has_no_links_but_those_to_its_clients(fault: partition.Partition) -> None:
    for turn in range(6):
        assert fault.choose(FaultSpec(fault.name), turn, ("n1",), Random(turn))["shape"] == CLIENTS


@pytest.mark.parametrize(
    ("fault", "spec", "count"),
    [
        (partition.FAULT, FaultSpec("partition", "bridge"), 2),
        (partition.FAULT, FaultSpec("partition", "halves"), 1),
        (partition.FAULT, FaultSpec("partition", "isolate-leader"), 1),
        (partition.FAULT, FaultSpec("partition", "between-leader"), 1),
        (partition.FAULT, FaultSpec("partition", "between-leader", 1), 5),
        (partition.FAULT, FaultSpec("partition", "between-n2"), 5),
        (partition.FAULT, FaultSpec("partition", "between-n1+n6"), 5),
        (delay.FAULT, FaultSpec("delay", "all"), 1),
        (partition.FAULT, FaultSpec("partition", "isolate-leader", 5), 5),
        (partition.FAULT, FaultSpec("partition", "halves", 2), 5),
        (kill.FAULT, FaultSpec("kill", "one", 6), 5),
        (kill.FAULT, FaultSpec("kill", "majority", 2), 5),
    ],
)
def test_what_does_not_fit_the_nodes_is_refused(fault: partition.Partition, spec: FaultSpec, count: int) -> None:
    with pytest.raises(FaultSyntaxError, match=r"read .* expected"):
        fault.choose(spec, 0, NODES[:count], Random(0))


@pytest.mark.parametrize(
    ("direction", "expected"),
    [
        ("both", {"n1": ["n2"], "n2": ["n1"]}),
        ("deaf", {"n1": ["n2"]}),
        ("mute", {"n2": ["n1"]}),
    ],
)
def test_links_between_two_are_cut_and_no_others(direction: str, expected: dict[str, list[str]]) -> None:
    shape = "between-n1+n2" + ("" if direction == "both" else "-one-way")
    chosen = (partition.FAULT.choose(FaultSpec("partition", shape), 0, NODES, Random(seed)) for seed in range(20))
    action = next(action for action in chosen if action["direction"] == direction)
    assert cut_of(action, NODES) == expected
    wires = Wires()
    assert run(partition.FAULT.apply(cast(Cluster, wires), action))["drops"] == expected, "a replay does the same"
    assert cut_of({**action, "drops": expected}, NODES) == wires.drops == expected


def test_links_among_three_and_between_the_leader_and_another_are_cut() -> None:
    action = partition.FAULT.choose(FaultSpec("partition", "between-n1+n2+n5"), 0, NODES, Random(1))
    assert cut_of(action, NODES) == {"n1": ["n2", "n5"], "n2": ["n1", "n5"], "n5": ["n1", "n2"]}
    for size, count in ((None, 2), (3, 3)):
        action = partition.FAULT.choose(FaultSpec("partition", "between-leader", size), 0, NODES, Random(1))
        cut = cut_of(resolve(action, "n4"), NODES)
        assert "n4" in cut
        assert len(cut) == count


def test_followers_are_split_in_two_and_the_leader_hears_both() -> None:
    action = partition.FAULT.choose(FaultSpec("partition", "split-followers"), 0, NODES, Random(3))
    cut = cut_of(resolve(action, "n4"), NODES)
    assert "n4" not in cut
    assert all("n4" not in senders for senders in cut.values())
    groups = {tuple(senders) for senders in cut.values()}
    assert sorted(map(len, groups)) == [2, 2]
    assert sorted(node for group in groups for node in group) == ["n1", "n2", "n3", "n5"]
    ways = {
        tuple(cut_of(resolve(action, "n4"), NODES))
        for seed in range(20)
        for action in [
            partition.FAULT.choose(FaultSpec("partition", "split-followers-one-way"), 0, NODES, Random(seed))
        ]
    }
    assert len(ways) > 2, "one half or the other, drawn each time"
    assert all(len(way) == 2 for way in ways), "only one half hears nothing of the other"


def test_what_nodes_tell_clients_is_cut_where_it_leaves() -> None:
    action = partition.FAULT.choose(FaultSpec("partition", f"{CLIENTS}-one-way"), 0, NODES, Random(3))
    cut = cut_of(resolve(action, "n4"), NODES)
    assert list(cut) == [CLIENTS]
    assert len(cut[CLIENTS]) == 3
    assert "n4" in cut[CLIENTS]
