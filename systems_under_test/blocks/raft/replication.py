"""AppendEntries on both sides, and when an entry is committed (Figure 2; 5.3, 5.4.2).

The leader pipelines: it moves a follower's ``next_index`` when it sends, and looks for the place where the logs agree
(*probing*) only when a follower rejects. Datagrams get lost; heartbeats repair that, because a heartbeat too carries
``previous_index`` = ``next_index`` - 1, which a follower that missed something rejects.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from systems_under_test.blocks.raft.bug import (
    APPEND_WITHOUT_PREVIOUS_CHECK,
    COMMIT_EARLIER_TERM_BY_COUNT,
    COMMITTED_ENTRIES_CHANGE,
    LOG_OUT_OF_ORDER,
    TRUNCATE_ON_EVERY_APPEND,
    TWO_LEADERS,
)
from systems_under_test.blocks.raft.log import Entry
from systems_under_test.blocks.raft.message import AppendEntries, AppendEntriesReply
from systems_under_test.blocks.raft.snapshot import send_snapshot
from systems_under_test.blocks.raft.state import (
    Progress,
    Role,
    State,
    accept_leader,
    send,
    with_log,
    with_progress,
)

ENTRIES_IN_FLIGHT: Final = 1024


# Leader


def append(state: State, commands: Sequence[Mapping[str, Any] | None]) -> State:
    """Leaders: if command received from client: append entry to local log (5.3). Nothing is sent yet."""
    assert state.role is Role.LEADER
    first = state.log.last_index + 1
    entries = [Entry(state.term, index, command) for index, command in enumerate(commands, first)]
    return advance_commit(with_log(state, state.log.append(entries), first)) if entries else state


def broadcast(state: State, *, heartbeat: bool) -> State:
    """Leaders: if last log index >= nextIndex for a follower: send AppendEntries with entries from nextIndex (5.3).

    With ``heartbeat`` every follower gets a message; those who are owed no entries, or are being probed, an empty one.
    """
    for peer in state.peers:
        progress = state.progress[peer]
        if heartbeat and progress.snapshot_sent:
            state = with_progress(state, peer, progress._replace(snapshot_sent=False))
        if not progress.probing and _owed(state, progress):
            state = send_entries(state, peer)
        elif heartbeat:
            state = send(state, peer, _append_entries(state, progress, ()))
    return state


def send_entries(state: State, peer: str) -> State:
    """What ``peer`` is owed, in one message; a follower that is not being probed is taken to have received it."""
    progress = state.progress[peer]
    entries = state.log.entries(progress.next_index, progress.next_index + state.entries_per_message - 1)
    state = send(state, peer, _append_entries(state, progress, entries))
    if progress.probing:
        return state
    return with_progress(state, peer, progress._replace(next_index=progress.next_index + len(entries)))


def _owed(state: State, progress: Progress) -> bool:
    in_flight = progress.next_index - progress.match_index - 1
    return progress.next_index <= state.log.last_index and in_flight < ENTRIES_IN_FLIGHT


def _append_entries(state: State, progress: Progress, entries: tuple[Entry, ...]) -> AppendEntries:
    previous = progress.next_index - 1
    previous_term = state.log.term_at(previous)
    assert previous_term is not None, f"next index {progress.next_index} lies outside the log"
    return AppendEntries(state.term, previous, previous_term, entries, state.commit, state.round)


def receive_append_entries_reply(state: State, peer: str, reply: AppendEntriesReply) -> State:
    """A follower's answer. Each one to a message of this term, good or bad, shows that the follower takes this server
    for leader. One to a message of an earlier term shows nothing, though the follower may be in this term by now: this
    server may have led that term, too, and numbered its rounds alike.
    """
    if state.role is not Role.LEADER or reply.request_term != state.term or peer not in state.progress:
        return state
    progress = state.progress[peer]
    answered = max(progress.round, reply.round)
    if reply.success:
        return _accepted(state, peer, reply.index, _matched(progress, reply.index, answered))
    return _rejected(state, peer, progress._replace(heard=True, round=answered), reply)


def _matched(progress: Progress, index: int, answered: int) -> Progress:
    """If successful: update nextIndex and matchIndex for follower (5.3)."""
    match = max(progress.match_index, index)
    return Progress(max(progress.next_index, match + 1), match, probing=False, heard=True, round=answered)


def _accepted(state: State, peer: str, index: int, progress: Progress) -> State:
    state = with_progress(state, peer, progress)
    if index > state.commit:
        state = advance_commit(state)
    return send_entries(state, peer) if _owed(state, progress) else state


def _rejected(state: State, peer: str, progress: Progress, reply: AppendEntriesReply) -> State:
    """If AppendEntries fails because of log inconsistency: decrement nextIndex and retry (5.3).

    It goes back at once to the last entry that can match, by the follower's hint. A rejection that says nothing new is
    passed over, or each of a pipeline's messages would be answered by the same entries: one below what is known to
    match is old, and during a probe only the probe's own counts.
    """
    stale = reply.index <= progress.match_index
    if stale or (progress.probing and reply.index != progress.next_index - 1):
        return with_progress(state, peer, progress)
    before = min(reply.hint_index, reply.index - 1)
    if max(before, progress.match_index) < state.log.included_index:  # what it lacks is gone from the log (7)
        return send_snapshot(with_progress(state, peer, progress), peer)
    previous = state.log.last_not_after(before, reply.hint_term)
    next_index = max(previous, progress.match_index) + 1
    return send_entries(with_progress(state, peer, progress._replace(next_index=next_index, probing=True)), peer)


def advance_commit(state: State) -> State:
    """If there exists an N such that N > commitIndex, a majority of matchIndex[i] >= N, and log[N].term == currentTerm:
    set commitIndex = N (5.3, 5.4).

    Entries of earlier terms are never committed by counting replicas: one that a majority holds may still be
    overwritten (Figure 8). They become committed along with the first one of this term (5.4.2). The leader counts its
    own last entry as stored, since nobody can have acknowledged what it has not yet saved and sent.
    """
    stored = {peer: progress.match_index for peer, progress in state.progress.items()}
    agreed = state.configuration.agreed({**stored, state.name: state.log.last_index})
    if agreed <= state.commit or not _committable(state, agreed):
        return state
    return state._replace(commit=agreed)


def _committable(state: State, index: int) -> bool:
    return state.log.term_at(index) == state.term or COMMIT_EARLIER_TERM_BY_COUNT in state.bugs


# Follower


def receive_append_entries(state: State, leader: str, m: AppendEntries) -> State:
    """AppendEntries RPC, receiver implementation (Figure 2). A candidate that hears from the term's leader becomes its
    follower (5.2)."""
    if m.term < state.term:  # 1. Reply false if term < currentTerm (5.1)
        return send(state, leader, AppendEntriesReply(state.term, False, m.previous_index, 0, 0, m.round, m.term))
    if state.role is Role.LEADER and not TWO_LEADERS.isdisjoint(state.bugs):
        return state  # each goes on as if it were the only one
    state = accept_leader(state, leader, m.term)
    if not _holds(state, m):  # 2. Reply false if log doesn't contain an entry at prevLogIndex of prevLogTerm (5.3)
        return send(state, leader, _rejection(state, m))
    state = _store(state, m.entries)
    last_new = m.previous_index + len(m.entries)
    # 5. If leaderCommit > commitIndex, set commitIndex = min(leaderCommit, index of last new entry). Not of the last
    # entry in the log: what follows the new ones has not been compared with the leader's log.
    if min(m.commit, last_new) > state.commit:
        state = state._replace(commit=min(m.commit, last_new))
    return send(state, leader, AppendEntriesReply(state.term, True, last_new, 0, 0, m.round, m.term))


def _holds(state: State, m: AppendEntries) -> bool:
    """Whether the log has the leader's entry before the new ones. What a snapshot includes is committed, and so it is
    the leader's."""
    if m.previous_index < state.log.included_index:
        return True
    if APPEND_WITHOUT_PREVIOUS_CHECK in state.bugs:
        return m.previous_index <= state.log.last_index
    return state.log.term_at(m.previous_index) == m.previous_term


def _rejection(state: State, m: AppendEntries) -> AppendEntriesReply:
    hint = state.log.last_not_after(m.previous_index, m.previous_term)
    hint_term = state.log.term_at(hint)
    assert hint_term is not None
    return AppendEntriesReply(state.term, False, m.previous_index, hint, hint_term, m.round, m.term)


def _store(state: State, entries: tuple[Entry, ...]) -> State:
    """3. If an existing entry conflicts with a new one (same index but different terms), delete the existing entry and
    all that follow it (5.3). 4. Append any new entries not already in the log.

    Only a conflict deletes: a late message holds less than the log does, and the rest may be committed already.
    """
    log = state.log
    entries = tuple(entry for entry in entries if entry.index > log.included_index)
    new = next((position for position, entry in enumerate(entries) if log.term_at(entry.index) != entry.term), None)
    if TRUNCATE_ON_EVERY_APPEND in state.bugs and entries:
        new = 0
    if new is None:
        return state
    first = entries[new].index
    lost = first <= state.commit and COMMITTED_ENTRIES_CHANGE.isdisjoint(state.bugs)
    assert not lost, f"the committed entry {first} conflicts with the leader's"
    kept = log.truncate_from(first) if first <= log.last_index else log
    return with_log(state, kept.append(entries[new:], in_order=LOG_OUT_OF_ORDER.isdisjoint(state.bugs)), first)
