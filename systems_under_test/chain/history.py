"""What one replica knows of the updates: their log, on disk, and the state that the committed ones have made.

The paper's Hist: along the chain each replica's log is a prefix of its predecessor's (the Update Propagation
Invariant), so what the tail has, all have. That is *committed*, and only that is applied. An object that later updates
touch is *dirty* here: which of its versions is the committed one, only the tail knows.
"""

from __future__ import annotations

from typing import Any

from harness.node import Env, Message

from systems_under_test.blocks.applied_log import AppliedLog
from systems_under_test.blocks.key_value import canonical


class History:
    """``lossy`` is whether a seeded mistake loses updates: the assertions that it breaks are off."""

    def __init__(self, env: Env, *, lossy: bool = False) -> None:
        self._lossy, self._updates = lossy, AppliedLog(env)
        self.log = self._updates.log

    async def recover(self) -> None:
        """After a restart: everything stored is dirty until the chain says what is committed. Raises Corruption."""
        await self.log.open()

    @property
    def committed(self) -> int:
        """The last update that is known to be stored by the whole chain."""
        return self._updates.applied

    def commit(self, to: int) -> list[tuple[int, Message]]:
        """Apply the updates up to ``to``; returns (index, reply) of each that was new."""
        return self._updates.apply(to)

    def is_dirty(self, key: Any) -> bool:
        """Whether an update of that object is stored here and not known to be committed."""
        return any(canonical(command.get("key")) == canonical(key) for command in self._updates.pending())

    def read(self, key: Any) -> Message:
        """The committed version of an object, as far as this replica knows."""
        return self._updates.read(key)

    def read_dirty(self, key: Any) -> Message:
        """The newest version of an object, which may never be committed."""
        return self._updates.read_ahead(key)

    def truncate_from(self, index: int) -> None:
        """Drop a suffix that the chain does not have; it was never committed."""
        self._updates.truncate_from(index, keeps=not self._lossy)

    def dump(self) -> Message:
        return self._updates.dump()
