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

from systems_under_test.blocks.raft.bug import NONE
from systems_under_test.blocks.raft.log import Log
from systems_under_test.blocks.raft.message import RaftMessage

Timer = Literal["election", "heartbeat"]

ENTRIES_PER_MESSAGE: Final = 128


class Role(StrEnum):
    FOLLOWER = "follower"
    CANDIDATE = "candidate"
    LEADER = "leader"


@dataclass(frozen=True, slots=True)
class HardState:
    """What must survive a crash besides the log (Figure 2: currentTerm, votedFor)."""

    term: int = 0
    vote: str | None = None


class Progress(NamedTuple):
    """What a leader knows of one follower.

    ``next_index``   the next entry to send (Figure 2: nextIndex).
    ``match_index``  the last entry known to be in the follower's stable log (matchIndex).
    ``probing``      the place where the logs agree is being looked for: one message at a time. Otherwise entries are
                     pipelined: ``next_index`` moves when they are sent, not when they are acknowledged (diss. 10.2.2).
    ``heard``        whether a reply came since the leader last looked whether a majority is with it.
    ``round``        the latest round of leadership confirmation this follower answered.
    """

    next_index: int
    match_index: int = 0
    probing: bool = True
    heard: bool = False
    round: int = 0


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
    """What the step under way wants done. ``log_from``: the first log index at which it changed the log, or None."""

    send: tuple[Envelope, ...] = ()
    timers: tuple[Timer, ...] = ()
    reads: tuple[Read, ...] = ()
    log_from: int | None = None


class State(NamedTuple):
    """One server (Figure 2, "State").

    Persistent: ``hard`` and ``log``. Volatile on all servers: ``role``, ``commit``, and ``leader``, the leader seen in
    this term, if one was (it stays when that leader resigns: there is never another in the same term). lastApplied is
    the driver's, which applies everything that a step commits. On candidates: ``votes``, by voter. On leaders:
    ``progress`` by follower; ``round``, the latest round of confirmation begun; ``reads`` not yet confirmed, oldest
    first. ``voters`` are all members of the cluster, this server among them. ``entries_per_message`` bounds an
    AppendEntries; ``bugs`` are seeded mistakes (``bug``).
    """

    name: str
    voters: tuple[str, ...]
    hard: HardState = HardState()
    log: Log = Log()
    role: Role = Role.FOLLOWER
    commit: int = 0
    leader: str | None = None
    votes: Mapping[str, bool] = {}
    progress: Mapping[str, Progress] = {}
    round: int = 0
    reads: tuple[Read, ...] = ()
    output: Output = Output()
    entries_per_message: int = ENTRIES_PER_MESSAGE
    bugs: frozenset[str] = NONE

    @property
    def term(self) -> int:
        return self.hard.term

    @property
    def peers(self) -> tuple[str, ...]:
        return tuple(voter for voter in self.voters if voter != self.name)

    @property
    def leader_hint(self) -> str | None:
        """Whom to send a client to: the leader seen in this term, unless it was this server and it has resigned."""
        return None if self.leader == self.name and self.role is not Role.LEADER else self.leader

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
    """The state with another log, which differs from the old one from index ``changed_from`` on."""
    earlier = state.output.log_from
    first = changed_from if earlier is None else min(earlier, changed_from)
    return state._replace(log=log, output=state.output._replace(log_from=first))


def become_follower(state: State, hard: HardState, leader: str | None) -> State:
    """A follower with nothing of its former role left; the election timer goes on as it was."""
    return state._replace(hard=hard, role=Role.FOLLOWER, leader=leader, votes={}, progress={}, round=0, reads=())
