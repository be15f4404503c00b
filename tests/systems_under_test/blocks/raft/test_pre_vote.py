"""Pre-votes and loyalty: who would be elected, who is asked in vain, and that nothing of it changes a term."""

from __future__ import annotations

import pytest

from systems_under_test.blocks.raft import ElectionTimeout, Entry, HardState, Ready, Receive, Role, State, recover, step
from systems_under_test.blocks.raft.core import SilenceTimeout
from systems_under_test.blocks.raft.message import (
    AppendEntries,
    PreVote,
    PreVoteReply,
    RaftMessage,
    RequestVote,
    RequestVoteReply,
)

THREE = ("n1", "n2", "n3")


def server(name: str = "n1", term: int = 0, log: tuple[Entry, ...] = (), *, silent: bool = True) -> State:
    state = recover(name, THREE, HardState(term), log, pre_vote=True)
    return step(state, SilenceTimeout())[0] if silent else state


def sent(ready: Ready) -> list[RaftMessage]:
    return [envelope.message for envelope in ready.send]


def told(state: State, source: str, message: RaftMessage) -> tuple[State, list[RaftMessage]]:
    state, ready = step(state, Receive(source, message))
    return state, sent(ready)


def test_a_majority_of_pre_votes_begins_an_election() -> None:
    state, ready = step(server(), ElectionTimeout())
    assert (state.role, state.term, ready.save) == (Role.PRE_CANDIDATE, 0, None)
    assert sent(ready) == [PreVote(0, 1, 0, 0)] * 2
    state, _ = told(state, "n2", PreVoteReply(0, 1, False))
    assert state.role is Role.PRE_CANDIDATE
    state, messages = told(state, "n3", PreVoteReply(0, 1, True))
    assert (state.role, state.term) == (Role.CANDIDATE, 1)
    assert messages == [RequestVote(1, 0, 0)] * 2


def test_a_server_alone_needs_nobody() -> None:
    state, _ = step(recover("n1", ("n1",), HardState(), (), pre_vote=True), ElectionTimeout())
    assert state.role is Role.LEADER


def test_an_answer_to_an_earlier_question_does_not_count() -> None:
    state, _ = step(server(term=4), ElectionTimeout())
    assert told(state, "n2", PreVoteReply(3, 4, True))[0].role is Role.PRE_CANDIDATE
    assert told(state, "n2", PreVoteReply(4, 5, True))[0].role is Role.CANDIDATE


def test_a_refusal_tells_the_later_term() -> None:
    state, _ = step(server(term=1), ElectionTimeout())
    state, _ = told(state, "n2", PreVoteReply(7, 2, False))
    assert (state.role, state.term) == (Role.FOLLOWER, 7)


@pytest.mark.parametrize(
    ("voter", "question", "granted"),
    [
        (server(term=2), PreVote(2, 3, 0, 0), True),
        (server(term=2, silent=False), PreVote(2, 3, 0, 0), False),
        (server(term=3, silent=False), PreVote(2, 3, 0, 0), False),
        (server(term=5), PreVote(2, 3, 0, 0), False),
        (server(term=2, log=(Entry(2, 1, None),)), PreVote(2, 3, 5, 1), False),
    ],
)
def test_who_gives_a_pre_vote(voter: State, question: PreVote, granted: bool) -> None:
    after, messages = told(voter, "n3", question)
    assert messages == [PreVoteReply(voter.term, 3, granted)]
    assert after.hard == voter.hard, "a pre-vote binds nobody"


def test_a_voter_that_heard_the_leader_neither_votes_nor_follows_until_its_silence() -> None:
    state, _ = told(server("n2"), "n1", AppendEntries(1, 0, 0, (), 0, 0))
    refused, messages = told(state, "n3", RequestVote(5, 9, 4))
    assert (refused.term, messages) == (1, [RequestVoteReply(1, False)])
    state, _ = step(state, SilenceTimeout())
    state, messages = told(state, "n3", RequestVote(5, 9, 4))
    assert (state.term, state.hard.vote, messages) == (5, "n3", [RequestVoteReply(5, True)])


def test_a_loyal_voter_does_not_vote_in_its_own_term_either() -> None:
    """It may have come to the candidate's term in another way, with the old leader's lease still running."""
    state, _ = told(server("n2"), "n1", AppendEntries(1, 0, 0, (), 0, 0))
    state, _ = told(state, "n1", RequestVoteReply(5, False))
    assert state.term == 5
    assert told(state, "n3", RequestVote(5, 9, 4))[1] == [RequestVoteReply(5, False)]


def test_a_server_that_starts_is_loyal_to_whom_it_may_have_heard() -> None:
    state = server("n2", silent=False)
    assert told(state, "n3", RequestVote(1, 0, 0))[1] == [RequestVoteReply(0, False)]
    assert told(state, "n3", RequestVote(1, 0, 0, disrupts=True))[1] == [RequestVoteReply(1, True)]


def test_a_leader_stands_by_itself_until_its_majority_is_gone() -> None:
    state, _ = step(server(), ElectionTimeout())
    state, _ = told(state, "n2", PreVoteReply(0, 1, True))
    state, _ = told(state, "n2", RequestVoteReply(1, True))
    assert told(state, "n3", RequestVote(9, 9, 8))[0].role is Role.LEADER
    for _ in range(2):
        state, _ = step(state, ElectionTimeout())
    assert told(state, "n3", RequestVote(9, 9, 8))[0].hard == HardState(9, "n3")


def test_a_pre_candidate_that_hears_the_leader_is_its_follower_again() -> None:
    state, _ = told(server("n2"), "n1", AppendEntries(1, 0, 0, (), 0, 0))
    state, _ = step(state, ElectionTimeout())
    assert (state.role, state.leader_hint) == (Role.PRE_CANDIDATE, None)
    state, _ = told(state, "n1", AppendEntries(1, 0, 0, (), 0, 0))
    assert (state.role, state.leader_hint, state.heard_leader) == (Role.FOLLOWER, "n1", True)


def test_a_pre_candidate_that_votes_for_another_does_not_go_on() -> None:
    state, _ = step(server("n2"), ElectionTimeout())
    state, _ = told(state, "n3", RequestVote(1, 0, 0))
    assert (state.role, state.hard) == (Role.FOLLOWER, HardState(1, "n3"))
    state, _ = told(state, "n1", PreVoteReply(0, 1, True))
    assert state.role is Role.FOLLOWER


def test_without_pre_votes_a_server_stands_for_election_at_once_and_everybody_follows() -> None:
    _state, ready = step(recover("n1", THREE, HardState(), ()), ElectionTimeout())
    assert sent(ready) == [RequestVote(1, 0, 0)] * 2
    voter, _ = told(recover("n2", THREE, HardState(), ()), "n3", AppendEntries(1, 0, 0, (), 0, 0))
    assert told(voter, "n1", RequestVote(2, 0, 0))[0].hard == HardState(2, "n1")
