"""A server that has lost its disk rejoins under its old name: it does not vote, nor count, as if it remembered.

Raft's servers may forget nothing: a majority that voted, or that stored an entry, must never be outvoted with the help
of one of its own who does not know it any more. So a server that finds nothing on its disk, though it has run before,
takes no part at first, and answers nothing (*Viewstamped Replication Revisited*, 2012, 4.3, is the model):

1. It asks all other servers, until each has answered. Whoever is asked by it the first time ceases to lead and to
   stand for election: then no vote and no acknowledgement that the lost server once sent can count any more, however
   late it arrives. Every election that it helped to win, and every leader that it acknowledged, was of a term no later
   than the latest of those in which the others ceased; their answers tell it, however often they are asked.
   Another server may not know any more what it led: its disk is lost, too, or corrupt. It has nothing to cease, and
   those who elected it know the term, but perhaps they had answered before they did. So with the first such answer of
   each server a new round of asking begins: whoever remembers must cease, and tell its term, again. And who stood for
   election and has forgotten that may stand in the same term once more: a vote is for one incarnation of a candidate.
   Nothing is saved before: if it dies while it asks, it finds nothing again, and asks anew.
2. It takes over the latest term of all, which is at least the one after those in which the others ceased. (The latest
   of those may be led by one who ceased earlier, and was elected since without its vote. Under that leader it could
   never come to step 3; hearing of a later term, that one must stand again.) It follows, stores entries, and says so;
   but it neither votes nor stands for election.
3. Once an entry is committed here of a term in which nobody had to cease any more, its log holds all that it can have
   acknowledged before and that was committed: the leader of that term was elected without its vote, by servers that
   remember. Now it is a voter.

As long as a majority remembers, nothing is lost; otherwise nobody is elected any more. All of the others must be there
to be asked, sooner or later; the rest goes on without the lost server meanwhile.
"""

from __future__ import annotations

from dataclasses import replace

from systems_under_test.blocks.raft.message import Rejoin, RejoinReply
from systems_under_test.blocks.raft.state import Asked, HardState, Rejoining, Role, State, become_follower, send


def ask_others(state: State, rejoining: Rejoining) -> State:
    """Step 1, again and again: ask who has not answered yet."""
    for peer in state.others:
        if peer not in rejoining.answers:
            state = send(state, peer, Rejoin(state.term, state.incarnation, rejoining.round))
    return state


def receive_rejoin(state: State, lost: str, m: Rejoin) -> State:
    """Cease to lead, or to stand for election, the first time that ``lost`` asks in this round of this incarnation."""
    if state.rejoining is not None:  # there is nothing to cease; it is asked the first time when it knows a term again
        return send(state, lost, answer_without_memory(m))
    asked = state.asked_by.get(lost)
    if asked is None or (asked.incarnation, asked.round) < (m.incarnation, m.round):
        asked = Asked(m.incarnation, m.round, state.term)
        state = state._replace(asked_by={**state.asked_by, lost: asked})
        if state.role is not Role.FOLLOWER:
            state = become_follower(state, state.hard, state.leader)
    return send(state, lost, RejoinReply(state.term, m.incarnation, m.round, asked.ceased_in, remembers=True))


def answer_without_memory(m: Rejoin) -> RejoinReply:
    """Of a server that neither leads nor stands, and can say nothing of what it knew."""
    return RejoinReply(0, m.incarnation, m.round, 0, remembers=False)


def receive_rejoin_reply(state: State, peer: str, reply: RejoinReply) -> State:
    """Step 2, when all have answered."""
    if state.rejoining is None or reply.incarnation != state.incarnation:
        return state
    rejoining = _counted(state.rejoining, peer, reply)
    if len(rejoining.answers) < len(state.others):
        return state._replace(rejoining=rejoining)
    answers = rejoining.answers.values()
    after = max(answer.ceased_in for answer in answers)
    term = max(after + 1, *(answer.term for answer in answers))
    return state._replace(rejoining=None, hard=HardState(term, None, votes_after=after))


def _counted(rejoining: Rejoining, peer: str, reply: RejoinReply) -> Rejoining:
    """With the answer of one that remembers, if it is of this round; with the first of one that does not, and then in
    a new round, in which only those who do not remember need not be asked again."""
    answers = rejoining.answers
    if peer in answers and not answers[peer].remembers:
        return rejoining
    if reply.remembers:
        return rejoining._replace(answers={**answers, peer: reply}) if reply.round == rejoining.round else rejoining
    kept = {name: answer for name, answer in answers.items() if not answer.remembers}
    return Rejoining({**kept, peer: reply}, rejoining.round + 1)


def become_voter_again(state: State) -> State:
    """Step 3."""
    after, committed = state.hard.votes_after, state.log.term_at(state.commit)
    if after is None or committed is None or committed <= after:
        return state
    return state._replace(hard=replace(state.hard, votes_after=None))
