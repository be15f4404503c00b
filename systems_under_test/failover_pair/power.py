"""A node's current: it runs for as long as the switch said that it may, and is dark when the switch has said no.

A message cannot pull a plug. A machine that hangs would not hear it, and would go on where it stopped; so the switch
gives current for LEASE_MS at a time, and who is ordered off gets no more of it. When the switch has waited that long,
the node is off, whatever it did meanwhile.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from harness.node import CallError, Env, Message

from systems_under_test.blocks.lease import Grant, HeldLease

LEASE_MS: Final = 200
RENEW_MS: Final = 40
CALL_MS: Final = 100


class Power:
    """``cycle`` is the switch's number of when this node was last switched on; ``changed`` hears of a new one, with the
    part that the node is to play."""

    def __init__(self, env: Env, switch: str, changed: Callable[[int, str], Awaitable[None]]) -> None:
        self._env, self._switch, self._changed = env, switch, changed
        self._lease = HeldLease(env.clock.monotonic)
        self.cycle = 0

    @property
    def is_on(self) -> bool:
        return self._lease.held

    async def keep(self) -> None:
        """For as long as the node lives."""
        while True:
            await self._ask()
            await self._env.sleep(RENEW_MS)

    async def _ask(self) -> None:
        asked_ns = self._env.clock.monotonic()
        try:
            reply = await self._env.call(self._switch, {"type": "power"}, CALL_MS)
        except CallError:
            return  # what was given lasts for a while
        if reply["on"]:
            await self._given(asked_ns, reply)
        elif self.is_on:
            self._lease.give_up()
            self._env.event("went-dark", cycle=self.cycle)

    async def _given(self, asked_ns: int, reply: Message) -> None:
        if reply["cycle"] > self.cycle:
            self.cycle = reply["cycle"]
            await self._changed(self.cycle, reply["part"])
        if reply["cycle"] == self.cycle:
            self._lease.granted(asked_ns, Grant(self.cycle, LEASE_MS))
