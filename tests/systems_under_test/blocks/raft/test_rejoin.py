"""A server that has lost its disk: it asks, follows, and votes again when it knows enough."""

from __future__ import annotations

from systems_under_test.blocks.raft import (
    ElectionTimeout,
    Entry,
    Event,
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
from systems_under_test.blocks.raft.rejoin import answer_without_memory
from tests.systems_under_test.blocks.raft.test_bug import THREE, entries, leader


def lost() -> State:
    """n3 runs for the second time, with nothing on its disk."""
    return recover("n3", THREE, HardState(), (), incarnation=2, is_lost=True)


def remembered(term: int, ceased_in: int, *, incarnation: int = 2, round_: int = 0) -> RejoinReply:
    return RejoinReply(term, incarnation, round_, ceased_in, remembers=True)


def hear(state: State, source: str, message: RaftMessage) -> tuple[State, list[RaftMessage]]:
    after, ready = step(state, Receive(source, message))
    return after, [envelope.message for envelope in ready.send]


def follower_again() -> State:
    """All have answered: n3 follows in term 5, after the latest of them."""
    state, _ = hear(lost(), "n1", remembered(4, 4))
    return hear(state, "n2", remembered(3, 3))[0]


def test_until_all_others_have_answered_it_says_nothing_else() -> None:
    state = lost()
    assert hear(state, "n1", AppendEntries(4, 0, 0, (*entries(1),), 1, 0)) == (state, [])
    assert hear(state, "n1", RequestVote(5, 9, 4)) == (state, [])
    assert step(state, ElectionTimeout())[0] == state
    state, ready = step(state, HeartbeatTimeout())
    assert [(e.to, e.message) for e in ready.send] == [("n1", Rejoin(0, 2, 0)), ("n2", Rejoin(0, 2, 0))]
    state, _ = hear(state, "n1", remembered(4, 4))
    state, ready = step(state, HeartbeatTimeout())
    assert [e.to for e in ready.send] == ["n2"]
    assert hear(state, "n2", remembered(9, 9, incarnation=1)) == (state, []), "an answer to an earlier incarnation"


def test_then_it_follows_in_a_later_term_and_remembers_that_it_may_not_vote() -> None:
    state, _ = hear(lost(), "n1", remembered(4, 4))
    state, ready = step(state, Receive("n2", remembered(3, 3)))
    assert ready.save is not None
    assert ready.save.hard == HardState(5, None, votes_after=4)
    assert hear(state, "n1", RequestVote(5, 9, 4))[1] == [RequestVoteReply(5, False)]
    assert step(state, ElectionTimeout())[0].role is Role.FOLLOWER
    assert hear(state, "n1", TimeoutNow(5))[0].role is Role.FOLLOWER


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
    state, answers = hear(leader(""), "n3", Rejoin(0, 2, 0))
    assert (state.role, answers) == (Role.FOLLOWER, [remembered(1, 1)])
    assert hear(state, "n3", AppendEntriesReply(1, True, 1, 0, 0, 0, 1))[0].commit == 0
    candidate, _ = step(state, ElectionTimeout())
    assert candidate.role is Role.CANDIDATE
    assert hear(candidate, "n3", Rejoin(0, 2, 0)) == (candidate, [remembered(2, 1)]), "asked again, it goes on"
    assert hear(candidate, "n3", Rejoin(0, 3, 0))[0].role is Role.FOLLOWER, "lost once more"


def test_a_leader_that_was_elected_since_all_were_asked_makes_it_a_voter() -> None:
    """The answer of n2 was lost on its way, and before it was asked again, n1 was elected without n3 in term 5. That is
    not a term that n3 can have voted in."""
    state, _ = hear(lost(), "n1", remembered(4, 4))
    state, ready = step(state, Receive("n2", remembered(5, 4)))
    assert ready.save is not None
    assert ready.save.hard == HardState(5, None, votes_after=4)
    state, _ = hear(state, "n1", AppendEntries(5, 0, 0, (*entries(1, 4), Entry(5, 3, None)), 3, 0))
    assert state.is_voter


def test_a_leader_of_the_term_in_which_the_last_one_ceased_must_stand_again() -> None:
    """n1 ceased in term 4, was elected in 5, and n2 was asked only then: under n1 it would never vote again."""
    state, _ = hear(lost(), "n1", remembered(5, 4))
    state, _ = hear(state, "n2", remembered(5, 5))
    state, answers = hear(state, "n1", AppendEntries(5, 0, 0, (Entry(5, 1, None),), 1, 0))
    assert (state.hard, answers[0].term) == (HardState(6, None, votes_after=5), 6)
    assert hear(state, "n1", AppendEntries(6, 0, 0, (Entry(5, 1, None), Entry(6, 2, None)), 2, 0))[0].is_voter


def test_who_is_asked_again_tells_of_the_term_in_which_it_ceased() -> None:
    state, _ = hear(leader(""), "n3", Rejoin(0, 2, 0))
    state, _ = hear(state, "n2", AppendEntries(7, 0, 0, (), 0, 0))
    assert hear(state, "n3", Rejoin(0, 2, 0))[1] == [remembered(7, 1)]
    assert hear(state, "n3", Rejoin(0, 3, 0))[1] == [remembered(7, 7, incarnation=3)]


def test_with_one_that_remembers_nothing_a_new_round_of_asking_begins() -> None:
    state, _ = hear(lost(), "n1", remembered(4, 4))
    state, _ = hear(state, "n2", RejoinReply(0, 2, 0, 0, remembers=False))
    state, ready = step(state, HeartbeatTimeout())
    assert [(e.to, e.message) for e in ready.send] == [("n1", Rejoin(0, 2, 1))]
    assert hear(state, "n1", remembered(4, 4)) == (state, []), "an answer of the round before"
    assert hear(state, "n2", remembered(5, 5, round_=1)) == (state, []), "it has nothing more to say"
    state, ready = step(state, Receive("n1", remembered(8, 8, round_=1)))
    assert ready.save is not None
    assert ready.save.hard == HardState(9, None, votes_after=8)


def test_two_that_have_lost_their_disks_do_not_wait_for_each_other() -> None:
    state, answers = hear(lost(), "n2", Rejoin(0, 2, 0))
    assert answers == [RejoinReply(0, 2, 0, 0, remembers=False)]
    state, _ = hear(state, "n2", RejoinReply(0, 2, 0, 0, remembers=False))
    state, _ = hear(state, "n1", remembered(4, 4, round_=1))
    assert state.term == 5
    assert hear(state, "n2", Rejoin(0, 2, 0))[1] == [remembered(5, 5)], "asked the first time since it knows a term"


def test_who_is_asked_in_a_new_round_ceases_again() -> None:
    state, _ = hear(leader(""), "n3", Rejoin(0, 2, 0))
    state, _ = step(state, ElectionTimeout())
    assert hear(state, "n3", Rejoin(0, 2, 0))[0].role is Role.CANDIDATE
    state, answers = hear(state, "n3", Rejoin(0, 2, 1))
    assert (state.role, answers) == (Role.FOLLOWER, [remembered(2, 2, round_=1)])


def test_a_leader_elected_after_the_answers_and_then_forgotten_is_not_outvoted() -> None:
    """y leads in term 8 by the votes of z, who has answered before, and of l, who has forgotten; then y's disk is
    corrupt. If l counted the old answers, it would store what a, who leads in term 7, proposes, and that would be
    committed beside what y has committed."""
    servers = ("a", "b", "z", "y", "l")
    states = {name: recover(name, servers, HardState(6), ()) for name in servers}

    def happens(name: str, event: Event) -> dict[str, RaftMessage]:
        """What it then says, by whom it says it to: the last word."""
        states[name], ready = step(states[name], event)
        return {envelope.to: envelope.message for envelope in ready.send}

    def ask(asker: str, asked: str, request: RaftMessage) -> dict[str, RaftMessage]:
        return happens(asker, Receive(asked, happens(asked, Receive(asker, request))[asker]))

    happens("y", ElectionTimeout())
    standing_y = happens("y", ElectionTimeout())
    ask("y", "l", standing_y["l"])
    states["l"] = recover("l", servers, HardState(), (), incarnation=2, is_lost=True)
    for peer, question in happens("l", HeartbeatTimeout()).items():
        if peer != "y":
            ask("l", peer, question)

    standing_a = happens("a", ElectionTimeout())
    ask("a", "b", standing_a["b"])
    proposed = ask("a", "z", standing_a["z"])
    assert states["a"].role is Role.LEADER
    stored_by_b = happens("b", Receive("a", proposed["b"]))["a"]

    proposed_by_y = ask("y", "z", standing_y["z"])
    assert states["y"].role is Role.LEADER
    for peer in ("z", "b"):
        ask("y", peer, proposed_by_y[peer])
    assert states["y"].commit == 1

    question = happens("l", HeartbeatTimeout())["y"]
    assert isinstance(question, Rejoin)
    happens("l", Receive("y", answer_without_memory(question)))
    for peer, question in happens("l", HeartbeatTimeout()).items():
        ask("l", peer, question)
    assert states["l"].hard == HardState(9, None, votes_after=8)
    happens("a", Receive("b", stored_by_b))
    answer = happens("l", Receive("a", proposed["l"]))["a"]
    assert isinstance(answer, AppendEntriesReply)
    assert not answer.success
    assert states["a"].commit == 0


def test_a_vote_for_an_earlier_incarnation_of_a_candidate_is_none() -> None:
    """n1 stood in term 2 and was wiped before the vote came. Nobody else knows of it but the voter, who may be wiped,
    too, and vote for another."""
    state = recover("n1", THREE, HardState(1), (), incarnation=2)
    state, ready = step(state, ElectionTimeout())
    assert ready.send[0].message == RequestVote(2, 0, 0, incarnation=2)
    assert hear(state, "n3", RequestVoteReply(2, True, incarnation=1))[0].role is Role.CANDIDATE
    assert hear(state, "n3", RequestVoteReply(2, True, incarnation=2))[0].role is Role.LEADER
    voter = recover("n3", THREE, HardState(1), ())
    assert hear(voter, "n1", RequestVote(2, 0, 0, incarnation=7))[1] == [RequestVoteReply(2, True, incarnation=7)]
