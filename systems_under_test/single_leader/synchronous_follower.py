"""Semi-synchronous replication's choice of the one follower that a write waits for, and of its replacement.

One follower is synchronous. When it is silent for too long, another takes its place; between the loss of the one and
the full catch-up of the other nothing is acknowledged, or what only the leader has would be promised. With ``recorded``
promotion the pair counts only when a majority of all nodes has written it down (see ``configuration``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from harness.node import CallError, Env

from systems_under_test.blocks.quorum import Tally
from systems_under_test.single_leader.configuration import Configuration, ConfigurationRecord
from systems_under_test.single_leader.progress import Progress

LOST_MS: Final = 900  # longer than a call and the pause between two, so that an idle follower is not taken for lost
RASH_MS: Final = 300
LOOK_MS: Final = 50
CALL_MS: Final = 300


class SynchronousFollower:
    """``name`` is the follower that counts now; None while there is none.

    ``caught_up`` says whether a follower has all that could have been acknowledged so far. ``record`` is None where the
    pair is this leader's own business. ``rash`` (a seeded bug's) gives a follower up while a client still waits.
    """

    def __init__(self, env: Env, generation: int, progress: Progress, record: ConfigurationRecord | None,
                 caught_up: Callable[[str], bool], *, rash: bool) -> None:  # fmt: skip
        self._env, self._generation, self._progress, self._record = env, generation, progress, record
        self._caught_up = caught_up
        self._lost_ms = RASH_MS if rash else LOST_MS
        self._number = 0
        self.name: str | None = None

    async def watch(self, alive: Callable[[], bool], changed: Callable[[], None]) -> None:
        """For as long as the leadership lasts: replace a follower that is lost. ``changed`` hears of both."""
        while alive():
            if self.name is not None and self._progress.silent_ms(self.name) >= self._lost_ms:
                self._env.event("synchronous-follower-lost", follower=self.name)
                self.name = None
                changed()
            if self.name is None and await self._replace(alive):
                changed()
            await self._env.sleep(LOOK_MS)

    async def _replace(self, alive: Callable[[], bool]) -> bool:
        """Whether a follower was found that has everything; it counts from now on."""
        candidate = self._progress.freshest(self._lost_ms)
        if candidate is None or not self._caught_up(candidate) or not await self._recorded(candidate) or not alive():
            return False
        self.name = candidate
        self._env.event("synchronous-follower-chosen", follower=candidate)
        return True

    async def _recorded(self, candidate: str) -> bool:
        """Have the pair written down by a majority; nothing is acknowledged meanwhile, so the old pair stays safe."""
        if self._record is None:
            return True
        self._number += 1
        pair = Configuration(self._generation, self._number, self._env.name, candidate)
        tally, message = Tally((self._env.name, *self._env.peers)), {"type": "configure", "pair": pair.as_json()}
        await self._record.record(pair)
        if tally.add(self._env.name):
            return True
        async for peer, reply in self._env.quorum(self._env.peers, message, CALL_MS):
            if not isinstance(reply, CallError) and reply["recorded"] and tally.add(peer):
                return True
        return False
