"""What every node has, leading or following: the generation clock, the log, and the state made by applying the log.

Which part of the log may be applied, and so be read, is the high-water mark:

* asynchronous replication applies what is on this node's own disk. Reads see it at once, on any node, and it may be
  lost with the leader.
* synchronous replication applies what is on the disks of all nodes. A read never sees a write that could still be
  lost, and a client's acknowledgement means that no node is without it.
* majority replication is in between: what a majority has is in every later leader's log, and no node that is down stops
  the others; but a deposed leader that does not know it yet may answer reads with old values.
* semi-synchronous replication applies what the leader and its one synchronous follower have.

With ``apply=append`` a follower does not wait for the mark: it applies, and shows, whatever is on its own disk.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from harness.node import Env, Message

from systems_under_test.blocks.applied_log import AppliedLog
from systems_under_test.blocks.client_session import ClientSessions
from systems_under_test.blocks.durable_cell import DurableCell
from systems_under_test.blocks.generation_clock import GenerationClock
from systems_under_test.blocks.key_value import KeyValue
from systems_under_test.blocks.replicated_log import Position, ReplicatedLog
from systems_under_test.single_leader.bug import (
    ACKNOWLEDGE_BEFORE_FSYNC,
    ACKNOWLEDGED_ENTRIES_VANISH,
    BUGS,
    NO_GENERATION,
)
from systems_under_test.single_leader.configuration import ConfigurationRecord
from systems_under_test.single_leader.snapshot import Row, restore, rows_of

ONE_SEGMENT_BYTES: Final = 1 << 60
"""So that no acknowledged record ever waits in memory for a new segment: what is not synced must survive a kill."""


class Replica:
    """One node's data. ``high_water`` never passes the durable end of the log.

    ``waits`` says that nothing is applied before it may be acknowledged; ``numbered`` that leaders carry generations;
    ``bugs`` are the seeded mistakes; ``configuration`` names the pair of semi-synchronous replication. While a copy is
    being installed (``installing``), this node must not begin to lead: the log that it would write to is replaced.
    """

    def __init__(self, env: Env, options: Mapping[str, str]) -> None:
        self.env = env
        self.bugs = frozenset(name for name in BUGS if env.bug(name))
        self.waits = options["replication"] != "async" and options["apply"] == "high-water"
        self.numbered = options["generation"] == "on" and NO_GENERATION not in self.bugs
        plainly = (options["replication"], options["promotion"]) == ("semi-sync", "freshest")
        self._keeps = self.waits and self.numbered and not plainly and ACKNOWLEDGED_ENTRIES_VANISH.isdisjoint(self.bugs)
        self.clock = GenerationClock(env.disk)
        self.configuration = ConfigurationRecord(env.disk)
        lazy = ACKNOWLEDGE_BEFORE_FSYNC in self.bugs
        self.log = ReplicatedLog(env.disk, ONE_SEGMENT_BYTES) if lazy else ReplicatedLog(env.disk)
        self._copy = DurableCell(env.disk, "copy")
        self._copied: Sequence[Row] = ()
        self.installing = False
        self._data = AppliedLog(
            env, self.log, begin=self._begin,
            sessions_max=int(options["sessions"]), deduplicates=options["deduplication"] == "on",
        )  # fmt: skip

    def _begin(self, state: KeyValue, sessions: ClientSessions) -> None:
        """With what was copied from a leader, if anything was."""
        restore(state, sessions, self._copied)

    @property
    def high_water(self) -> int:
        """Up to where the log may be applied, and is."""
        return self._data.applied

    async def recover(self) -> None:
        """After a restart. A replica that waits shows nothing until a leader tells it the high-water mark. Raises
        Corruption, after which this node must not take part."""
        await self.clock.load()
        await self.configuration.load()
        copy = await self._copy.load() or {"position": [0, 0], "rows": []}
        position, self._copied = Position(*copy["position"]), copy["rows"]
        await self.log.open(position)
        if "cut" in copy:
            await self._begin_at(position, copy["rows"])
        self._data.reset()
        assert self.log.position.generation <= self.clock.current, "a generation is durable before its entries are"
        if not self.waits:
            self.raise_high_water(self.log.durable)

    def raise_high_water(self, to: int) -> list[tuple[int, Message]]:
        """Apply the log up to ``to``; returns (index, reply) of what was applied. A lower mark changes nothing."""
        return self._data.apply(to)

    def read(self, request: Message) -> Message:
        """A read of the applied state, of nothing newer."""
        return self._data.read(request["key"])

    def read_ahead(self, request: Message) -> Message:
        """A read as if the whole log were applied already: what it sees may still be lost."""
        return self._data.read_ahead(request["key"])

    def copy(self) -> tuple[Position, Sequence[Row]]:
        """The applied state, and the position in the log that it is of."""
        return self.log.position_at(self.high_water), rows_of(self._data.state, self._data.sessions)

    async def install(self, position: Position, rows: Sequence[Row]) -> None:
        """Begin anew from a leader's copy. The entries of the old log do not follow that copy, so it is saved at first
        with the word that they are to be cut: whatever a crash leaves is all of the old or all of the new, and what
        this node shows, and votes by, is one of the two at any time."""
        self.installing = True
        await self._copy.save({"position": position.as_json(), "rows": list(rows), "cut": True})
        await self._begin_at(position, rows)
        self.installing = False

    async def _begin_at(self, position: Position, rows: Sequence[Row]) -> None:
        """Cut the log behind a copy that is saved; the word that it is to be cut must be gone before an entry comes."""
        self.log.begin_at(position)
        self._copied = rows
        self._data.reset()
        await self.log.sync()
        await self._copy.save({"position": position.as_json(), "rows": list(rows)})

    def dump(self) -> Message:
        """Everything that is applied here: for comparing nodes, not for clients that want to know the truth."""
        return self._data.dump()

    def truncate_from(self, index: int) -> None:
        """Drop a suffix that the leader does not have. What was acknowledged stays, where that is promised."""
        self._data.truncate_from(index, keeps=self._keeps)
