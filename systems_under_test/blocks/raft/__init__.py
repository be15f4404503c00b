"""Raft's consensus core: pure functions from a state and an event to a state and what must be done about it.

Source: D. Ongaro and J. Ousterhout, "In Search of an Understandable Consensus Algorithm", USENIX ATC 2014 (extended
version), and Ongaro's dissertation "Consensus: Bridging Theory and Practice", Stanford 2014. Comments name the rules
of the paper's Figure 2 where they are followed.

The core does no I/O, has no clock and draws no random number. ``step(state, event)`` gives the next state and a
:class:`Ready`: what to save, send, apply, and which timers to restart; the contract of their order stands on
:class:`Ready`. So the same rules run on a real host, in the simulator, in golden traces, and under a random network
with thousands of elections a second.

The modules, each one part of the paper:

* ``log``          the replicated log (5.3), as a value that shares its old part with its predecessors
* ``message``      RequestVote, AppendEntries, their replies, and their JSON form
* ``state``        what a server remembers (Figure 2, "State"), what a step puts out
* ``replication``  AppendEntries on both sides, commitment (5.3, 5.4.2)
* ``snapshot``     log compaction, InstallSnapshot (7)
* ``election``     terms, votes, becoming leader and ceasing to be (5.2, 5.4.1)
* ``pre_vote``     a server asks whether it would be elected before it disturbs anybody (dissertation 9.6)
* ``transfer``     a leader hands over to a follower of its choice (dissertation 3.10)
* ``reading``      linearizable reads without log entries: ReadIndex (dissertation 6.4)
* ``lease``        reads without a round of heartbeats, as long as clocks run alike (dissertation 6.4.1)
* ``core``         ``step``: events, their dispatch, the difference that makes a Ready
* ``invariant``    what must hold after every step
* ``configuration``  who the servers are: entries of the log, and their majorities (6)
* ``membership``   servers are brought in and sent away (6; dissertation, chapter 4)
* ``rejoin``       a server that has lost its disk takes part again
* ``bug``          the mistakes that can be seeded, by name

Around the core, with input, output and clocks:

* ``replica``      the driver: one replica of a state machine, for systems to put on their nodes
* ``machine``      what a state machine is
* ``applied``      the machine, with how far it has applied the log
* ``settings``     a replica's periods, sizes and rules
* ``inbox``        what has arrived and no turn has taken yet
* ``pending``      requests that the leader has taken on and not yet answered
* ``order``        what an operator wants of the leader, until it is answered
* ``storage``      term, vote, log and snapshot on a disk
* ``timer``        timers that can be restarted
* ``milestone``    what a server tells of itself
"""

from systems_under_test.blocks.raft.configuration import Configuration
from systems_under_test.blocks.raft.core import (
    ChangeMembers,
    Compact,
    ElectionTimeout,
    Event,
    HeartbeatTimeout,
    Ready,
    Receive,
    Request,
    Save,
    recover,
    step,
)
from systems_under_test.blocks.raft.log import Entry, Log, Snapshot
from systems_under_test.blocks.raft.message import RaftMessage, decode, encode
from systems_under_test.blocks.raft.state import (
    ENTRIES_PER_MESSAGE,
    Envelope,
    HardState,
    Read,
    Role,
    State,
    Timer,
)

__all__ = [
    "ENTRIES_PER_MESSAGE",
    "ChangeMembers",
    "Compact",
    "Configuration",
    "ElectionTimeout",
    "Entry",
    "Envelope",
    "Event",
    "HardState",
    "HeartbeatTimeout",
    "Log",
    "RaftMessage",
    "Read",
    "Ready",
    "Receive",
    "Request",
    "Role",
    "Save",
    "Snapshot",
    "State",
    "Timer",
    "decode",
    "encode",
    "recover",
    "step",
]  # fmt: skip
