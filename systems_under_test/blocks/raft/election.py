"""Terms and votes: how a server becomes leader and how it ceases to be one (Figure 2; 5.1, 5.2, 5.4.1)."""

from __future__ import annotations

from systems_under_test.blocks.quorum import majority
from systems_under_test.blocks.raft.bug import VOTE_WITHOUT_UP_TO_DATE_CHECK
from systems_under_test.blocks.raft.message import RaftMessage, RequestVote, RequestVoteReply
from systems_under_test.blocks.raft.replication import append, send_entries
from systems_under_test.blocks.raft.state import HardState, Progress, Role, State, become_follower, restart, send


def observe_term(state: State, message: RaftMessage) -> State:
    """All servers: if RPC request or response contains term T > currentTerm: set currentTerm = T, convert to follower
    (5.1)."""
    if message.term <= state.term:
        return state
    return become_follower(state, HardState(message.term, None), leader=None)


def election_timeout(state: State) -> State:
    """Followers and candidates: if election timeout elapses without hearing from a leader: start an election (5.2).
    On a leader the same timer asks whether a majority is still with it."""
    return check_quorum(state) if state.role is Role.LEADER else campaign(state)


def campaign(state: State) -> State:
    """Candidates: on conversion to candidate, increment currentTerm, vote for self, reset election timer, send
    RequestVote RPCs to all other servers (5.2).

    The only way into a new term by a server's own will: a pre-vote (dissertation 9.6) belongs before it. Without one, a
    server that was cut off comes back with a higher term and makes the leader step down.
    """
    hard = HardState(state.term + 1, state.name)
    state = become_follower(state, hard, leader=None)
    state = state._replace(role=Role.CANDIDATE, votes={state.name: True})
    state = restart(state, "election")
    if _elected(state):
        return become_leader(state)
    for peer in state.peers:
        state = send(state, peer, RequestVote(state.term, state.log.last_index, state.log.last_term))
    return state


def receive_request_vote(state: State, candidate: str, m: RequestVote) -> State:
    """RequestVote RPC, receiver implementation (Figure 2)."""
    if m.term < state.term:  # 1. Reply false if term < currentTerm (5.1)
        return send(state, candidate, RequestVoteReply(state.term, False))
    # 2. If votedFor is null or candidateId, and candidate's log is at least as up-to-date as receiver's, grant vote
    granted = state.hard.vote in (None, candidate) and _up_to_date(state, m)
    if granted:
        state = restart(state._replace(hard=HardState(state.term, candidate)), "election")
    return send(state, candidate, RequestVoteReply(state.term, granted))


def _up_to_date(state: State, m: RequestVote) -> bool:
    """The log with the later last term is more up-to-date; of two with the same, the longer one (5.4.1)."""
    if VOTE_WITHOUT_UP_TO_DATE_CHECK in state.bugs:
        return True
    return (m.last_term, m.last_index) >= (state.log.last_term, state.log.last_index)


def receive_request_vote_reply(state: State, voter: str, reply: RequestVoteReply) -> State:
    """Candidates: if votes received from majority of servers: become leader (5.2)."""
    if state.role is not Role.CANDIDATE or reply.term < state.term:
        return state
    state = state._replace(votes={**state.votes, voter: reply.granted})
    return become_leader(state) if _elected(state) else state


def _elected(state: State) -> bool:
    return sum(state.votes.values()) >= majority(len(state.voters))


def become_leader(state: State) -> State:
    """Leaders: nextIndex initialized to leader last log index + 1, matchIndex to 0 (Figure 2, "State"); commit a no-op
    entry into the log at the start of the term (8), for only then are the commit index and reads up to date."""
    assert state.leader is None, f"{state.leader} and {state.name} both lead term {state.term}"
    progress = {peer: Progress(state.log.last_index + 1) for peer in state.peers}
    state = state._replace(role=Role.LEADER, leader=state.name, votes={}, progress=progress)
    state = append(restart(restart(state, "election"), "heartbeat"), [None])
    for peer in state.peers:
        state = send_entries(state, peer)
    return state


def check_quorum(state: State) -> State:
    """A leader steps down if an election timeout elapses without a successful round of heartbeats to a majority
    (dissertation 6.2), so that its clients go and look for the leader which the others may have by now."""
    heard = 1 + sum(progress.heard for progress in state.progress.values())
    state = restart(state, "election")
    if heard < majority(len(state.voters)):
        return become_follower(state, state.hard, state.leader)
    return state._replace(progress={peer: p._replace(heard=False) for peer, p in state.progress.items()})
