"""Leadership transfer: the target catches up, is told, and takes over; or the leader goes on."""

from __future__ import annotations

import pytest

from systems_under_test.blocks.raft import ElectionTimeout, HardState, Receive, Request, Role, State, recover, step
from systems_under_test.blocks.raft.core import HandOver
from systems_under_test.blocks.raft.message import AppendEntries, AppendEntriesReply, RequestVote, TimeoutNow
from systems_under_test.blocks.raft.message import RequestVoteReply as Vote
from systems_under_test.blocks.raft.state import Envelope

THREE = ("n1", "n2", "n3")


def leader() -> State:
    """n1 leads term 1; n2 has its no-op, n3 has nothing yet."""
    state = recover("n1", THREE, HardState(), (), lease_reads=True)
    for event in (ElectionTimeout(), Receive("n2", Vote(1, True)), acknowledged("n2", 1)):
        state, _ = step(state, event)
    assert state.role is Role.LEADER
    return state


def acknowledged(peer: str, index: int) -> Receive:
    return Receive(peer, AppendEntriesReply(1, True, index, 0, 0, 0, 1))


def test_a_target_that_has_everything_is_told_at_once() -> None:
    state, ready = step(leader(), HandOver("n2"))
    assert ready.send == (Envelope("n2", TimeoutNow(1)),)
    assert state.transfer is not None
    assert state.gave_up_lease


def test_without_a_wish_the_longest_log_is_chosen() -> None:
    _state, ready = step(leader(), HandOver(None))
    assert [envelope.to for envelope in ready.send] == ["n2"]


def test_a_target_that_is_behind_catches_up_first() -> None:
    state, ready = step(leader(), HandOver("n3"))
    assert ready.send == ()
    assert not state.gave_up_lease
    state, ready = step(state, acknowledged("n3", 1))
    assert Envelope("n3", TimeoutNow(1)) in ready.send
    assert step(state, acknowledged("n3", 1))[1].send == (), "it is told once"


@pytest.mark.parametrize("to", ["n1", "n9"])
def test_nobody_to_hand_over_to(to: str) -> None:
    assert step(leader(), HandOver(to))[0].transfer is None


def test_one_transfer_at_a_time() -> None:
    state, _ = step(leader(), HandOver("n3"))
    assert step(state, HandOver("n2"))[0].transfer == state.transfer


def test_a_transfer_is_aborted_after_an_election_timeout_but_the_lease_is_gone() -> None:
    state, ready = step(leader(), HandOver("n2"))
    assert "election" in ready.timers
    state, _ = step(state, ElectionTimeout())
    assert (state.role, state.transfer, state.gave_up_lease) == (Role.LEADER, None, True)
    _, ready = step(state, Request((), (7,), leased=True))
    assert not ready.apply, "TimeoutNow may still arrive: reads ask a majority"


def test_the_target_stands_for_election_at_once_and_loyal_voters_vote_for_it() -> None:
    heard = Receive("n1", AppendEntries(1, 0, 0, (), 0, 0))
    target, _ = step(recover("n2", THREE, HardState(1), (), pre_vote=True), heard)
    voter, _ = step(recover("n3", THREE, HardState(1), (), pre_vote=True), heard)
    target, ready = step(target, Receive("n1", TimeoutNow(1)))
    assert target.role is Role.CANDIDATE
    assert ready.send[1] == Envelope("n3", RequestVote(2, 0, 0, disrupts=True))
    voter, _ = step(voter, Receive("n2", RequestVote(2, 0, 0, disrupts=True)))
    assert voter.hard == HardState(2, "n2")


def test_the_old_leader_follows_and_has_no_transfer_left() -> None:
    state, _ = step(leader(), HandOver("n2"))
    state, _ = step(state, Receive("n2", RequestVote(2, 1, 1, disrupts=True)))
    assert (state.role, state.hard, state.transfer, state.gave_up_lease) == (
        Role.FOLLOWER, HardState(2, "n2"), None, False,
    )  # fmt: skip


@pytest.mark.parametrize(("source", "term"), [("n1", 1), ("n3", 2)])
def test_late_word_of_an_earlier_transfer_changes_nothing(source: str, term: int) -> None:
    state, _ = step(recover("n2", THREE, HardState(2), ()), Receive("n1", AppendEntries(2, 0, 0, (), 0, 0)))
    after, ready = step(state, Receive(source, TimeoutNow(term)))
    assert (after, ready.send) == (state, ())
