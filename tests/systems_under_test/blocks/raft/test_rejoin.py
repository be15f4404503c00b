"""A server that has lost its disk: it asks, follows, and votes again when it knows enough."""

from __future__ import annotations

from systems_under_test.blocks.raft import (
    ElectionTimeout,
    Entry,
    HardState,
    HeartbeatTimeout,
    Receive,
    Role,
    State,
    recover,
    step,
)
from systems_under_test.blocks.raft.message import (
    AppendEntries,
    AppendEntriesReply,
    RaftMessage,
    Rejoin,
    RejoinReply,
    RequestVote,
    RequestVoteReply,
    TimeoutNow,
)
from tests.systems_under_test.blocks.raft.test_bug import THREE, entries, leader


def lost() -> State:
    """n3 runs for the second time, with nothing on its disk."""
    return recover("n3", THREE, HardState(), (), incarnation=2, is_lost=True)


def hear(state: State, source: str, message: RaftMessage) -> tuple[State, list[RaftMessage]]:
    after, ready = step(state, Receive(source, message))
    return after, [envelope.message for envelope in ready.send]


def follower_again() -> State:
    """All have answered: n3 follows in term 4, the latest of them."""
    state, _ = hear(lost(), "n1", RejoinReply(4, 2, 4))
    return hear(state, "n2", RejoinReply(3, 2, 3))[0]


def test_until_all_others_have_answered_it_says_nothing_else() -> None:
    state = lost()
    assert hear(state, "n1", AppendEntries(4, 0, 0, (*entries(1),), 1, 0)) == (state, [])
    assert hear(state, "n1", RequestVote(5, 9, 4)) == (state, [])
    assert step(state, ElectionTimeout())[0] == state
    state, ready = step(state, HeartbeatTimeout())
    assert [(e.to, e.message) for e in ready.send] == [("n1", Rejoin(0, 2)), ("n2", Rejoin(0, 2))]
    state, _ = hear(state, "n1", RejoinReply(4, 2, 4))
    state, ready = step(state, HeartbeatTimeout())
    assert [e.to for e in ready.send] == ["n2"]
    assert hear(state, "n2", RejoinReply(9, 1, 9)) == (state, []), "an answer to an earlier incarnation"


def test_then_it_follows_in_the_latest_term_and_remembers_that_it_may_not_vote() -> None:
    state, _ = hear(lost(), "n1", RejoinReply(4, 2, 4))
    state, ready = step(state, Receive("n2", RejoinReply(3, 2, 3)))
    assert ready.save is not None
    assert ready.save.hard == HardState(4, None, votes_after=4)
    assert hear(state, "n1", RequestVote(5, 9, 4))[1] == [RequestVoteReply(5, False)]
    assert step(state, ElectionTimeout())[0].role is Role.FOLLOWER
    assert hear(state, "n1", TimeoutNow(4))[0].role is Role.FOLLOWER


def test_it_votes_once_an_entry_of_a_later_term_is_committed_there() -> None:
    state, _ = hear(follower_again(), "n1", AppendEntries(5, 0, 0, (*entries(1, 4), Entry(5, 3, None)), 2, 0))
    assert not state.is_voter, "what it has stored is not committed"
    state, ready = step(state, Receive("n1", AppendEntries(5, 3, 5, (), 3, 0)))
    assert state.is_voter
    assert ready.save is not None
    assert ready.save.hard == HardState(5, None)
    assert hear(state, "n2", RequestVote(6, 3, 5))[1] == [RequestVoteReply(6, True)]


def test_a_restart_on_the_way_does_not_make_it_a_voter() -> None:
    state = recover("n3", THREE, follower_again().hard, ())
    assert hear(state, "n1", RequestVote(5, 9, 4))[1] == [RequestVoteReply(5, False)]


def test_who_is_asked_ceases_to_lead_once() -> None:
    """What the lost server had acknowledged or voted can arrive later, and no longer counts."""
    state, answers = hear(leader(""), "n3", Rejoin(0, 2))
    assert (state.role, answers) == (Role.FOLLOWER, [RejoinReply(1, 2, 1)])
    assert hear(state, "n3", AppendEntriesReply(1, True, 1, 0, 0, 0, 1))[0].commit == 0
    candidate, _ = step(state, ElectionTimeout())
    assert candidate.role is Role.CANDIDATE
    assert hear(candidate, "n3", Rejoin(0, 2)) == (candidate, [RejoinReply(2, 2, 1)]), "asked again, it goes on"
    assert hear(candidate, "n3", Rejoin(0, 3))[0].role is Role.FOLLOWER, "lost once more"


def test_a_leader_that_was_elected_since_all_were_asked_makes_it_a_voter() -> None:
    """The answer of n2 was lost on its way, and before it was asked again, n1 was elected without n3 in term 5. That is
    not a term that n3 can have voted in."""
    state, _ = hear(lost(), "n1", RejoinReply(4, 2, 4))
    state, ready = step(state, Receive("n2", RejoinReply(5, 2, 4)))
    assert ready.save is not None
    assert ready.save.hard == HardState(5, None, votes_after=4)
    state, _ = hear(state, "n1", AppendEntries(5, 0, 0, (*entries(1, 4), Entry(5, 3, None)), 3, 0))
    assert state.is_voter


def test_who_is_asked_again_tells_of_the_term_in_which_it_ceased() -> None:
    state, _ = hear(leader(""), "n3", Rejoin(0, 2))
    state, _ = hear(state, "n2", AppendEntries(7, 0, 0, (), 0, 0))
    assert hear(state, "n3", Rejoin(0, 2))[1] == [RejoinReply(7, 2, 1)]
    assert hear(state, "n3", Rejoin(0, 3))[1] == [RejoinReply(7, 3, 7)]
