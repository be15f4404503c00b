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
* ``election``     terms, votes, becoming leader and ceasing to be (5.2, 5.4.1)
* ``reading``      linearizable reads without log entries: ReadIndex (dissertation 6.4)
* ``core``         ``step``: events, their dispatch, the difference that makes a Ready
* ``invariant``    what must hold after every step
* ``bug``          the mistakes that can be seeded, by name

Places kept for what comes later: ``Log.included_index`` and ``included_term`` (snapshots: the log may begin after a
snapshot), ``State.voters`` (membership: part of the state, not of a configuration, because log entries will change
it), ``election.campaign`` (pre-vote: the one way into a new term by own will).
"""

from systems_under_test.blocks.raft.core import (
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
from systems_under_test.blocks.raft.log import Entry, Log
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

__all__ = ["ENTRIES_PER_MESSAGE", "ElectionTimeout", "Entry", "Envelope", "Event", "HardState", "HeartbeatTimeout",
           "Log", "RaftMessage", "Read", "Ready", "Receive", "Request", "Role", "Save", "State", "Timer", "decode",
           "encode", "recover", "step"]  # fmt: skip
