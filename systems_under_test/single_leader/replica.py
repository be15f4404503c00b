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

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from harness.node import Env, Message

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
    ``bugs`` are the seeded mistakes; ``configuration`` names the pair of semi-synchronous replication.
    """

    def __init__(self, env: Env, options: Mapping[str, str]) -> None:
        self.env = env
        self.bugs = frozenset(name for name in BUGS if env.bug(name))
        self.waits = options["replication"] != "async" and options["apply"] == "high-water"
        self.numbered = options["generation"] == "on" and NO_GENERATION not in self.bugs
        self._deduplicates, self._sessions_max = options["deduplication"] == "on", int(options["sessions"])
        plainly = (options["replication"], options["promotion"]) == ("semi-sync", "freshest")
        self._keeps = self.waits and self.numbered and not plainly and ACKNOWLEDGED_ENTRIES_VANISH.isdisjoint(self.bugs)
        self.clock = GenerationClock(env.disk)
        self.configuration = ConfigurationRecord(env.disk)
        lazy = ACKNOWLEDGE_BEFORE_FSYNC in self.bugs
        self.log = ReplicatedLog(env.disk, ONE_SEGMENT_BYTES) if lazy else ReplicatedLog(env.disk)
        self._copy = DurableCell(env.disk, "copy")
        self._copied: Sequence[Row] = ()
        self.high_water = 0
        self._reset()

    def _reset(self) -> None:
        """Back to what was copied from a leader, or to nothing."""
        self._state, self._clients = KeyValue(), ClientSessions(self._sessions_max, self._expired)
        restore(self._state, self._clients, self._copied)
        self._applied = self.log.base.index

    def _expired(self, session: str) -> None:
        self.env.event("session-expired", session=session)

    async def recover(self) -> None:
        """After a restart. A replica that waits shows nothing until a leader tells it the high-water mark. Raises
        Corruption, after which this node must not take part."""
        await self.clock.load()
        await self.configuration.load()
        copy = await self._copy.load() or {"position": [0, 0], "rows": []}
        self._copied = copy["rows"]
        await self.log.open(Position(*copy["position"]))
        self.high_water = self.log.base.index
        self._reset()
        assert self.log.position.generation <= self.clock.current, "a generation is durable before its entries are"
        if not self.waits:
            self.raise_high_water(self.log.durable)

    def raise_high_water(self, to: int) -> list[tuple[int, Message]]:
        """Apply the log up to ``to``; returns (index, reply) of what was applied. A lower mark changes nothing."""
        assert to <= self.log.durable, f"high-water mark {to} beyond the durable log's end {self.log.durable}"
        self.high_water = max(self.high_water, to)
        return list(self._apply(self.high_water))

    def _apply(self, to: int) -> Iterator[tuple[int, Message]]:
        while self._applied < to:
            self._applied += 1
            command = self.log.entry(self._applied)["command"]
            yield self._applied, {} if command is None else self._execute(command)

    def _execute(self, command: Mapping[str, Any]) -> Message:
        """Once: a request that was sent again is in the log again, and is recognised here, on every node alike."""
        return self._clients.once(command, self._state.apply) if self._deduplicates else self._state.apply(command)

    def read(self, request: Message) -> Message:
        """A read of the applied state, of nothing newer."""
        return self._state.apply({"f": "read", "key": request["key"]})

    def read_ahead(self, request: Message) -> Message:
        """A read as if the whole log were applied already: what it sees may still be lost."""
        ahead = KeyValue()
        ahead.restore(self._state.snapshot())
        for index in range(self._applied + 1, self.log.last + 1):
            ahead.apply(self.log.entry(index)["command"] or {})
        return ahead.apply({"f": "read", "key": request["key"]})

    def copy(self) -> tuple[Position, Sequence[Row]]:
        """The applied state, and the position in the log that it is of."""
        return self.log.position_at(self._applied), rows_of(self._state, self._clients)

    async def install(self, position: Position, rows: Sequence[Row]) -> None:
        """Begin anew from a leader's copy. The old log goes first: a crash leaves an empty node, which joins again."""
        await self._copy.save({"position": [0, 0], "rows": []})
        self._begin_at(Position(0, 0), ())
        await self.log.sync()
        await self._copy.save({"position": position.as_json(), "rows": list(rows)})
        self._begin_at(position, rows)

    def _begin_at(self, position: Position, rows: Sequence[Row]) -> None:
        self.log.begin_at(position)
        self._copied, self.high_water = rows, position.index
        self._reset()

    def dump(self) -> Message:
        """Everything that is applied here: for comparing nodes, not for clients that want to know the truth."""
        return {"value": {"state": self._state.dump(), "applied": self._applied}}

    def truncate_from(self, index: int) -> None:
        """Drop a suffix that the leader does not have. What was applied of it is undone by applying the rest anew."""
        if self._keeps:
            assert index > self.high_water, f"entry {index} was acknowledged (up to {self.high_water}) and must stay"
        dropped = self.log.truncate_from(index)
        self.env.event("truncated", **{"from": index, "count": dropped})
        self.env.count("truncated", dropped)
        if index <= self.high_water:
            self.high_water = index - 1
            self._reset()
            for _ in self._apply(self.high_water):
                pass
