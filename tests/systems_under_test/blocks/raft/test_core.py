"""Contracts of ``step`` that traces do not show: purity, one server alone, bounds, and what stops a server."""

from __future__ import annotations

import copy

import pytest

from systems_under_test.blocks.raft import (
    ENTRIES_PER_MESSAGE,
    ElectionTimeout,
    Entry,
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
from systems_under_test.blocks.raft.configuration import Configuration, Placed
from systems_under_test.blocks.raft.message import AppendEntries, AppendEntriesReply, InstallSnapshot, RequestVoteReply
from systems_under_test.blocks.raft.replication import ENTRIES_IN_FLIGHT

THREE = ("n1", "n2", "n3")


def leader() -> State:
    """n1 leads term 1 with the votes of n1 and n2; its no-op is on its way."""
    state, _ = step(recover("n1", THREE, HardState(), ()), ElectionTimeout())
    state, _ = step(state, Receive("n2", RequestVoteReply(1, True)))
    assert state.role is Role.LEADER
    return state


def acknowledge(state: State, peer: str, index: int) -> State:
    return step(state, Receive(peer, AppendEntriesReply(state.term, True, index, 0, 0, 0, state.term)))[0]


def test_one_server_alone_elects_itself_commits_and_reads() -> None:
    state, ready = step(recover("n1", ("n1",), HardState(), ()), ElectionTimeout())
    assert ready.save is not None
    assert ready.save.hard == HardState(1, "n1")
    assert ready.apply == (Entry(1, 1, None),)
    state, ready = step(state, Request(({"f": "x"},), (7,)))
    assert ready.save is not None  # the driver syncs it before it applies
    assert ready.save.entries == (Entry(1, 2, {"f": "x"}),)
    assert ready.apply == (Entry(1, 2, {"f": "x"}), Read(7, 2, 1))
    assert not ready.send
    assert step(state, ElectionTimeout())[0].role is Role.LEADER


def test_a_step_leaves_its_state_alone() -> None:
    state = leader()
    before = copy.deepcopy(state)
    for event in (Request(({"f": "x"},), (1,)), HeartbeatTimeout(), ElectionTimeout()):
        assert step(state, event) == step(state, event)
    assert state == before


def test_entries_in_flight_to_a_silent_follower_are_bounded_and_heartbeats_go_on() -> None:
    state = acknowledge(leader(), "n2", 1)
    sent = 0
    for _ in range(2 * ENTRIES_IN_FLIGHT // ENTRIES_PER_MESSAGE):
        state, ready = step(state, Request(({"f": "x"},) * ENTRIES_PER_MESSAGE))
        lengths = [len(e.message.entries) for e in ready.send if isinstance(e.message, AppendEntries)]
        assert all(length <= ENTRIES_PER_MESSAGE for length in lengths)
        sent += sum(lengths)
    assert sent == ENTRIES_IN_FLIGHT
    _, ready = step(state, HeartbeatTimeout())
    assert [envelope.to for envelope in ready.send] == ["n2", "n3"]


def test_a_follower_far_behind_catches_up_message_by_message() -> None:
    state, _ = step(leader(), Request(({"f": "x"},) * (3 * ENTRIES_PER_MESSAGE)))
    follower = recover("n2", THREE, HardState(1, "n1"), ())
    state, ready = step(state, HeartbeatTimeout())
    exchanges = 0
    messages = [envelope.message for envelope in ready.send if envelope.to == "n2"]
    while messages:
        follower, answer = step(follower, Receive("n1", messages.pop(0)))
        state, ready = step(state, Receive("n2", answer.send[0].message))
        messages += [envelope.message for envelope in ready.send if envelope.to == "n2"]
        exchanges += 1
    assert tuple(follower.log) == tuple(state.log)
    assert state.commit == 3 * ENTRIES_PER_MESSAGE + 1
    assert exchanges == 5  # the heartbeat, then three full messages and one entry


def test_a_duplicated_or_late_acknowledgement_counts_once() -> None:
    state = leader()._replace(configurations=(Placed(0, Configuration(("n1", "n2", "n3", "n4", "n5"))),))
    state = state._replace(progress=dict.fromkeys(("n2", "n3", "n4", "n5"), state.progress["n2"]))
    for _ in range(3):
        state = acknowledge(state, "n2", 1)
    assert state.commit == 0
    assert acknowledge(state, "n3", 1).commit == 1
    assert acknowledge(state, "n2", 0).progress["n2"].match_index == 1


@pytest.mark.parametrize("success", [True, False])
def test_an_answer_to_a_message_of_an_earlier_leadership_says_nothing(success: bool) -> None:
    """The follower may be in this term by now; what the message was, its round and its index, is of another log."""
    state, _ = step(leader()._replace(hard=HardState(3, "n1")), Request(({"f": "x"},)))
    state, _ = step(state, HeartbeatTimeout())
    late = AppendEntriesReply(3, success, 2, 0, 0, round=9, request_term=1)
    assert step(state, Receive("n2", late))[0] == state
    for request in (AppendEntries(1, 9, 1, (), 0, 9), InstallSnapshot(1, 2, 1, "{}", THREE, (), 9)):
        follower = recover("n2", THREE, HardState(3), ())
        _, ready = step(follower, Receive("n1", request))
        assert step(state, Receive("n2", ready.send[0].message))[0] == state


def test_two_leaders_of_one_term_stop_the_server() -> None:
    heartbeat = AppendEntries(1, 0, 0, (), 0, 0)
    with pytest.raises(AssertionError, match="n2 and n1 both lead term 1"):
        step(leader(), Receive("n2", heartbeat))
    follower, _ = step(recover("n3", THREE, HardState(), ()), Receive("n1", heartbeat))
    with pytest.raises(AssertionError, match="n2 and n1 both lead term 1"):
        step(follower, Receive("n2", heartbeat))


def test_a_leader_that_would_change_committed_entries_stops_the_server() -> None:
    follower = recover("n2", THREE, HardState(1), [Entry(1, 1, {"f": "kept"})])
    follower, _ = step(follower, Receive("n1", AppendEntries(1, 1, 1, (), 1, 0)))
    assert follower.commit == 1
    with pytest.raises(AssertionError, match="the committed entry 1 conflicts"):
        step(follower, Receive("n3", AppendEntries(2, 0, 0, (Entry(2, 1, None),), 0, 0)))


def test_a_stranger_stops_the_server() -> None:
    with pytest.raises(AssertionError, match="a message from n9"):
        step(leader(), Receive("n9", RequestVoteReply(1, True)))


def test_storage_that_lost_its_term_is_not_started_from() -> None:
    with pytest.raises(AssertionError, match="an entry of term 3 was saved before that term was"):
        recover("n1", THREE, HardState(2), [Entry(3, 1, None)])
