"""Terms and votes: how a server becomes leader and how it ceases to be one (Figure 2; 5.1, 5.2, 5.4.1)."""

from __future__ import annotations

from dataclasses import replace

from systems_under_test.blocks.raft.bug import VOTE_WITHOUT_UP_TO_DATE_CHECK
from systems_under_test.blocks.raft.message import PreVote, RaftMessage, RequestVote, RequestVoteReply
from systems_under_test.blocks.raft.replication import append, send_entries
from systems_under_test.blocks.raft.state import HardState, Progress, Role, State, become_follower, restart, send


def observe_term(state: State, message: RaftMessage) -> State:
    """All servers: if RPC request or response contains term T > currentTerm: set currentTerm = T, convert to follower
    (5.1)."""
    if message.term <= state.term or (_asks_for_votes(message) and state.is_loyal):
        return state
    return become_follower(state, replace(state.hard, term=message.term, vote=None), leader=None)


def _asks_for_votes(message: RaftMessage) -> bool:
    """A loyal server does not follow a candidate into its term, unless the leader has sent that one."""
    return isinstance(message, PreVote) or (isinstance(message, RequestVote) and not message.disrupts)


def campaign(state: State, *, disrupts: bool = False) -> State:
    """Candidates: on conversion to candidate, increment currentTerm, vote for self, reset election timer, send
    RequestVote RPCs to all other servers (5.2).

    The only way into a new term by a server's own will. Without a pre-vote before it, a server that was cut off comes
    back with a higher term and makes the leader step down.
    """
    assert state.is_voter, "a server that has lost its disk stands for election"
    hard = HardState(state.term + 1, state.name)
    state = become_follower(state, hard, leader=None)
    state = state._replace(role=Role.CANDIDATE, votes={state.name: True})
    state = restart(state, "election")
    if is_elected(state):
        return become_leader(state)
    request = RequestVote(state.term, state.log.last_index, state.log.last_term, disrupts, state.incarnation)
    for peer in state.peers:
        state = send(state, peer, request)
    return state


def receive_request_vote(state: State, candidate: str, m: RequestVote) -> State:
    """RequestVote RPC, receiver implementation (Figure 2)."""
    if m.term < state.term or (state.is_loyal and not m.disrupts):  # 1. Reply false if term < currentTerm (5.1)
        return send(state, candidate, RequestVoteReply(state.term, False, m.incarnation))
    # 2. If votedFor is null or candidateId, and candidate's log is at least as up-to-date as receiver's, grant vote
    granted = state.is_voter and state.hard.vote in (None, candidate) and is_up_to_date(state, m)
    if granted:
        state = restart(become_voter(state, candidate), "election")
    return send(state, candidate, RequestVoteReply(state.term, granted, m.incarnation))


def become_voter(state: State, candidate: str) -> State:
    """Who votes for another in this term does not ask for a later one itself."""
    role = Role.FOLLOWER if state.role is Role.PRE_CANDIDATE else state.role
    return state._replace(role=role, hard=HardState(state.term, candidate))


def is_up_to_date(state: State, m: RequestVote | PreVote) -> bool:
    """The log with the later last term is more up-to-date; of two with the same, the longer one (5.4.1)."""
    if VOTE_WITHOUT_UP_TO_DATE_CHECK in state.bugs:
        return True
    return (m.last_term, m.last_index) >= (state.log.last_term, state.log.last_index)


def receive_request_vote_reply(state: State, voter: str, reply: RequestVoteReply) -> State:
    """Candidates: if votes received from majority of servers: become leader (5.2)."""
    if state.role is not Role.CANDIDATE or reply.term < state.term or reply.incarnation != state.incarnation:
        return state
    state = state._replace(votes={**state.votes, voter: reply.granted})
    return become_leader(state) if is_elected(state) else state


def is_elected(state: State) -> bool:
    """A candidate's own vote counts like any other's: not, if the configuration leaves it out."""
    return state.configuration.agree({voter for voter, granted in state.votes.items() if granted})


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
    heard = {state.name, *(peer for peer, progress in state.progress.items() if progress.heard)}
    state = restart(state, "election")
    if not state.configuration.agree(heard):
        return become_follower(state, state.hard, state.leader)
    return state._replace(progress={peer: p._replace(heard=False) for peer, p in state.progress.items()})
