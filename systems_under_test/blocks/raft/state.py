"""What a Raft server remembers, and what one step puts out.

A :class:`State` is a value: every rule is a function from a state to a state. What a step wants done (messages,
timers, confirmed reads, the part of the log that changed) gathers in ``State.output``, which ``core.step`` takes out
and empties; between steps it is always empty.

What a step changes several times is a NamedTuple and not a dataclass: replacing a field costs a quarter.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, Literal, NamedTuple

from systems_under_test.blocks.raft.bug import NONE, TWO_LEADERS
from systems_under_test.blocks.raft.configuration import Configuration, Placed, placed_in
from systems_under_test.blocks.raft.log import NO_SNAPSHOT, Log, Snapshot
from systems_under_test.blocks.raft.message import RaftMessage, RejoinReply

Timer = Literal["election", "heartbeat", "silence"]

ENTRIES_PER_MESSAGE: Final = 128


class Role(StrEnum):
    FOLLOWER = "follower"
    PRE_CANDIDATE = "pre-candidate"
    CANDIDATE = "candidate"
    LEADER = "leader"


@dataclass(frozen=True, slots=True)
class HardState:
    """What must survive a crash besides the log (Figure 2: currentTerm, votedFor). A server that has lost its disk
    votes only after it has committed an entry of a term later than ``votes_after`` (``rejoin``)."""

    term: int = 0
    vote: str | None = None
    votes_after: int | None = None


class Progress(NamedTuple):
    """What a leader knows of one follower.

    ``next_index``   the next entry to send (Figure 2: nextIndex).
    ``match_index``  the last entry known to be in the follower's stable log (matchIndex).
    ``probing``      the place where the logs agree is being looked for: one message at a time. Otherwise entries are
                     pipelined: ``next_index`` moves when they are sent, not when they are acknowledged (diss. 10.2.2).
    ``heard``        whether a reply came since the leader last looked whether a majority is with it.
    ``round``        the latest round of leadership confirmation this follower answered.
    ``snapshot_sent``  whether the snapshot was sent to it since the last heartbeat.
    """

    next_index: int
    match_index: int = 0
    probing: bool = True
    heard: bool = False
    round: int = 0
    snapshot_sent: bool = False


class Transfer(NamedTuple):
    """A leader hands over to ``target``; ``told`` once it has sent it TimeoutNow."""

    target: str
    told: bool = False


class Change(NamedTuple):
    """A leader makes ``voters`` the members; ``timeouts`` of its election timer have passed meanwhile."""

    voters: tuple[str, ...]
    timeouts: int = 0


@dataclass(frozen=True, slots=True)
class Read:
    """A read under way, named by the driver's ``token``.

    ``index`` is the commit index it must see (readIndex, dissertation 6.4), and ``round`` the round of heartbeats that
    will confirm it. Both are None while the leader has not yet committed an entry of its term.
    """

    token: int
    index: int | None = None
    round: int | None = None


@dataclass(frozen=True, slots=True)
class Envelope:
    to: str
    message: RaftMessage


class Output(NamedTuple):
    """What the step under way wants done. ``log_from``: the first log index at which it changed the log, or None.
    ``installed``: the leader's snapshot, if it took the place of the log and of the state machine."""

    send: tuple[Envelope, ...] = ()
    timers: tuple[Timer, ...] = ()
    reads: tuple[Read, ...] = ()
    log_from: int | None = None
    installed: Snapshot | None = None


class Rejoining(NamedTuple):
    """A server that has lost its disk has these ``answers``, in this ``round`` of asking (``rejoin``)."""

    answers: Mapping[str, RejoinReply] = {}
    round: int = 0


class Asked(NamedTuple):
    """A server that has lost its disk asked, in this ``round`` of this ``incarnation`` of it first when the one asked
    was in term ``ceased_in``."""

    incarnation: int
    round: int
    ceased_in: int


class State(NamedTuple):
    """One server (Figure 2, "State").

    Persistent: ``hard``, ``log`` and the ``snapshot`` that it begins after. Volatile on all servers: ``role``,
    ``commit``, and ``leader``, the leader seen in this term, if one was (it stays when that leader resigns: there is
    never another in the same term). lastApplied is the driver's, which applies everything that a step commits. On
    candidates: ``votes``, by voter. On leaders: ``progress`` by follower; ``round``, the latest round of confirmation
    begun; ``reads`` not yet confirmed, oldest first; ``transfer``, if it hands over, ``change``, if it changes the
    members, and ``gave_up_lease``, whether it ever told another in this term to stand for election.
    ``heard_leader``: no more than the least election timeout has passed since this server heard from a leader (or
    since it started, for it cannot remember when). ``servers`` are all that there are, this one and those that are
    no members among them; ``configurations`` are the one before the log's first entry and all that the log holds, of
    which the last is in use (``configuration``). ``entries_per_message`` bounds an AppendEntries; ``pre_vote``,
    ``lease_reads`` and ``single_changes`` are rules that a cluster may have (``pre_vote``, ``lease``,
    ``membership``); ``bugs`` are seeded mistakes (``bug``). ``rejoining``: how far a server that has
    lost its disk has come with asking the others, None once all have answered, and in any other server; ``asked_by``:
    when this one was asked by each such server (``rejoin``).
    """

    name: str
    servers: tuple[str, ...]
    configurations: tuple[Placed, ...]
    hard: HardState = HardState()
    log: Log = Log()
    snapshot: Snapshot = NO_SNAPSHOT
    role: Role = Role.FOLLOWER
    commit: int = 0
    leader: str | None = None
    votes: Mapping[str, bool] = {}
    progress: Mapping[str, Progress] = {}
    round: int = 0
    reads: tuple[Read, ...] = ()
    transfer: Transfer | None = None
    change: Change | None = None
    gave_up_lease: bool = False
    heard_leader: bool = False
    rejoining: Rejoining | None = None
    asked_by: Mapping[str, Asked] = {}
    incarnation: int = 1
    output: Output = Output()
    entries_per_message: int = ENTRIES_PER_MESSAGE
    pre_vote: bool = False
    lease_reads: bool = False
    single_changes: bool = True
    bugs: frozenset[str] = NONE

    @property
    def term(self) -> int:
        return self.hard.term

    @property
    def configuration(self) -> Configuration:
        """The latest in the log, committed or not."""
        return self.configurations[-1].configuration

    @property
    def voters(self) -> tuple[str, ...]:
        return self.configuration.voters

    @property
    def peers(self) -> tuple[str, ...]:
        """The other members, and those who are about to be."""
        members = self.configuration.members
        if self.change is not None:
            members = (*members, *(server for server in self.change.voters if server not in members))
        return tuple(member for member in members if member != self.name)

    @property
    def others(self) -> tuple[str, ...]:
        """All other servers, members or not."""
        return tuple(server for server in self.servers if server != self.name)

    @property
    def is_voter(self) -> bool:
        """Whether this server votes: not while it rejoins. Everybody else does, whoever asks: who is a member may be
        known to the candidate alone (section 6)."""
        return self.rejoining is None and self.hard.votes_after is None

    @property
    def may_stand(self) -> bool:
        """Whether it stands for election. A server that the latest configuration leaves out may have to, until that one
        is committed: nobody else may have it (dissertation 4.2.2)."""
        latest = self.configurations[-1]
        return self.is_voter and (self.name in latest.configuration.members or latest.index > self.commit)

    @property
    def leader_hint(self) -> str | None:
        """Whom to send a client to: the leader seen in this term, unless it was this server and it has resigned, or
        this server has lost touch with it."""
        gone = self.leader == self.name and self.role is not Role.LEADER
        return None if gone or self.role is Role.PRE_CANDIDATE else self.leader

    @property
    def is_loyal(self) -> bool:
        """Whether this server stands by a leader, and so neither votes for another nor follows it into its term
        (dissertation 4.2.3). A leader stands by itself until it has lost its majority (``election.check_quorum``)."""
        return (self.pre_vote or self.lease_reads) and (self.heard_leader or self.role is Role.LEADER)

    @property
    def committed_in_term(self) -> bool:
        """Whether this term's leader is known to have committed an entry of its own term."""
        return self.log.term_at(self.commit) == self.term


def send(state: State, to: str, message: RaftMessage) -> State:
    return state._replace(output=state.output._replace(send=(*state.output.send, Envelope(to, message))))


def restart(state: State, timer: Timer) -> State:
    if timer in state.output.timers:
        return state
    return state._replace(output=state.output._replace(timers=(*state.output.timers, timer)))


def with_progress(state: State, peer: str, progress: Progress) -> State:
    return state._replace(progress={**state.progress, peer: progress})


def with_log(state: State, log: Log, changed_from: int) -> State:
    """The state with another log, which differs from the old one from index ``changed_from`` on. The configurations
    are those of the log: one that is cut off counts no more."""
    earlier = state.output.log_from
    first = changed_from if earlier is None else min(earlier, changed_from)
    kept = tuple(placed for placed in state.configurations if placed.index < changed_from)
    configurations = (*kept, *placed_in(log.entries(changed_from, log.last_index)))
    return state._replace(log=log, configurations=configurations, output=state.output._replace(log_from=first))


def become_follower(state: State, hard: HardState, leader: str | None) -> State:
    """A follower with nothing of its former role left; the election timer goes on as it was."""
    return state._replace(
        hard=hard, role=Role.FOLLOWER, leader=leader, votes={}, progress={}, round=0, reads=(), transfer=None,
        change=None, gave_up_lease=False,
    )  # fmt: skip


def accept_leader(state: State, leader: str, term: int) -> State:
    """The leader of this term was heard. A candidate becomes its follower (5.2)."""
    _check_election_safety(state, leader, term)
    if state.role is not Role.FOLLOWER or state.leader != leader:
        state = become_follower(state, state.hard, leader)
    return hear_leader(state)


def _check_election_safety(state: State, leader: str, term: int) -> None:
    if TWO_LEADERS.isdisjoint(state.bugs):
        assert state.role is not Role.LEADER, f"{leader} and {state.name} both lead term {term}"
        assert state.leader in (None, leader), f"{leader} and {state.leader} both lead term {term}"


def hear_leader(state: State) -> State:
    """The leader of this term was heard: put off elections, and stand by it for the least election timeout."""
    state = restart(state, "election")
    if not (state.pre_vote or state.lease_reads):
        return state
    return restart(state._replace(heard_leader=True), "silence")
