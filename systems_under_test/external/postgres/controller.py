"""The node program that decides who is the primary where nobody else does: a failover manager, kept to the essentials.

It asks the keepers what they are, over the same network as they have, and gives orders (``keeper``). A primary that has
not answered for PATIENCE_MS is given up in three steps:

1. everybody who answers is ordered to follow nobody, under a new term;
2. of those who do, the one whose log is of the latest term, and the longest, is ordered to be the new primary;
3. all others are ordered to follow it, the old primary, too, as soon as it answers.

With synchronous replication step 2 waits for so many that one of them has every commit that was ever acknowledged, and
so that too few are left to confirm another one to the old primary. With asynchronous replication one is enough, and
what the old primary has acknowledged beyond that, or still does, is lost.

It is one node: while it is down nobody is replaced.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from harness.node import CallError, Env, Message

from systems_under_test.blocks.durable_cell import DurableCell
from systems_under_test.external.postgres.keeper import DETACHED, PRIMARY, quorum

LOOK_MS: Final = 200
CALL_MS: Final = 300
PATIENCE_MS: Final = 1500


class Controller:
    """:class:`harness.node.Program`; the options are those of ``SYSTEM``."""

    def __init__(self, env: Env, options: Mapping[str, str]) -> None:
        self._env = env
        self._members = [node for node in env.nodes if node != env.name and node not in env.peers]
        members = len(self._members)
        self._needed = members - quorum(members) if options["replication"] == "sync" else 1
        self._acts = options["failover"] == "controller" and options["replication"] != "none"
        self._cell = DurableCell(env.disk, "term.json")
        self._term = 0
        """The newest term that it ever began; on the disk before anybody hears of it, so that none is begun twice."""
        self._open = 0
        """The term in which it has ordered all to stand down and may still elect somebody, once."""
        self._begun = env.incarnation > 1
        """Whether there ever was a primary: nobody is given up while everything is being set up."""
        self._well_ns = env.clock.monotonic()
        self._leader: str | None = None

    async def start(self) -> None:
        kept = await self._cell.load()
        self._term = kept["term"] if kept is not None else 0
        if self._acts:
            self._env.spawn(self._watch(), "watch")

    async def handle(self, source: str, message: Message) -> Message | None:
        return {"error": "unsupported"}

    def status(self) -> Message:
        return {"leader": self._leader, "role": "controller", "term": self._term, "ready": True}

    async def _watch(self) -> None:
        while True:
            await self._env.sleep(LOOK_MS)
            seen = await self._look()
            if seen:
                await self._act(seen)

    async def _look(self) -> dict[str, Message]:
        """What the nodes that answer say of themselves."""
        replies = self._env.quorum(self._members, {"type": "look"}, CALL_MS)
        return {node: reply async for node, reply in replies if not isinstance(reply, CallError)}

    async def _act(self, seen: Mapping[str, Message]) -> None:
        term, leader = max(((each["term"], each["leader"]) for each in seen.values()), key=_newest)
        self._leader = leader
        if leader is not None and seen.get(leader, {}).get("role") == PRIMARY:
            self._begun, self._well_ns = True, self._env.clock.monotonic()
            await self._order(seen, term, leader)
        elif leader is None and term == self._open:
            await self._elect(seen)
        elif self._begun and self._waited_ms() > PATIENCE_MS:
            await self._give_up(seen, term)

    async def _give_up(self, seen: Mapping[str, Message], term: int) -> None:
        """Step 1."""
        self._term = self._open = max(term, self._term) + 1
        await self._cell.save({"term": self._term})
        self._well_ns = self._env.clock.monotonic()
        self._env.event("failover", term=self._term, seen=sorted(seen))
        await self._order(seen, self._term, None)

    async def _elect(self, seen: Mapping[str, Message]) -> None:
        """Steps 1 and 2, for those who have not heard of it yet, too. Who is on the way is waited for a while."""
        await self._order(seen, self._open, None)
        detached = {node: each for node, each in seen.items()
                    if each["role"] == DETACHED and each["term"] == self._open}  # fmt: skip
        if len(detached) < self._needed or (len(detached) < len(seen) and self._waited_ms() <= PATIENCE_MS):
            return
        best = max(sorted(detached), key=lambda node: tuple(detached[node]["log"]))
        self._env.event("elected", term=self._open, node=best)
        term, self._open = self._open, 0
        self._well_ns = self._env.clock.monotonic()
        await self._order({best: seen[best]}, term, best)

    async def _order(self, seen: Mapping[str, Message], term: int, leader: str | None) -> None:
        """To those who do not have that order yet."""
        late = [node for node, each in seen.items() if (each["term"], each["leader"]) != (term, leader)]
        order: dict[str, Any] = {"type": "order", "term": term, "leader": leader}
        async for _ in self._env.quorum(late, order, CALL_MS):
            pass

    def _waited_ms(self) -> float:
        return (self._env.clock.monotonic() - self._well_ns) / 1e6


def _newest(order: tuple[int, str | None]) -> tuple[int, bool]:
    """Within a term somebody comes after nobody."""
    return order[0], order[1] is not None
