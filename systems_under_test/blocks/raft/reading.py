"""Linearizable reads that write nothing to the log: ReadIndex (Ongaro's dissertation, 6.4).

1. A leader that has not yet committed an entry of its term waits until it has: before, it does not know which entries
   of its predecessors are committed.
2. It notes its commit index as the read's ``index``.
3. It sends a round of heartbeats and waits for a majority to answer: then no newer leader had been elected at the time
   it began the round, and so none had committed anything beyond ``index`` when the read was asked.
4. The read sees the state machine once that has applied ``index``.
5. Every read waiting at the beginning of a round shares it.

A round is a number that every AppendEntries carries and every reply gives back; only an answer to a message sent after
the read was asked says anything about it.
"""

from __future__ import annotations

from collections.abc import Sequence

from systems_under_test.blocks.raft.bug import LOCAL_READS, READ_BEFORE_FIRST_COMMIT
from systems_under_test.blocks.raft.replication import broadcast
from systems_under_test.blocks.raft.state import Read, Role, State


def accept_reads(state: State, tokens: Sequence[int], *, leased: bool = False) -> State:
    """Note reads. The caller broadcasts, so that entries and a round can share their messages. If ``leased``, the
    leader holds a lease now, and they need no round."""
    assert state.role is Role.LEADER
    if leased and _may_lease(state):
        reads = tuple(Read(token, state.commit, state.round) for token in tokens)
        return state._replace(output=state.output._replace(reads=(*state.output.reads, *reads)))
    state = state._replace(reads=(*state.reads, *(Read(token) for token in tokens)))
    return _begin_round(state)


def _may_lease(state: State) -> bool:
    """A leader that knows what is committed, and has told nobody to disturb it."""
    return state.committed_in_term and not state.gave_up_lease


def begin_heartbeat_round(state: State) -> State:
    """Where there are leases, each heartbeat of a leader is a round: it extends the lease."""
    return state._replace(round=state.round + 1) if state.lease_reads else state


def serve_reads(state: State) -> State:
    """Begin a round for reads that had to wait for the first commit of the term; give out the confirmed ones."""
    if not state.reads:
        return state
    begun = _begin_round(state)
    return _confirm(broadcast(begun, heartbeat=True) if begun.round > state.round else begun)


def _begin_round(state: State) -> State:
    too_early = not state.committed_in_term and READ_BEFORE_FIRST_COMMIT not in state.bugs
    if too_early or all(read.round is not None for read in state.reads):
        return state
    number = state.round + 1
    begun = tuple(Read(read.token, state.commit, number) if read.round is None else read for read in state.reads)
    return state._replace(round=number, reads=begun)


def _confirm(state: State) -> State:
    confirmed = confirmed_round(state)
    ready = tuple(read for read in state.reads if read.round is not None and read.round <= confirmed)
    output = state.output._replace(reads=(*state.output.reads, *ready))
    return state._replace(reads=state.reads[len(ready) :], output=output)


def confirmed_round(state: State) -> int:
    """The latest round of this leadership that a majority has answered, 0 if none."""
    if LOCAL_READS in state.bugs:
        return state.round
    answered = {peer: progress.round for peer, progress in state.progress.items()}
    return state.configuration.agreed({**answered, state.name: state.round})
