"""``step``: one event in, the next state and what must be done about it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from systems_under_test.blocks.raft.bug import LOG_OUT_OF_ORDER, NONE
from systems_under_test.blocks.raft.election import (
    election_timeout,
    observe_term,
    receive_request_vote,
    receive_request_vote_reply,
)
from systems_under_test.blocks.raft.invariant import check
from systems_under_test.blocks.raft.log import Entry, Log
from systems_under_test.blocks.raft.message import AppendEntries, AppendEntriesReply, RaftMessage, RequestVote
from systems_under_test.blocks.raft.reading import accept_reads, serve_reads
from systems_under_test.blocks.raft.replication import (
    append,
    broadcast,
    receive_append_entries,
    receive_append_entries_reply,
)
from systems_under_test.blocks.raft.state import (
    ENTRIES_PER_MESSAGE,
    Envelope,
    HardState,
    Output,
    Read,
    Role,
    State,
    Timer,
    restart,
)


@dataclass(frozen=True, slots=True)
class ElectionTimeout:
    """The election timer ran out. It has a random length, which the driver draws anew each time it ran out (5.2)."""


@dataclass(frozen=True, slots=True)
class HeartbeatTimeout:
    """The heartbeat timer ran out. It runs on every server; only a leader has something to send then."""


@dataclass(frozen=True, slots=True)
class Receive:
    source: str
    message: RaftMessage


@dataclass(frozen=True, slots=True)
class Request:
    """What clients asked, for a leader only: the driver has turned them away otherwise.

    ``commands`` become the log's next entries, in order; ``reads`` are tokens, which come back in ``Ready.apply``, or
    never, if this server ceases to be leader.
    """

    commands: tuple[Mapping[str, Any], ...] = ()
    reads: tuple[int, ...] = ()


Event = ElectionTimeout | HeartbeatTimeout | Receive | Request


@dataclass(frozen=True, slots=True)
class Save:
    """What has changed in stable storage: ``hard`` unless None; and, unless ``log_from`` is None, the log from that
    index on, which is ``entries`` now (whatever was stored there before is gone)."""

    hard: HardState | None
    log_from: int | None
    entries: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Ready:
    """What one step wants done. The contract of its order:

    1. ``timers`` are restarted at once.
    2. ``save`` is in stable storage (synced, first ``hard``, then the log) BEFORE any of ``send`` leaves and before any
       of ``apply`` is answered: a vote or an acknowledgement must not be forgotten in a crash.
    3. ``send`` are datagrams: they may be lost.
    4. ``apply`` goes to the state machine in order: committed entries, each exactly once, then reads, which may be
       answered from the state machine as it is after those entries.

    Several steps may share one sync: all that they save, in order, then all that they send and apply, in order.
    """

    save: Save | None
    send: tuple[Envelope, ...]
    apply: tuple[Entry | Read, ...]
    timers: tuple[Timer, ...]


def recover(
    name: str,
    voters: Sequence[str],
    hard: HardState,
    entries: Sequence[Entry],
    bugs: frozenset[str] = NONE,
    entries_per_message: int = ENTRIES_PER_MESSAGE,
) -> State:
    """A server that starts, the first time or again, with what its storage holds (and with seeded mistakes).

    It begins as a follower, with commit index 0: the next leader tells it what is committed, and it applies the log
    anew. Both its timers must be started.
    """
    assert name in voters, f"{name} is not one of {', '.join(voters)}"
    log = Log().append(entries, in_order=LOG_OUT_OF_ORDER.isdisjoint(bugs))
    assert log.last_term <= hard.term, f"an entry of term {log.last_term} was saved before that term was"
    return State(name, tuple(voters), hard, log, entries_per_message=entries_per_message, bugs=bugs)


def step(state: State, event: Event) -> tuple[State, Ready]:
    """The state after ``event``, and what must be done about it. Pure; asserts Raft's invariants."""
    after = serve_reads(_dispatch(state, event))
    check(state, after)
    ready = Ready(_save(state, after), after.output.send, _apply(state, after), after.output.timers)
    return after._replace(output=Output()), ready


def _dispatch(state: State, event: Event) -> State:
    if isinstance(event, Receive):
        return _receive(observe_term(state, event.message), event.source, event.message)
    if isinstance(event, Request):
        return _request(state, event)
    if isinstance(event, ElectionTimeout):
        return election_timeout(state)
    return _heartbeat(state)


def _request(state: State, event: Request) -> State:
    """Entries and the round of the reads share their messages; a read that has to wait sends nothing yet."""
    after = accept_reads(append(state, event.commands), event.reads)
    return broadcast(after, heartbeat=after.round > state.round)


def _receive(state: State, source: str, message: RaftMessage) -> State:
    assert source in state.voters, f"a message from {source}, which is not one of {', '.join(state.voters)}"
    if isinstance(message, AppendEntries):
        return receive_append_entries(state, source, message)
    if isinstance(message, AppendEntriesReply):
        return receive_append_entries_reply(state, source, message)
    if isinstance(message, RequestVote):
        return receive_request_vote(state, source, message)
    return receive_request_vote_reply(state, source, message)


def _heartbeat(state: State) -> State:
    """Leaders: repeat during idle periods to prevent election timeouts (5.2)."""
    state = restart(state, "heartbeat")
    return broadcast(state, heartbeat=True) if state.role is Role.LEADER else state


def _save(before: State, after: State) -> Save | None:
    hard = after.hard if after.hard != before.hard else None
    log_from = after.output.log_from
    if hard is None and log_from is None:
        return None
    entries = () if log_from is None else after.log.entries(log_from, after.log.last_index)
    return Save(hard, log_from, entries)


def _apply(before: State, after: State) -> tuple[Entry | Read, ...]:
    return (*after.log.entries(before.commit + 1, after.commit), *after.output.reads)
