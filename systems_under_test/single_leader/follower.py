"""A follower's duties: store what the leader ships, drop what the leader does not have, notice its silence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from harness.node import Message

from systems_under_test.blocks.failure_detector import failure_detector
from systems_under_test.blocks.replicated_log import Entry, Position, merge
from systems_under_test.single_leader.bug import ACKNOWLEDGE_BEFORE_FSYNC, KEEP_DIVERGENT_SUFFIX
from systems_under_test.single_leader.replica import Replica

START_MS: Final = (150, 400)  # the first time: a leader that is there is heard within a heartbeat
SYNC_LATE_MS: Final = 200  # how long entries stay unsynced where they are acknowledged before


class Follower:
    """One node's view of the leader it follows. ``leader`` is the last one heard of, in this incarnation.

    A node stands when it suspects the leader and its patience has run out, too, which is drawn anew each time, so that
    followers do not all stand at once.
    """

    def __init__(self, replica: Replica, options: Mapping[str, str]) -> None:
        self._replica, self._log, self._env = replica, replica.log, replica.env
        self._acknowledges_early = ACKNOWLEDGE_BEFORE_FSYNC in replica.bugs
        self._keeps_suffix = KEEP_DIVERGENT_SUFFIX in replica.bugs
        self._random = replica.env.random("patience")
        self._kind, self._failover_ms = options["detector"], float(options["failover-ms"])
        self._patience_ms = self._random.uniform(0, START_MS[1] - START_MS[0])
        self._detector = failure_detector(self._kind, replica.env.clock, START_MS[0])
        self.leader: str | None = None
        self.leader_last = 0
        self._generation = 0
        self._matched = 0  # up to where our log is known to be this leader's
        self._resumed: int | None = None  # where the first leader of this incarnation went on with our log
        self._caught_up = False

    def start(self) -> None:
        """Recovery took its time, in which nothing could be heard."""
        self._detector.heard(beat=False)

    def patience(self) -> None:
        """Give a leader, or a candidate, of whom nothing is known yet a whole timeout."""
        self._detector = failure_detector(self._kind, self._env.clock, self._failover_ms)
        self._draw_patience()

    def hear(self, leader: str, generation: int, *, beat: bool = False) -> None:
        """A sign of life of the leader of the present generation; ``beat`` if it is a heartbeat."""
        if (leader, generation) != (self.leader, self._generation):
            self.leader, self._generation, self._matched = leader, generation, 0
            self.patience()
        else:
            self._draw_patience()
        self._detector.heard(beat=beat)

    def _draw_patience(self) -> None:
        rash = self._env.sometimes("shortest-patience")
        self._patience_ms = 0.0 if rash else self._random.uniform(0, self._failover_ms)

    @property
    def suspects(self) -> bool:
        """Whether this node would stand."""
        return self._detector.suspects(self._patience_ms)

    @property
    def misses_leader(self) -> bool:
        """Whether this node would help to find a new leader; sooner than it would stand itself."""
        return self.leader is None or self._detector.suspects(-self._failover_ms / 4)

    def follows(self, leader: str, generation: int) -> bool:
        """Whether that is still the leader: no newer generation was heard of, nor anyone voted for in one, this node
        included."""
        known = (self.leader, self._generation, self._replica.clock.current)
        return known == (leader, generation, generation)

    def forget(self) -> None:
        """There is no leader known any more."""
        self.leader, self._matched = None, 0

    async def store(self, message: Message) -> Message:
        """Take in shipped entries; "stored" says that all up to the last one are the leader's, and durable."""
        previous, entries = Position(*message["previous"]), message["entries"]
        if not self._agrees(previous):
            return {"outcome": "mismatch", "position": self._log.common_point(previous).as_json()}
        if self._resumed is None:
            self._resumed = previous.index
        leader, generation, end = self.leader, self._generation, previous.index + len(entries)
        self._merge(previous.index, entries)
        await self._make_durable(end)
        if (leader, generation) != (self.leader, self._generation):
            return {"outcome": "newer-generation", "generation": self._replica.clock.current}
        self._matched = max(self._matched, end)
        self._tell_if_caught_up()
        self.show(message["high_water"])
        return {"outcome": "stored"}

    def _tell_if_caught_up(self) -> None:
        """Once, after a restart that found a log: from where it went on, and where it was the leader's."""
        if not self._caught_up and 0 < self.leader_last <= self._matched:
            self._caught_up = True
            if self._env.incarnation > 1 and self._resumed:
                self._env.event("caught-up", **{"from": self._resumed, "to": self._matched})

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
        if previous.index < self._log.base.index:  # a late message: what is in our copy is not merged again
            return False
        return previous.index <= self._log.last if self._keeps_suffix else self._log.agrees(previous)

    def _merge(self, after: int, entries: Sequence[Entry]) -> None:
        kept = max(self._log.last - after, 0) if self._keeps_suffix else 0
        numbered = self._replica.numbered
        merge(self._log, after + kept, entries[kept:], self._replica.truncate_from, numbered=numbered)

    def show(self, high_water: int) -> None:
        """Apply what may be seen: all that is on our disk, or, where that waits, what the leader may acknowledge."""
        visible = self._log.durable
        if self._replica.waits:
            visible = min(visible, self._matched, high_water)
        self._replica.raise_high_water(visible)
