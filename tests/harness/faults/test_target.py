"""Whom a fault aims at: every word in every fault that takes targets, and what becomes of it when it strikes."""

from __future__ import annotations

import json
from random import Random

import pytest

from harness import catalog
from harness.fault import FaultSpec, FaultSyntaxError
from harness.faults.action import check_action
from harness.faults.grammar import parse
from harness.faults.target import (
    TARGETS,
    choose_target,
    concrete_nodes,
    is_open,
    is_shape,
    is_symbolic,
    resolve,
    resolve_role,
    roles_of,
)

NODES = ("n1", "n2", "n3", "n4", "n5")
ROLES = {"n1": "witness", "n2": "replica", "n3": "replica", "n4": "replica", "n5": "witness"}
FAULTS = catalog.faults()
AIMED = [name for name, fault in FAULTS.items() if set(TARGETS) <= set(fault.shapes)]
WORDS = [*(word for word in TARGETS if word != "its-node"), "role-witness", "role-replica:2", "n4", "n2+n3"]


def target(word: str, seed: int = 1) -> dict[str, object]:
    shape, _, size = word.partition(":")
    return choose_target(FaultSpec("kill", shape, int(size) if size else None), 0, NODES, Random(seed))


def test_most_faults_take_targets() -> None:
    assert {"kill", "restart", "pause", "slow-node", "power-loss", "eio", "clock", "delay"} <= set(AIMED)


@pytest.mark.parametrize("name", AIMED)
@pytest.mark.parametrize("word", WORDS)
def test_every_fault_with_targets_takes_every_word(name: str, word: str) -> None:
    (spec,) = parse(f"{name}={word}", FAULTS, roles=("witness", "replica"))
    action = FAULTS[name].choose(spec, 0, NODES, Random(3))
    check_action(json.loads(json.dumps(action)), NODES)
    assert is_symbolic(action) or set(action.get("nodes", ())) <= set(NODES)
    if is_open(spec.shape or "") and "role" not in word:
        assert action["nodes"] == word.split("+")


@pytest.mark.parametrize(
    "shape", ["isolate-n2", "isolate-n2+n3", "isolate-role-witness", "isolate-n2-one-way", "isolate-role-x-one-way",
              "between-n2+n3", "between-role-witness", "between-n2+n3-one-way"]
)  # fmt: skip
def test_partitions_isolate_nodes_and_roles_too(shape: str) -> None:
    (spec,) = parse(f"partition={shape}", FAULTS)
    action = FAULTS["partition"].choose(spec, 0, NODES, Random(1))
    check_action(action, NODES)
    assert action["direction"] == "both" or shape.endswith("-one-way")
    assert action["nodes"] in (["n2"], ["n2", "n3"], ["role-witness"], ["role-x"])


def test_followers_are_all_but_the_leader() -> None:
    assert sorted(concrete_nodes(resolve(target("followers"), "n4", "followers"))) == ["n1", "n2", "n3", "n5"]
    two = concrete_nodes(resolve(target("followers:2"), "n4", "followers"))
    assert len(set(two)) == 2
    assert "n4" not in two
    with pytest.raises(FaultSyntaxError, match="at most 4"):
        target("followers:5")
    with pytest.raises(FaultSyntaxError, match="at least 2 nodes"):
        choose_target(FaultSpec("kill", "followers"), 0, ("n1",), Random(0))


def test_a_role_is_all_its_nodes_or_as_many_as_are_asked_for() -> None:
    assert sorted(concrete_nodes(resolve_role(target("role-replica"), ROLES))) == ["n2", "n3", "n4"]
    assert len(concrete_nodes(resolve_role(target("role-replica:2"), ROLES))) == 2
    with pytest.raises(ValueError, match="expected one of replica, witness"):
        resolve_role(target("role-broker"), ROLES)


def test_random_is_any_number_of_nodes() -> None:
    counts = {len(target("random", seed)["nodes"]) for seed in range(200)}  # type: ignore[arg-type]
    assert counts == {1, 2, 3, 4, 5}
    assert target("random", 5) == target("random", 5)


def test_named_nodes_must_be_there() -> None:
    assert target("n5+n1+n5")["nodes"] == ["n5", "n1"]
    with pytest.raises(FaultSyntaxError, match="n1 to n5, and n6 is none"):
        target("n2+n6")
    with pytest.raises(FaultSyntaxError, match="no number"):
        target("n2:2")


@pytest.mark.parametrize(
    "shape", ["n2", "n2+n3", "role-x", "isolate-n2", "jump-role-x", "n2-one-way", "role-a-b-one-way"]
)
def test_open_words_stand_where_leader_does(shape: str) -> None:
    assert is_shape(shape, {"leader", "isolate-leader", "jump-leader", "leader-one-way"})
    assert not is_shape(shape, {"one", "minority"})


@pytest.mark.parametrize("shape", ["n2+", "+n2", "n", "n2+m3", "role-", "role-X", "xn2", "n2 ", "isolate-isolate-n2"])
def test_other_words_do_not(shape: str) -> None:
    assert not is_shape(shape, {"leader", "isolate-leader"})


def test_the_role_in_a_shape() -> None:
    assert roles_of("isolate-role-witness-one-way") == ("witness",)
    assert roles_of("role-log-store") == ("log-store",)
    assert roles_of("leader") == roles_of("n2") == ()
    with pytest.raises(FaultSyntaxError, match=r"the role 'witnes' .* did you mean witness\?"):
        parse("kill=role-witnes", FAULTS, roles=("witness", "replica"))
