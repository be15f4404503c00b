"""A replica's word from the masters: the configuration that it acts in, and for how long it may speak for the chain.

The paper takes masters for reliable and failures for certain: a replica that is taken out has stopped. Here one may
only be cut off, and answer reads as the tail that it no longer is. So it holds a lease: with each heartbeat that the
masters answer, they promise that it is not taken out for ``LEASE_MS``, counted from before it asked; and they wait for
longer than that before they take out a replica whose heartbeats they answer no more.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Final

from harness.node import CallError, Env, Message

from systems_under_test.blocks.lease import Grant, HeldLease
from systems_under_test.chain.configuration import Configuration, from_json

HEARTBEAT_MS: Final = 90
CALL_MS: Final = 200
LEASE_MS: Final = 300
SILENT_MS: Final = 450
"""When masters take a replica out. Longer than the lease, or an old tail could answer beside the new one."""


class Membership:
    """``configuration`` is the newest one heard of in this incarnation, None before the first answer: an epoch never
    falls, because masters answer a heartbeat with what is committed then. ``report`` gives what else a heartbeat
    says."""

    def __init__(self, env: Env, masters: Sequence[str], report: Callable[[], dict[str, Any]],
                 changed: Callable[[], None]) -> None:  # fmt: skip
        self._env, self._masters = env, masters
        self._report, self._changed = report, changed
        self._lease = HeldLease(env.clock.monotonic)
        self._master = masters[0]  # whoever is believed to lead them
        self.configuration: Configuration | None = None

    @property
    def epoch(self) -> int:
        """0 while there is no configuration."""
        return 0 if self.configuration is None else self.configuration.epoch

    @property
    def holds_lease(self) -> bool:
        return self._lease.held

    async def keep(self) -> None:
        """For as long as the node lives: heartbeats."""
        while True:
            await self._beat()
            await self._env.sleep(HEARTBEAT_MS)

    async def _beat(self) -> None:
        """Ask the master that is believed to lead; only that one answers with a configuration."""
        asked_ns = self._env.clock.monotonic()
        try:
            reply = await self._env.call(self._master, {"type": "heartbeat", **self._report()}, CALL_MS)
        except CallError:
            reply = {"leader": None}
        if "epoch" in reply:
            self._lease.granted(asked_ns, Grant(0, LEASE_MS))
            self.adopt(reply)
        else:
            self._master = reply["leader"] or self._next(self._master)

    def told(self, message: Message) -> None:
        """A master tells of a change. It is no news to one that has just started and asked nobody yet: what was sent to
        its predecessor may be older than what that one knew."""
        if self.configuration is not None:
            self.adopt(message)

    def _next(self, master: str) -> str:
        return self._masters[(self._masters.index(master) + 1) % len(self._masters)]

    def adopt(self, message: Message) -> None:
        """Take up a configuration that masters have decided on, unless it is an old one."""
        if message["epoch"] > self.epoch:
            self.configuration = from_json(message)
            self._changed()
