"""``step``: one event in, the next state and what must be done about it out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from systems_under_test.blocks.raft.bug import LOG_OUT_OF_ORDER, NONE
from systems_under_test.blocks.raft.configuration import Configuration, Placed, placed_in
from systems_under_test.blocks.raft.election import (
    campaign,
    check_quorum,
    observe_term,
    receive_request_vote,
    receive_request_vote_reply,
)
from systems_under_test.blocks.raft.invariant import check
from systems_under_test.blocks.raft.log import NO_SNAPSHOT, Entry, Log, Snapshot
from systems_under_test.blocks.raft.membership import age_change, begin_change, continue_change
from systems_under_test.blocks.raft.message import (
    AppendEntries,
    AppendEntriesReply,
    InstallSnapshot,
    PreVote,
    PreVoteReply,
    RaftMessage,
    Rejoin,
    RejoinReply,
    RequestVote,
    RequestVoteReply,
)
from systems_under_test.blocks.raft.pre_vote import begin_pre_vote, receive_pre_vote, receive_pre_vote_reply
from systems_under_test.blocks.raft.reading import accept_reads, begin_heartbeat_round, serve_reads
from systems_under_test.blocks.raft.rejoin import (
    ask_others,
    become_voter_again,
    receive_rejoin,
    receive_rejoin_reply,
)
from systems_under_test.blocks.raft.replication import (
    append,
    broadcast,
    receive_append_entries,
    receive_append_entries_reply,
)
from systems_under_test.blocks.raft.snapshot import compact, receive_install_snapshot
from systems_under_test.blocks.raft.state import (
    ENTRIES_PER_MESSAGE,
    Envelope,
    HardState,
    Output,
    Read,
    Rejoining,
    Role,
    State,
    Timer,
    restart,
)
from systems_under_test.blocks.raft.transfer import abort_transfer, begin_transfer, hand_over, receive_timeout_now


@dataclass(frozen=True, slots=True)
class ElectionTimeout:
    """The election timer ran out. It has a random length, which the driver draws anew each time it ran out (5.2)."""


@dataclass(frozen=True, slots=True)
class HeartbeatTimeout:
    """The heartbeat timer ran out. It runs on every server; only a leader has something to send then."""


@dataclass(frozen=True, slots=True)
class SilenceTimeout:
    """The least election timeout has passed since a leader was heard. Its timer runs where pre-votes or leases do."""


@dataclass(frozen=True, slots=True)
class Receive:
    source: str
    message: RaftMessage


@dataclass(frozen=True, slots=True)
class Request:
    """What clients asked, for a leader only: the driver has turned them away otherwise.

    ``commands`` become the log's next entries, in order; ``reads`` are tokens, which come back in ``Ready.apply``, or
    never, if this server ceases to be leader. ``leased`` if the leader holds a lease, now that all of them have come.
    """

    commands: tuple[Mapping[str, Any], ...] = ()
    reads: tuple[int, ...] = ()
    leased: bool = False


@dataclass(frozen=True, slots=True)
class HandOver:
    """For a leader only: make ``to`` the leader, or, if None, whoever suits best. While ``State.transfer`` says that
    this is under way, the driver turns requests away."""

    to: str | None


@dataclass(frozen=True, slots=True)
class ChangeMembers:
    """For a leader only: make ``voters`` the members. ``State.change`` says while this is under way."""

    voters: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Compact:
    """The driver took a snapshot of the state machine, later than the last one."""

    snapshot: Snapshot


Event = ElectionTimeout | HeartbeatTimeout | SilenceTimeout | Receive | Request | HandOver | ChangeMembers | Compact


@dataclass(frozen=True, slots=True)
class Save:
    """What has changed in stable storage: ``hard`` unless None; and, unless ``log_from`` is None, the log from that
    index on, which is ``entries`` now (whatever was stored there before is gone). ``snapshot``, unless None, takes the
    place of the one before and of the log up to its index; then ``entries`` are all that follow it."""

    hard: HardState | None
    log_from: int | None
    entries: tuple[Entry, ...]
    snapshot: Snapshot | None = None


@dataclass(frozen=True, slots=True)
class Ready:
    """What one step wants done. The contract of its order:

    1. ``timers`` are restarted at once.
    2. ``save`` is in stable storage (synced; ``hard``, then snapshot and log) BEFORE any of ``send`` leaves and before
       any of ``apply`` is answered: a vote or an acknowledgement must not be forgotten in a crash.
    3. ``send`` are datagrams: they may be lost.
    4. ``apply`` goes to the state machine in order: a snapshot, which takes the place of its state; committed entries,
       each exactly once; then reads, which may be answered from the state machine as it is after those entries.

    Several steps may share one sync: all that they save, in order, then all that they send and apply, in order.
    """

    save: Save | None
    send: tuple[Envelope, ...]
    apply: tuple[Snapshot | Entry | Read, ...]
    timers: tuple[Timer, ...]


def recover(
    name: str,
    servers: Sequence[str],
    hard: HardState,
    entries: Sequence[Entry],
    bugs: frozenset[str] = NONE,
    entries_per_message: int = ENTRIES_PER_MESSAGE,
    *,
    voters: Sequence[str] | None = None,
    snapshot: Snapshot = NO_SNAPSHOT,
    incarnation: int = 1,
    is_lost: bool = False,
    pre_vote: bool = False,
    lease_reads: bool = False,
    single_changes: bool = True,
) -> State:
    """A server that starts, the first time or again, with what its storage holds (and with seeded mistakes).

    ``voters`` are the first members of the cluster, None for all ``servers``; every server is told the same. It begins
    as a follower, its commit index the snapshot's: the next leader tells it what is committed, and it applies the log
    after the snapshot anew. It may have heard from a leader just before it went down, and a lease may rest on that: it
    is loyal until its first silence. One that ``is_lost`` has run before and finds nothing (``rejoin``). All its
    timers must be started.
    """
    assert name in servers, f"{name} is not one of {', '.join(servers)}"
    log = Log(included_index=snapshot.index, included_term=snapshot.term).append(
        entries, in_order=LOG_OUT_OF_ORDER.isdisjoint(bugs)
    )
    assert log.last_term <= hard.term, f"an entry of term {log.last_term} was saved before that term was"
    first = Configuration(tuple(servers if voters is None else voters))
    base = Configuration(snapshot.voters, snapshot.old_voters) if snapshot.voters else first
    return State(
        name, tuple(servers), (Placed(snapshot.index, base), *placed_in(entries)), hard, log, snapshot,
        commit=snapshot.index, entries_per_message=entries_per_message,
        pre_vote=pre_vote, lease_reads=lease_reads, heard_leader=pre_vote or lease_reads,
        single_changes=single_changes, bugs=bugs, rejoining=Rejoining() if is_lost else None, incarnation=incarnation,
    )  # fmt: skip


def step(state: State, event: Event) -> tuple[State, Ready]:
    """The state after ``event``, and what must be done about it. Pure; asserts Raft's invariants."""
    after = become_voter_again(serve_reads(continue_change(_dispatch(state, event))))
    check(state, after)
    ready = Ready(_save(state, after), after.output.send, _apply(state, after), after.output.timers)
    return after._replace(output=Output()), ready


def _dispatch(state: State, event: Event) -> State:
    if state.rejoining is not None:
        return _rejoin(state, state.rejoining, event)
    if isinstance(event, Receive):
        return _receive(observe_term(state, event.message), event.source, event.message)
    if isinstance(event, Request):
        return _request(state, event)
    if isinstance(event, HandOver):
        return begin_transfer(state, event.to)
    if isinstance(event, ChangeMembers):
        return begin_change(state, event.voters)
    if isinstance(event, ElectionTimeout):
        return _election_timeout(state)
    if isinstance(event, SilenceTimeout):
        return state._replace(heard_leader=False)
    if isinstance(event, Compact):
        return compact(state, event.snapshot)
    return _heartbeat(state)


def _request(state: State, event: Request) -> State:
    """Entries and the round of the reads share their messages; a read that has to wait sends nothing yet."""
    after = accept_reads(append(state, event.commands), event.reads, leased=event.leased)
    return broadcast(after, heartbeat=after.round > state.round)


def _receive(state: State, source: str, message: RaftMessage) -> State:
    assert source in state.servers, f"a message from {source}, which is not one of {', '.join(state.servers)}"
    if isinstance(message, AppendEntries):
        return receive_append_entries(state, source, message)
    if isinstance(message, AppendEntriesReply):
        return hand_over(receive_append_entries_reply(state, source, message))
    if isinstance(message, RequestVote):
        return receive_request_vote(state, source, message)
    if isinstance(message, RequestVoteReply):
        return receive_request_vote_reply(state, source, message)
    if isinstance(message, InstallSnapshot):
        return receive_install_snapshot(state, source, message)
    if isinstance(message, Rejoin):
        return receive_rejoin(state, source, message)
    if isinstance(message, RejoinReply):
        return receive_rejoin_reply(state, source, message)
    if isinstance(message, PreVote):
        return receive_pre_vote(state, source, message)
    if isinstance(message, PreVoteReply):
        return receive_pre_vote_reply(state, source, message)
    return receive_timeout_now(state, source, message)


def _rejoin(state: State, rejoining: Rejoining, event: Event) -> State:
    """A server that has lost its disk takes no part in anything until all others have answered it."""
    if isinstance(event, Receive) and isinstance(event.message, Rejoin):
        return receive_rejoin(state, event.source, event.message)
    if isinstance(event, Receive) and isinstance(event.message, RejoinReply):
        return receive_rejoin_reply(state, event.source, event.message)
    if isinstance(event, HeartbeatTimeout):
        return ask_others(restart(state, "heartbeat"), rejoining)
    return state


def _election_timeout(state: State) -> State:
    """Followers and candidates: if election timeout elapses without hearing from a leader: start an election (5.2).
    On a leader the same timer asks whether a majority is still with it."""
    if state.role is Role.LEADER:
        return age_change(check_quorum(abort_transfer(state)))
    state = state._replace(heard_leader=False)  # it is longer than the least
    if not state.may_stand:
        return restart(state, "election")
    return begin_pre_vote(state) if state.pre_vote else campaign(state)


def _heartbeat(state: State) -> State:
    """Leaders: repeat during idle periods to prevent election timeouts (5.2)."""
    state = restart(state, "heartbeat")
    return broadcast(begin_heartbeat_round(state), heartbeat=True) if state.role is Role.LEADER else state


def _save(before: State, after: State) -> Save | None:
    hard = after.hard if after.hard != before.hard else None
    snapshot = after.snapshot if after.snapshot is not before.snapshot else None
    log_from = after.output.log_from if snapshot is None else snapshot.index + 1
    if hard is None and log_from is None:
        return None
    entries = () if log_from is None else after.log.entries(log_from, after.log.last_index)
    return Save(hard, log_from, entries, snapshot)


def _apply(before: State, after: State) -> tuple[Snapshot | Entry | Read, ...]:
    if after.output.installed is not None:
        return (after.output.installed,)
    return (*after.log.entries(before.commit + 1, after.commit), *after.output.reads)
