"""A follower: applies what the leader ships, and says how far it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from harness.node import Env, Message

from systems_under_test.replication_log.apply import parallel, serial
from systems_under_test.replication_log.log_form import LogForm
from systems_under_test.replication_log.storage import Storage

POSITION: Final = "position"


class Follower:
    """One database that does what the leader's log says. A batch and the position that it leads to are one commit:
    after a crash the follower goes on from there, and applies nothing twice."""

    def __init__(self, env: Env, options: Mapping[str, str], storage: Storage, form: LogForm) -> None:
        self._env, self._storage, self._form = env, storage, form
        self._apply = parallel if options["apply"] == "parallel" else serial
        self._same_version = (options["log"], options["version-check"]) == ("wal", "on")
        self._busy = False
        self.position: int = storage.newest(POSITION) or 0
        self.refused: int | None = None

    async def take(self, batch: Message) -> Message:
        """Apply a batch, if it is what comes next; {"position", "version"}, durable on return. One at a time: a batch
        that comes while another is applied was sent again."""
        if not self._busy and batch["records"] and self._accepts(batch["first"], batch["records"]):
            self._busy = True
            await self._apply_batch(batch["first"], batch["records"])
            self._busy = False
        return {"position": self.position, "version": self._storage.layout.version}

    def _accepts(self, first: int, records: Sequence[Any]) -> bool:
        """Whether this comes next, or makes all before it needless, and this storage engine can read it."""
        image = self._same_version and "image" in records[0]
        if first != self.position + 1 and not (image and first > self.position):
            return False
        self.refused = self._foreign(records)
        return self.refused is None

    def _foreign(self, records: Sequence[Any]) -> int | None:
        """The version of a record that this storage engine must not apply, told once; None if it may apply all."""
        if not self._same_version:
            return None
        ours = self._storage.layout.version
        theirs: int | None = next((record["version"] for record in records if record["version"] != ours), None)
        if theirs not in (None, self.refused):
            self._env.event("version-refused", ours=ours, theirs=theirs)
        return theirs

    async def _apply_batch(self, first: int, records: Sequence[Any]) -> None:
        if self._same_version and "image" in records[0]:
            self._storage.load(records[0]["image"], **{POSITION: first})
        parts = [part for record in records for part in self._form.parts(record)]
        await self._apply(self._env, parts, f"apply/{first}")
        last = first + len(records) - 1
        self._storage.commit(**{POSITION: last})
        await self._storage.sync()
        self.position = last
