"""Raft under a random network: letters lost, doubled, reordered, servers cut off and crashed at every point of a step.

Each run must keep the properties of Figure 3 and answer no stale read, and must work again once the network does. That
such runs can fail is tested too: with one of Raft's rules taken away, they find it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from random import Random
from typing import Any
from unittest.mock import patch

import pytest

from systems_under_test.blocks.raft import (
    Configuration,
    ElectionTimeout,
    Event,
    HardState,
    HeartbeatTimeout,
    Ready,
    Receive,
    Request,
    Role,
    bug,
)
from systems_under_test.blocks.raft.message import RequestVoteReply
from tests.systems_under_test.blocks.raft.network import Network, Storage

RUNS = 300
STEPS = 400


class Chaos:
    """One run: ``STEPS`` random actions, then calm."""

    def __init__(self, seed: int, bugs: Iterable[str] = ()) -> None:
        self.random = Random(seed)
        count = self.random.choice([3, 3, 3, 4, 5])
        self.network = Network([f"n{number}" for number in range(1, count + 1)], bugs)
        self.asked = 0
        self.crash_share = self.random.choice([0.0, 0.01, 0.03])
        self.timeout_share = self.random.choice([0.01, 0.03, 0.1])
        self.snapshot_share = self.random.choice([0.0, 0.02, 0.1])

    def run(self) -> Network:
        for _ in range(STEPS):
            self.act()
        self.calm()
        return self.network

    def act(self) -> None:
        draw = self.random.random()
        if draw < self.timeout_share:
            for name in self.random.sample(self.network.names, self.random.choice([1, 1, 2])):  # rivals, now and then
                self.step(name, ElectionTimeout())
        elif draw < self.timeout_share + 0.1:
            self.ask(HeartbeatTimeout())
        elif draw < self.timeout_share + 0.2:
            self.ask(self.request())
        elif draw < self.timeout_share + 0.22:
            self.cut()
        elif draw < self.timeout_share + 0.22 + self.snapshot_share:
            self.compact()
        elif self.network.letters:
            self.post()

    def compact(self) -> None:
        name = self.random.choice(self.network.names)
        if self.network.applied[name] > self.network.states[name].snapshot.index:
            self.network.compact(name)

    def request(self) -> Request:
        self.asked += 1
        commands = tuple({"f": f"{self.asked}.{part}"} for part in range(self.random.choice([0, 1, 1, 3])))
        return Request(commands, (self.asked,) if self.random.random() < 0.5 else ())

    def ask(self, event: Event) -> None:
        leaders = [name for name in self.network.names if self.network.states[name].role is Role.LEADER]
        if leaders:
            if isinstance(event, Request):
                for token in event.reads:
                    self.network.observer.ask_read(token)
            self.step(self.random.choice(leaders), event)

    def cut(self) -> None:
        self.network.isolated = set(self.random.sample(self.network.names, self.random.choice([0, 0, 1, 1, 2])))

    def post(self) -> None:
        """Deliver, lose or double a letter; mostly one of the oldest, now and then any."""
        letters = self.network.letters
        span = len(letters) if self.random.random() < 0.2 else min(3, len(letters))
        at = self.random.randrange(span)
        letter = letters[at] if self.random.random() < 0.05 else letters.pop(at)
        if self.random.random() < 0.95:
            self.step(letter.to, Receive(letter.source, letter.message))

    def step(self, name: str, event: Event) -> None:
        if self.random.random() < self.crash_share:
            self.step_and_crash(name, event)
        elif self.grants_vote(self.network.step(name, event)) and self.random.random() < 20 * self.crash_share:
            self.network.crash(name)  # the moment at which an unsaved vote does most harm

    @staticmethod
    def grants_vote(ready: Ready) -> bool:
        replies = (envelope.message for envelope in ready.send)
        return any(isinstance(reply, RequestVoteReply) and reply.granted for reply in replies)

    def step_and_crash(self, name: str, event: Event) -> None:
        """Crash before saving, with a part of the entries saved, before sending, with a part sent, before applying."""
        ready = self.network.advance(name, event)
        point = self.random.randrange(4)
        if point == 1:
            entries = len(ready.save.entries) if ready.save else 0
            self.network.storage[name].save(ready, entries_kept=self.random.randint(0, entries))
        elif point > 1:
            self.network.storage[name].save(ready)
            self.network.send(name, ready, len(ready.send) if point == 3 else self.random.randint(0, len(ready.send)))
        self.network.crash(name)

    def calm(self) -> None:
        """No more faults: one server after the other times out until there is a leader, which commits one more."""
        self.network.isolated = set()
        for name in self.network.names * 4:
            self.network.step(name, ElectionTimeout())
            self.settle()
            leader = self.leader()
            if leader is not None:
                break
        assert leader is not None, "no leader is elected in a calm network"
        self.network.observer.ask_read(-1)
        self.network.step(leader, Request(({"f": "last"},), (-1,)))
        for _ in range(3):
            self.settle()
            self.network.step(leader, HeartbeatTimeout())
        self.settle()
        self.check_agreement(leader)

    def leader(self) -> str | None:
        states = self.network.states.values()
        term = max(state.term for state in states)
        return next((state.name for state in states if state.role is Role.LEADER and state.term == term), None)

    def settle(self) -> None:
        for _ in range(5_000):
            if not self.network.letters:
                return
            self.network.deliver(self.network.letters.pop(0))
        raise AssertionError("a calm network does not come to rest")

    def check_agreement(self, leader: str) -> None:
        log = self.network.states[leader].log
        assert log.entry(log.last_index).command == {"f": "last"}, "the last request was not appended"
        for state in self.network.states.values():
            common = max(state.log.included_index, log.included_index) + 1
            same = state.log.entries(common, state.log.last_index) == log.entries(common, log.last_index)
            assert same, f"the log of {state.name} differs from {leader}'s"
            assert state.commit == log.last_index, f"{state.name} has not committed everything"
            stored = self.network.storage[state.name]
            saved = (stored.snapshot, stored.entries) == (state.snapshot, list(state.log))
            assert saved, f"{state.name} saved another log"
        assert not self.network.states[leader].reads, "a read was not answered"


def test_safety_and_recovery_under_a_random_network() -> None:
    applied = reads = elections = installed = 0
    for seed in range(RUNS):
        try:
            network = Chaos(seed).run()
        except AssertionError as error:
            raise AssertionError(f"seed {seed}: {error}") from error
        applied += len(network.observer.applied)
        reads += network.observer.reads
        elections += len(network.observer.leaders)
        installed += network.observer.installed
    # Too little happening would prove nothing.
    assert applied > 10 * RUNS
    assert reads > 2 * RUNS
    assert elections > 3 * RUNS
    assert installed > RUNS // 10


class ForgetsVotes(Storage):
    def lose_power(self) -> None:
        self.hard = HardState(self.hard.term, None)


class LosesUnsynced(Storage):
    def lose_power(self) -> None:
        del self.entries[-1:]


NETWORK = "tests.systems_under_test.blocks.raft.network"
SEEDED: dict[str, str] = {
    bug.VOTE_WITHOUT_UP_TO_DATE_CHECK: "Leader Completeness",
    bug.APPEND_WITHOUT_PREVIOUS_CHECK: "Log Matching",
    bug.TRUNCATE_ON_EVERY_APPEND: "Leader Completeness|State Machine Safety|the log of n. differs",
    bug.LOCAL_READS: "stale read",
    bug.READ_BEFORE_FIRST_COMMIT: "stale read",
}
"""The core's seeded bugs, and what each breaks, which no assertion of the core itself tells. What is missing here is
not met by chance: committing an earlier term's entry by count (Figure 8 is a golden trace), and a snapshot that drops
the newer suffix (``test_bug``)."""


def _half_agree(configuration: Configuration, servers: Collection[str]) -> bool:
    return sum(voter in servers for voter in configuration.voters) >= len(configuration.voters) // 2


def _half_agreed(configuration: Configuration, figures: Mapping[str, int]) -> int:
    reached = sorted((figures.get(voter, 0) for voter in configuration.voters), reverse=True)
    return reached[len(reached) // 2 - 1]


PLANTED: dict[str, tuple[Any, str]] = {
    "vote not persisted": (patch(f"{NETWORK}.Storage", ForgetsVotes), "Election Safety|both lead"),
    "entries not synced": (patch(f"{NETWORK}.Storage", LosesUnsynced), "Completeness"),
    "half elects": (patch.object(Configuration, "agree", _half_agree), "Safety|Completeness|both lead"),
    "half commits": (patch.object(Configuration, "agreed", _half_agreed), "Safety|Completeness"),
}


@pytest.mark.parametrize("name", PLANTED)
def test_a_planted_bug_is_found(name: str) -> None:
    plant, found = PLANTED[name]
    with plant, pytest.raises(AssertionError, match=found):
        run_all()


@pytest.mark.parametrize("name", SEEDED)
def test_a_seeded_bug_is_found(name: str) -> None:
    with pytest.raises(AssertionError, match=SEEDED[name]):
        run_all(name)


@pytest.mark.parametrize(
    ("name", "storage"), [(bug.VOTE_NOT_PERSISTED, ForgetsVotes), (bug.ACKNOWLEDGE_BEFORE_SYNC, LosesUnsynced)]
)
def test_a_core_that_knows_of_a_bug_in_its_storage_leaves_it_to_others_to_see_the_damage(
    name: str, storage: type[Storage]
) -> None:
    """The observer must find it, and the core's own assertions must not be what stops a server."""
    with (
        patch(f"{NETWORK}.Storage", storage),
        pytest.raises(AssertionError, match=r"Election Safety|Leader Completeness"),
    ):
        run_all(name)


def run_all(*bugs: str) -> None:
    for seed in range(RUNS):
        Chaos(seed, bugs).run()
