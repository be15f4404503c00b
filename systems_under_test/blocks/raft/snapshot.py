"""Snapshots: the log's applied prefix, replaced by the state it led to (section 7; dissertation, chapter 5).

Every server takes its own: the driver, which has the state machine, gives the core a :class:`Snapshot` of what is
applied (``compact``), and the log forgets the entries that it includes. A leader that no longer has the entries which a
follower lacks sends its snapshot instead (``send_snapshot``, ``receive_install_snapshot``, Figure 13).

A snapshot travels in one message, not in chunks: the driver takes none that is larger than a message may be.
"""

from __future__ import annotations

from dataclasses import replace

from systems_under_test.blocks.raft.bug import SNAPSHOT_DROPS_NEWER_SUFFIX
from systems_under_test.blocks.raft.configuration import Configuration, Placed
from systems_under_test.blocks.raft.log import Log, Snapshot
from systems_under_test.blocks.raft.message import AppendEntriesReply, InstallSnapshot
from systems_under_test.blocks.raft.state import State, accept_leader, send, with_progress


def compact(state: State, snapshot: Snapshot) -> State:
    """Forget the entries that ``snapshot`` of the state machine includes; all of them are committed.

    A leader that finds a follower's next entry gone goes on from the log's new beginning, and asks the follower first
    whether it has come that far.
    """
    assert state.snapshot.index < snapshot.index <= state.commit, f"a snapshot at {snapshot.index}"
    included = [placed for placed in state.configurations if placed.index <= snapshot.index]
    voters, old_voters = included[-1].configuration
    state = state._replace(
        snapshot=replace(snapshot, voters=voters, old_voters=old_voters),
        log=state.log.compact(snapshot.index),
        configurations=state.configurations[len(included) - 1 :],
    )
    first = snapshot.index + 1
    for peer, progress in state.progress.items():
        if progress.next_index < first:
            state = with_progress(state, peer, progress._replace(next_index=first, probing=True))
    return state


def send_snapshot(state: State, peer: str) -> State:
    """Instead of AppendEntries, to a follower that lacks entries which only the snapshot has. Between two heartbeats
    it is sent once: a follower that was held up answers many old messages at a time."""
    snapshot, progress = state.snapshot, state.progress[peer]
    if progress.snapshot_sent:
        return state
    state = with_progress(
        state, peer, progress._replace(next_index=snapshot.index + 1, probing=True, snapshot_sent=True)
    )
    message = InstallSnapshot(
        state.term, snapshot.index, snapshot.term, snapshot.state, snapshot.voters, snapshot.old_voters, state.round
    )
    return send(state, peer, message)


def receive_install_snapshot(state: State, leader: str, m: InstallSnapshot) -> State:
    """InstallSnapshot RPC, receiver implementation (Figure 13). It is answered like AppendEntries: what the snapshot
    includes is the leader's log up to there."""
    if m.term < state.term:  # 1. Reply immediately if term < currentTerm
        return send(state, leader, AppendEntriesReply(state.term, False, m.included_index, 0, 0, m.round, m.term))
    state = accept_leader(state, leader, m.term)
    if _is_needed(state, m):
        state = _install(state, Snapshot(m.included_index, m.included_term, m.state, m.voters, m.old_voters))
    elif m.included_index > state.commit:
        state = state._replace(commit=m.included_index)
    return send(state, leader, AppendEntriesReply(state.term, True, m.included_index, 0, 0, m.round, m.term))


def _is_needed(state: State, m: InstallSnapshot) -> bool:
    """6. If existing log entry has same index and term as snapshot's last included entry, retain log entries following
    it and reply. Such a snapshot, sent twice or late, has nothing that the log has not got: it is not needed at all,
    and what follows may have been acknowledged, even committed."""
    if SNAPSHOT_DROPS_NEWER_SUFFIX in state.bugs:
        return True
    return m.included_index > state.commit and state.log.term_at(m.included_index) != m.included_term


def _install(state: State, snapshot: Snapshot) -> State:
    """7. Discard the entire log. 8. Reset state machine using snapshot contents (and load snapshot's cluster
    configuration)."""
    log = Log(included_index=snapshot.index, included_term=snapshot.term)
    output = state.output._replace(installed=snapshot)
    configurations = (Placed(snapshot.index, Configuration(snapshot.voters, snapshot.old_voters)),)
    return state._replace(
        snapshot=snapshot, log=log, configurations=configurations, commit=snapshot.index, output=output
    )
