"""A leader's duties: take writes into the log, ship the log, tell everyone that it lives, acknowledge.

One :class:`Leader` is one leadership: it begins with an entry of its own generation and ends for good. That first
entry matters twice: it makes the leader's log fresher than any log of the generation before, and once it is applied
everything that an earlier leader acknowledged is applied too, so only then does the leader answer reads.

Why a synchronous leader's acknowledged writes survive every failover (with generations on). An entry is acknowledged
when all nodes have it durably, each having said so in the leader's own generation g. Take any later leader, of
generation h > g, and suppose all leaders between had the entry. It said "I have it" in g, so before it voted in h;
nodes drop entries only on the word of a leader that lacks them, and there was none; so it has it too. The vote
restriction (only a log at least as fresh as the voter's own) makes the same true of every majority of voters, whoever
the candidate is: they all have the entry, so none votes for a log without it. With majority replication one of every
majority of voters has it, and that one does not vote for a log without it; an entry of an earlier generation counts
only along with one of the leader's own, as in Raft (5.4.2). With semi-synchronous replication the vote restriction does
not help: ``promotion`` says what does. With asynchronous replication the restriction picks the
freshest of the voters, but the deposed leader's own suffix is on nobody else's disk, and is lost.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from harness.node import Message

from systems_under_test.blocks.condition import Condition
from systems_under_test.blocks.heartbeat import beat
from systems_under_test.blocks.replicated_log import Entry
from systems_under_test.blocks.request_waiting_list import RequestWaitingList, WaitingListFull
from systems_under_test.single_leader.acknowledgement import Acknowledgement, OneFollower, counted
from systems_under_test.single_leader.bug import (
    ACKNOWLEDGE_BEFORE_BACKUP,
    DIRTY_READ,
    FRESHNESS_BY_WALL_CLOCK,
    SEMI_SYNC_BECOMES_ASYNC,
)
from systems_under_test.single_leader.progress import Progress
from systems_under_test.single_leader.replica import Replica
from systems_under_test.single_leader.replication_lag import ReplicationLag
from systems_under_test.single_leader.shipping import Shipping
from systems_under_test.single_leader.synchronous_follower import SynchronousFollower

HEARTBEAT_MS: Final = 80


class Leader:
    """One leadership. ``deposed_by`` is told of a newer generation; it ends this leadership."""

    def __init__(self, replica: Replica, options: Mapping[str, str], generation: int,
                 deposed_by: Callable[[int], Awaitable[None]]) -> None:  # fmt: skip
        self._replica, self._env, self._log = replica, replica.env, replica.log
        self._deposed_by = deposed_by
        self.generation = generation
        self.ended = False
        self._waiting: RequestWaitingList[int, Message] = RequestWaitingList(self._env)
        self._grown = Condition(self._env)  # the log has new entries, or time has passed
        self._progress = Progress(self._env.clock, self._env.peers)
        self._synchronous = self._choice(options["promotion"])
        self._acknowledgement = self._policy(options["replication"])
        self._lag = ReplicationLag(self._env)
        self.first = self._append(None)

    def start(self) -> None:
        """Begin to ship and to beat. Without an await since the election was won."""
        self._env.spawn(self._sync_loop(), "leader-sync")
        self._env.spawn(beat(self._env, HEARTBEAT_MS, lambda: not self.ended, self._beat), "leader-heartbeat")
        shipping = Shipping(self._replica, self.first, self._grown, lambda: self.ended, self._head, self._matched,
                            self._deposed_by)  # fmt: skip
        for peer in self._env.peers:
            self._env.spawn(shipping.serve(peer), f"leader-ship-{peer}")
        if isinstance(self._acknowledgement, OneFollower):
            watch = self._synchronous.watch(lambda: not self.ended, self._acknowledge)
            self._env.spawn(watch, "leader-synchronous-follower")

    def _policy(self, replication: str) -> Acknowledgement:
        if ACKNOWLEDGE_BEFORE_BACKUP in self._replica.bugs:
            return counted("async", 1)
        if replication == "semi-sync":
            alone = SEMI_SYNC_BECOMES_ASYNC in self._replica.bugs
            return OneFollower(lambda: self._synchronous.name, alone)
        return counted(replication, 1 + len(self._env.peers))

    def _choice(self, promotion: str) -> SynchronousFollower:
        record = self._replica.configuration if promotion == "recorded" else None
        rash = SEMI_SYNC_BECOMES_ASYNC in self._replica.bugs
        return SynchronousFollower(self._env, self.generation, self._progress, record, self._caught_up, rash=rash)

    def _caught_up(self, follower: str) -> bool:
        """Whether it has all that any leader can have acknowledged so far."""
        return self._progress.stored[follower] >= max(self.first, self._replica.high_water)

    def end(self) -> None:
        """Deposed. Nobody knows what becomes of the writes that still wait."""
        self.ended = True
        self._waiting.answer_all({"error": "unknown"})
        self._grown.notify()

    @property
    def serving(self) -> bool:
        """Whether all that earlier leaders acknowledged is applied here."""
        return not self.ended and self._replica.high_water >= self.first

    @property
    def lag_ms(self) -> float | None:
        return self._lag.median_ms

    def read(self, request: Message) -> Message:
        """From the leader's own applied state: a deposed leader that does not know it yet answers with old values."""
        if not self.serving:
            return {"error": "unavailable"}
        dirty = DIRTY_READ in self._replica.bugs
        return self._replica.read_ahead(request) if dirty else self._replica.read(request)

    async def write(self, request: Message) -> Message:
        """Log a request; the reply comes when it is replicated as the options demand, however long that takes."""
        try:
            reply = self._waiting.add(self._log.last + 1)
        except WaitingListFull:
            return {"error": "unavailable"}
        self._append({name: request.get(name) for name in ("client", "sequence", "f", "key", "value")})
        self._grown.notify()
        return await reply

    def _append(self, command: Mapping[str, Any] | None) -> int:
        self._lag.appended()
        entry: Entry = {"generation": self.generation, "command": command}
        if FRESHNESS_BY_WALL_CLOCK in self._replica.bugs:
            entry = {**entry, "written_ns": self._env.clock.wall()}
        return self._log.append(entry)

    async def _sync_loop(self) -> None:
        """Group commit: one sync for all that came in during the one before."""
        while not self.ended:
            if self._log.durable == self._log.last:
                await self._grown.wait()
                continue
            await self._env.failpoint("before-sync")
            await self._log.sync()
            await self._env.failpoint("after-sync")
            self._acknowledge()

    def _acknowledge(self) -> None:
        """Move the high-water mark and answer the clients whose writes are below it."""
        if self.ended:
            return
        replicated = self._acknowledgement.replicated(self._log.durable, self._progress.stored)
        if replicated < self.first:
            return  # what a majority has of an earlier generation may be lost until it has an entry of this one, too
        for index, reply in self._replica.raise_high_water(replicated):
            self._waiting.answer(index, reply)

    def _beat(self) -> None:
        message = {**self._head("heartbeat"), "last": self._log.last}
        for peer in self._env.peers:
            self._env.send(peer, message)
        self._grown.notify()

    def _head(self, kind: str) -> dict[str, Any]:
        return {"type": kind, "generation": self.generation, "high_water": self._replica.high_water}

    def _matched(self, peer: str, index: int) -> None:
        """A follower has all up to there, durably."""
        known = self._progress.stored[peer]
        if self._progress.confirm(peer, index):
            self._lag.stored(known - self.first + 1, index - self.first + 1)
            self._lag.stored_everywhere(min(self._progress.stored.values()) - self.first + 1)
            self._acknowledge()
