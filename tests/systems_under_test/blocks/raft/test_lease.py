"""Leases: what extends one, what ends it, and what a read does with it."""

from __future__ import annotations

from hypothesis import assume, given
from hypothesis import strategies as st

from systems_under_test.blocks.raft import (
    ElectionTimeout,
    HardState,
    HeartbeatTimeout,
    Read,
    Receive,
    Request,
    Role,
    State,
    recover,
    step,
)
from systems_under_test.blocks.raft.core import Event
from systems_under_test.blocks.raft.lease import Lease
from systems_under_test.blocks.raft.message import AppendEntriesReply, RequestVoteReply

THREE = ("n1", "n2", "n3")
MS = 1_000_000


class Leader:
    """n1 leads term 1 with a lease of 200 ms, on a clock that the test sets; its no-op is not committed yet."""

    def __init__(self) -> None:
        self.now_ms: float = 1000
        self.lease = Lease(lambda: round(self.now_ms * MS), election_timeout_ms=300, drift_bound=1.5)
        self.state: State = recover("n1", THREE, HardState(), (), lease_reads=True)
        self.step(ElectionTimeout())
        self.step(Receive("n2", RequestVoteReply(1, True)))
        assert self.state.role is Role.LEADER

    def step(self, event: Event) -> object:
        before = self.state
        self.state, ready = step(before, event)
        self.lease.stepped(before, self.state)
        return ready.apply

    def answer(self, number: int, term: int = 1) -> None:
        self.step(Receive("n2", AppendEntriesReply(term, True, 1, 0, 0, number, term)))

    def holds_at(self, now_ms: float) -> bool:
        self.now_ms = now_ms
        return self.lease.holds()


def test_a_lease_begins_when_the_answered_round_was_sent() -> None:
    leader = Leader()
    leader.step(HeartbeatTimeout())
    assert not leader.holds_at(1010), "nobody has answered"
    leader.now_ms = 1150
    leader.answer(1)
    assert leader.holds_at(1199)
    assert not leader.holds_at(1200)


def test_each_answered_heartbeat_extends_it_and_a_late_answer_does_not_shorten_it() -> None:
    leader = Leader()
    for now_ms in (1000, 1100):
        leader.now_ms = now_ms
        leader.step(HeartbeatTimeout())
    leader.answer(2)
    leader.answer(1)
    assert leader.holds_at(1299)


def test_it_ends_with_the_leadership() -> None:
    leader = Leader()
    leader.step(HeartbeatTimeout())
    leader.answer(1)
    assert leader.holds_at(1010)
    leader.answer(1, term=2)
    assert leader.state.role is Role.FOLLOWER
    assert not leader.holds_at(1010)


def test_a_clock_that_is_set_back_makes_it_longer() -> None:
    """Why it must not be a wall clock."""
    leader = Leader()
    leader.step(HeartbeatTimeout())
    leader.answer(1)
    assert not leader.holds_at(1300)
    assert leader.holds_at(1300 - 200)


@given(st.floats(0.2, 5), st.floats(0.2, 5))
def test_it_ends_before_a_voter_is_free_unless_that_ones_clock_is_faster_by_more_than_the_bound(
    own: float, voters: float
) -> None:
    """Rates of the leader's clock and of the voter's, in true time; only what one is to the other counts."""
    assume(abs(voters / own - 1.5) > 1e-9)
    leader = Leader()
    leader.step(HeartbeatTimeout())
    leader.answer(1)
    free_ms = 300 / voters  # in truth, until the least election timeout has passed on the voter's clock
    assert leader.holds_at(1000 + free_ms * own) is (voters / own > 1.5)


def test_a_read_within_the_lease_asks_nobody_and_one_without_it_begins_a_round() -> None:
    leader = Leader()
    leader.answer(0)
    assert leader.step(Request((), (7,), leased=True)) == (Read(7, 1, 0),)
    assert leader.step(Request((), (8,))) == ()
    assert leader.state.round == 1


def test_before_the_first_commit_of_the_term_a_lease_is_not_enough() -> None:
    leader = Leader()
    assert leader.step(Request((), (7,), leased=True)) == ()
    assert leader.state.reads == (Read(7),)
