"""A follower's duties: store what the leader ships, drop what the leader does not have, notice its silence."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from harness.node import Message

from systems_under_test.blocks.heartbeat import FailureDetector
from systems_under_test.single_leader.bug import ACKNOWLEDGE_BEFORE_FSYNC, KEEP_DIVERGENT_SUFFIX
from systems_under_test.single_leader.log import Entry, Position
from systems_under_test.single_leader.replica import Replica

TIMEOUT_MS: Final = (400, 800)  # drawn anew each time, so that followers do not all stand at once
START_MS: Final = (150, 400)  # the first time: a leader that is there is heard within a heartbeat
SILENT_MS: Final = 300  # when a node may say that it, too, misses the leader
SYNC_LATE_MS: Final = 200  # how long entries stay unsynced where they are acknowledged before


class Follower:
    """One node's view of the leader it follows. ``leader`` is the last one heard of, in this incarnation."""

    def __init__(self, replica: Replica) -> None:
        self._replica, self._log, self._env = replica, replica.log, replica.env
        self._acknowledges_early = ACKNOWLEDGE_BEFORE_FSYNC in replica.bugs
        self._keeps_suffix = KEEP_DIVERGENT_SUFFIX in replica.bugs
        self._random = replica.env.random("patience")
        self.detector = FailureDetector(replica.env.clock, self._random.uniform(*START_MS))
        self.leader: str | None = None
        self.leader_last = 0
        self._generation = 0
        self._matched = 0  # up to where our log is known to be this leader's

    def patience(self) -> None:
        """Give the leader, or a candidate, a whole new timeout."""
        rash = self._env.sometimes("shortest-patience")
        self.detector.timeout_ms = TIMEOUT_MS[0] if rash else self._random.uniform(*TIMEOUT_MS)
        self.detector.heard()

    def hear(self, leader: str, generation: int) -> None:
        """A sign of life of the leader of the present generation."""
        if (leader, generation) != (self.leader, self._generation):
            self.leader, self._generation, self._matched = leader, generation, 0
        self.patience()

    @property
    def misses_leader(self) -> bool:
        """Whether this node would help to find a new leader."""
        return self.leader is None or self.detector.silent_ms() >= SILENT_MS

    def forget(self) -> None:
        """There is no leader known any more."""
        self.leader, self._matched = None, 0

    async def store(self, message: Message) -> Message:
        """Take in shipped entries; "stored" says that all up to the last one are the leader's, and durable."""
        previous, entries = Position(*message["previous"]), message["entries"]
        if not self._agrees(previous):
            return {"outcome": "mismatch", "position": self._log.common_point(previous).as_json()}
        leader, generation, end = self.leader, self._generation, previous.index + len(entries)
        self._merge(previous.index, entries)
        await self._make_durable(end)
        if (leader, generation) != (self.leader, self._generation):
            return {"outcome": "newer-generation", "generation": self._replica.clock.current}
        self._matched = max(self._matched, end)
        self.show(message["high_water"])
        return {"outcome": "stored"}

    async def _make_durable(self, end: int) -> None:
        if self._log.durable >= end:
            return
        await self._env.failpoint("before-sync")
        if not self._acknowledges_early:
            await self._log.sync()
        await self._env.failpoint("after-sync")

    async def sync_late(self) -> None:
        """For as long as the node lives, where entries are acknowledged before they are synced."""
        while self._acknowledges_early:
            await self._env.sleep(SYNC_LATE_MS)
            if self._log.durable < self._log.last:
                await self._log.sync()

    def _agrees(self, previous: Position) -> bool:
        return previous.index <= self._log.last if self._keeps_suffix else self._log.agrees(previous)

    def _merge(self, index: int, entries: Sequence[Entry]) -> None:
        for entry in entries:
            index += 1
            if index <= self._log.last:
                mine = self._log.entry(index)
                if mine == entry or self._keeps_suffix:
                    continue
                if self._replica.numbered:
                    assert mine["generation"] != entry["generation"], f"two entries {index} of one generation"
                self._replica.truncate_from(index)
            self._log.append(entry)

    def show(self, high_water: int) -> None:
        """Apply what may be seen: all that is on our disk, or, where that waits, what the leader may acknowledge."""
        visible = self._log.durable
        if self._replica.waits:
            visible = min(visible, self._matched, high_water)
        self._replica.raise_high_water(visible)
