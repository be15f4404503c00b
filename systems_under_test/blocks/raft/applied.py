"""The state machine and how far it has applied the log: what is committed goes in, answers and snapshots come out."""

from __future__ import annotations

import json
from typing import Final

from systems_under_test.blocks.raft.configuration import is_configuration
from systems_under_test.blocks.raft.log import Entry, Snapshot
from systems_under_test.blocks.raft.machine import Machine
from systems_under_test.blocks.raft.pending import Pending
from systems_under_test.blocks.raft.state import Read, State

SNAPSHOT_BYTES_MAX: Final = 3 << 20
"""It travels in one message, whose text is at most twice as long (quotes are escaped). A machine that has outgrown this
is not snapshotted any more: its log grows instead."""


class Applied:
    """``index`` is that of the last entry that ``machine`` has applied (Figure 2: lastApplied). Whoever of ``pending``
    waits for an entry or a read is answered."""

    def __init__(self, machine: Machine, pending: Pending) -> None:
        self._machine, self._pending = machine, pending
        self._is_outgrown = False
        self.index = 0

    def apply(self, item: Snapshot | Entry | Read) -> None:
        """What ``Ready.apply`` has, one after another."""
        if isinstance(item, Snapshot):
            self.restore(item)
        elif isinstance(item, Read):
            self._answer(item)
        else:
            self._execute(item)

    def _answer(self, read: Read) -> None:
        waiting = self._pending.confirmed(read)
        if waiting is not None:
            request, reply = waiting
            reply.set_result(self._machine.read(request))

    def _execute(self, entry: Entry) -> None:
        self.index = entry.index
        is_raft_own = entry.command is None or is_configuration(entry)  # None: a leader's no-op
        outcome = {} if entry.command is None or is_raft_own else self._machine.apply(entry.command)
        self._pending.applied(entry, outcome)

    def restore(self, snapshot: Snapshot) -> None:
        self._machine.restore(json.loads(snapshot.state))
        self.index = snapshot.index

    def snapshot(self, state: State, every: int) -> Snapshot | None:
        """Of what is applied, if that is ``every`` entries more than in the last one; 0 for never."""
        if every == 0 or self.index - state.snapshot.index < every or self._is_outgrown:
            return None
        term = state.log.term_at(self.index)
        if term is None:  # it was applied, and is gone: only under a seeded bug
            return None
        text = json.dumps(self._machine.snapshot(), separators=(",", ":"))
        self._is_outgrown = len(text) > SNAPSHOT_BYTES_MAX
        return None if self._is_outgrown else Snapshot(self.index, term, text)
