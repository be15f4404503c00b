"""Pre-vote: before a server begins a new term, it asks whether it would be elected (Ongaro's dissertation, 9.6).

A server that hears no leader stands for election again and again. If it alone has lost touch, each of its terms makes
the leader of the others step down, as soon as they hear of it. So it first asks the others whether they would vote for
it. They would not while they hear a leader themselves (*loyalty*, dissertation 4.2.3: a server that has heard from a
leader within the least election timeout neither votes for another nor follows it into its term), and so nothing
happens. A pre-vote binds nobody: it is not saved, and any number may be given in a term.
"""

from __future__ import annotations

from systems_under_test.blocks.raft.election import campaign, is_elected, is_up_to_date
from systems_under_test.blocks.raft.message import PreVote, PreVoteReply
from systems_under_test.blocks.raft.state import Role, State, restart, send


def begin_pre_vote(state: State) -> State:
    """The election timer ran out: ask for pre-votes, in the present term, for the next one."""
    state = state._replace(role=Role.PRE_CANDIDATE, votes={state.name: True})
    state = restart(state, "election")
    if is_elected(state):
        return campaign(state)
    for peer in state.peers:
        state = send(state, peer, PreVote(state.term, state.term + 1, state.log.last_index, state.log.last_term))
    return state


def receive_pre_vote(state: State, candidate: str, m: PreVote) -> State:
    """Would this server vote for ``candidate`` in the term that it asks about?"""
    is_free = m.asked > state.term or (m.asked == state.term and state.hard.vote in (None, candidate))
    granted = is_free and state.is_voter and not state.is_loyal and is_up_to_date(state, m)
    return send(state, candidate, PreVoteReply(state.term, m.asked, granted))


def receive_pre_vote_reply(state: State, voter: str, reply: PreVoteReply) -> State:
    """With a majority of pre-votes: stand for election."""
    if state.role is not Role.PRE_CANDIDATE or reply.asked != state.term + 1:
        return state
    state = state._replace(votes={**state.votes, voter: reply.granted})
    return campaign(state) if is_elected(state) else state
