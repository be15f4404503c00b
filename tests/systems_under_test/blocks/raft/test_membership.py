"""Membership changes in the core: who counts, in which order, what is refused, and a random network."""

from __future__ import annotations

from random import Random

import pytest

from systems_under_test.blocks.raft import (
    ChangeMembers,
    Compact,
    Configuration,
    ElectionTimeout,
    HardState,
    HeartbeatTimeout,
    Request,
    Role,
    Snapshot,
    State,
    recover,
    step,
)
from systems_under_test.blocks.raft.bug import CHANGE_BEFORE_COMMIT, JUMP_WITHOUT_JOINT
from systems_under_test.blocks.raft.membership import CATCH_UP_TIMEOUTS
from tests.systems_under_test.blocks.raft.network import Network

SERVERS = ("n1", "n2", "n3", "n4", "n5")
THREE = SERVERS[:3]


class Cluster(Network):
    """A network of five, of which some are members at first; it can change them."""

    def __init__(self, *bugs: str, voters: tuple[str, ...] = THREE, single: bool = True) -> None:
        self.voters, self.single = voters, single
        super().__init__(SERVERS, bugs)
        for name in SERVERS:
            self.crash(name)

    def crash(self, name: str) -> None:
        stored = self.storage[name]
        self.states[name] = recover(
            name, SERVERS, stored.hard, stored.entries, self.bugs, snapshot=stored.snapshot, voters=self.voters,
            single_changes=self.single,
        )  # fmt: skip
        self.applied[name] = stored.snapshot.index

    def settle(self) -> None:
        """Deliver everything, with a heartbeat now and then."""
        for _ in range(4):
            while self.letters:
                self.deliver(self.letters.pop(0))
            for name in self.leaders():
                self.step(name, HeartbeatTimeout())
        while self.letters:
            self.deliver(self.letters.pop(0))

    def leaders(self) -> list[str]:
        return [name for name, state in self.states.items() if state.role is Role.LEADER]

    def elect(self, name: str) -> None:
        self.step(name, ElectionTimeout())
        self.settle()
        assert self.states[name].role is Role.LEADER

    def change(self, leader: str, *voters: str) -> None:
        self.step(leader, ChangeMembers(voters))

    def configurations(self, name: str) -> list[Configuration]:
        return [placed.configuration for placed in self.states[name].configurations]


def test_majorities_of_one_configuration_and_of_two() -> None:
    three, joint = Configuration(THREE), Configuration(("n3", "n4", "n5"), THREE)
    assert three.agree({"n1", "n2"})
    assert not three.agree({"n1", "n4", "n5"}), "strangers do not count"
    assert not joint.agree({"n1", "n2", "n3"}), "only of the old"
    assert not joint.agree({"n3", "n4", "n5"}), "only of the new"
    assert joint.agree({"n1", "n3", "n4"})
    figures = {"n1": 9, "n2": 8, "n3": 7, "n4": 1}
    assert (three.agreed(figures), joint.agreed(figures)) == (8, 1)
    assert joint.members == ("n3", "n4", "n5", "n1", "n2")


@pytest.mark.parametrize("single", [True, False])
def test_members_are_replaced_while_commands_go_on(single: bool) -> None:
    network = Cluster(single=single)
    network.elect("n1")
    network.step("n1", Request(({"f": "before"},)))
    network.change("n1", "n1", "n4", "n5")
    network.settle()
    network.step("n1", Request(({"f": "after"},)))
    network.settle()
    assert {network.states[name].voters for name in ("n1", "n4", "n5")} == {("n1", "n4", "n5")}
    assert network.applied["n4"] == network.applied["n5"] == network.states["n1"].commit
    steps = network.configurations("n1")
    if single:
        sizes = [len(configuration.voters) for configuration in steps]
        assert sizes == [3, 4, 5, 4, 3]
    else:
        new = ("n1", "n4", "n5")
        assert steps == [Configuration(THREE), Configuration(new, THREE), Configuration(new)]


def test_a_new_server_does_not_count_before_it_has_caught_up() -> None:
    network = Cluster()
    network.elect("n1")
    network.isolated.add("n4")
    network.change("n1", *THREE, "n4")
    network.settle()
    assert network.states["n1"].voters == THREE
    network.step("n1", Request(({"f": "goes on"},)))
    network.settle()
    assert network.states["n1"].commit == network.states["n1"].log.last_index
    for _ in range(CATCH_UP_TIMEOUTS):
        network.settle()
        network.step("n1", ElectionTimeout())
    assert network.states["n1"].change is None, "given up"
    assert "n4" not in network.states["n1"].progress


def test_a_leader_that_is_removed_leads_until_that_is_committed_and_does_not_count_itself() -> None:
    network = Cluster()
    network.elect("n1")
    network.change("n1", "n2", "n3")
    assert network.states["n1"].role is Role.LEADER
    assert network.states["n1"].voters == ("n2", "n3"), "in use before it is committed"
    network.isolated.add("n3")
    network.settle()
    assert network.states["n1"].role is Role.LEADER, "n2 alone is no majority of two"
    network.isolated.clear()
    network.settle()
    assert network.states["n1"].role is Role.FOLLOWER
    network.step("n1", ElectionTimeout())
    assert network.states["n1"].role is Role.FOLLOWER, "it stands no more"
    network.elect("n2")


def test_a_server_left_out_by_a_configuration_that_is_not_committed_may_stand() -> None:
    network = Cluster(voters=("n1", "n2"))
    network.elect("n1")
    network.change("n1", "n2")
    network.crash("n1")
    network.letters.clear()
    assert network.states["n1"].may_stand, "nobody else has the configuration without it"
    network.step("n1", ElectionTimeout())
    network.settle()
    assert network.states["n2"].voters == ("n2",)
    assert network.states["n1"].role is Role.FOLLOWER


def test_a_configuration_that_is_cut_from_the_log_counts_no_more() -> None:
    network = Cluster()
    network.elect("n1")
    network.isolated.add("n1")
    network.change("n1", "n1", "n2")
    assert network.states["n1"].voters == ("n1", "n2")
    network.elect("n2")
    network.isolated.clear()
    network.settle()
    assert network.states["n1"].voters == THREE


@pytest.mark.parametrize("bug", ["", CHANGE_BEFORE_COMMIT])
def test_a_new_leader_changes_nothing_before_it_has_committed_in_its_term(bug: str) -> None:
    network = Cluster(bug, voters=SERVERS[:4])
    network.step("n1", ElectionTimeout())
    while network.states["n1"].role is not Role.LEADER:
        network.deliver(network.letters.pop(0))
    network.letters.clear()
    network.change("n1", "n1", "n2", "n3")
    assert network.states["n1"].voters == (SERVERS[:3] if bug else SERVERS[:4])
    network.settle()
    assert network.states["n1"].voters == THREE, "afterwards it does"


@pytest.mark.parametrize("bug", ["", JUMP_WITHOUT_JOINT])
def test_joint_consensus_needs_the_old_majority_too(bug: str) -> None:
    network = Cluster(bug, single=False)
    network.elect("n1")
    network.isolated.update(("n2", "n3"))
    network.change("n1", "n1", "n4", "n5")
    network.settle()
    state = network.states["n1"]
    assert state.configuration.is_joint is (not bug)
    assert (state.commit == state.log.last_index) is bool(bug)


def test_what_is_refused() -> None:
    network = Cluster()
    network.elect("n1")
    for voters in ((), ("n9",)):
        network.change("n1", *voters)
        assert network.states["n1"].change is None
    network.isolated.add("n4")
    network.change("n1", *THREE, "n4")
    first = network.states["n1"].change
    network.change("n1", "n1")
    assert network.states["n1"].change == first, "one at a time"


def test_a_snapshot_has_the_configuration() -> None:
    network = Cluster()
    network.elect("n1")
    network.change("n1", "n1", "n2")
    network.settle()
    state = network.states["n1"]
    term = state.log.term_at(state.commit)
    assert term is not None
    after, ready = step(state, Compact(Snapshot(state.commit, term, "{}")))
    assert ready.save is not None
    assert ready.save.snapshot is not None
    assert ready.save.snapshot.voters == after.voters == ("n1", "n2")
    again = recover("n1", SERVERS, HardState(term), (), snapshot=ready.save.snapshot, voters=THREE)
    assert again.voters == ("n1", "n2")


def random_run(seed: int, *bugs: str, single: bool) -> State:
    """Members change at random while letters are lost and reordered and servers crash; the observer watches."""
    random = Random(seed)
    network = Cluster(*bugs, voters=SERVERS[: random.choice([3, 4, 5])], single=single)
    for number in range(500):
        draw = random.random()
        if draw < 0.03:
            network.step(random.choice(SERVERS), ElectionTimeout())
        elif draw < 0.25:
            for name in network.leaders():
                network.step(name, HeartbeatTimeout())
        elif draw < 0.35:
            for name in network.leaders():
                network.step(name, Request(({"f": str(number)},)))
        elif draw < 0.42 and (leaders := network.leaders()):
            count = random.randint(1, 5)
            network.change(random.choice(leaders), *random.sample(SERVERS, count))
        elif draw < 0.43:
            network.crash(random.choice(SERVERS))
        elif draw < 0.46:
            network.isolated = set(random.sample(SERVERS, random.choice([0, 0, 1, 2])))
        elif network.letters:
            letter = network.letters.pop(random.randrange(min(6, len(network.letters))))
            if random.random() > 0.05:
                network.deliver(letter)
    return max(network.states.values(), key=lambda state: state.commit)


@pytest.mark.parametrize("single", [True, False])
def test_no_random_change_of_members_breaks_raft(single: bool) -> None:
    ends = [random_run(seed, single=single) for seed in range(150)]
    assert sum(len(state.configurations) > 1 for state in ends) > 30, "members were changed"
    assert sum(state.commit for state in ends) > 200


def test_a_jump_without_a_joint_phase_breaks_it() -> None:
    with pytest.raises(AssertionError, match=r"Safety|Completeness|Log Matching"):
        jump_at_random()


def jump_at_random() -> None:
    for seed in range(1500):
        random_run(seed, JUMP_WITHOUT_JOINT, single=False)
