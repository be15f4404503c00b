"""Failover: notice the leader's silence, find a majority that misses it too, and win their votes.

First a canvass, without consequences: would you vote for me? A node asks only if it misses the leader, and a node says
yes only if it does so itself and the asker may be promoted (see ``promotion``); so a node that was cut off does not
depose a leader whom everybody else hears. Then the vote proper, under a new generation, each node giving one vote per
generation, remembered on disk. Without generations the canvass is all there is: two leaders are possible.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

from harness.node import CallError, Message

from systems_under_test.blocks.quorum import Tally
from systems_under_test.single_leader.follower import Follower
from systems_under_test.single_leader.promotion import Promotion
from systems_under_test.single_leader.replica import Replica

LOOK_MS: Final = 20
CALL_MS: Final = 300
AGAIN_MS: Final = (40, 160)


class Election:
    """One node as a candidate and as a voter."""

    def __init__(self, replica: Replica, follower: Follower, promotion: Promotion, leading: Callable[[], bool],
                 newer: Callable[[int], Awaitable[None]], lead: Callable[[int], None]) -> None:  # fmt: skip
        """``leading`` says whether this node leads; ``newer`` hears of a newer generation, ``lead`` of a victory."""
        self._replica, self._follower, self._promotion = replica, follower, promotion
        self._members = (replica.env.name, *replica.env.peers)
        self._env, self._clock = replica.env, replica.clock
        self._random = self._env.random("election")
        self._leading, self._newer, self._lead = leading, newer, lead
        self.standing = False

    async def watch(self) -> None:
        """For as long as the node lives: stand when the leader is silent."""
        while True:
            await self._env.sleep(LOOK_MS)
            if not self._may_stand():
                continue
            self.standing = True
            await self._stand()
            self.standing = False
            if not self._leading():
                await self._env.sleep(self._random.uniform(*AGAIN_MS))

    def _may_stand(self) -> bool:
        """It must not win while a copy is installed: what a leader appends would be cut along with the old log. Once a
        new generation has begun here, no copy of an older one's leader is installed any more."""
        return not self._leading() and not self._replica.installing and self._follower.suspects

    async def _stand(self) -> None:
        if not await self._canvass() or not self._may_stand():
            return
        if not self._replica.numbered:
            self._started(0)
            self._lead(0)
            return
        generation = self._clock.current + 1
        if not await self._clock.vote(generation, self._env.name):
            return
        self._started(generation)
        if await self._won(generation):
            self._lead(generation)

    def _started(self, generation: int) -> None:
        self._env.event("election-started", generation=generation)
        self._env.count("election")

    async def _canvass(self) -> bool:
        """Whether a majority, this node included, misses the leader and would take this node."""
        tally = Tally(self._members)
        message = {"type": "canvass", **self._promotion.credentials()}
        if tally.add(self._env.name):
            return True
        async for peer, reply in self._env.quorum(self._env.peers, message, CALL_MS):
            if not isinstance(reply, CallError) and reply["agrees"] and tally.add(peer):
                return True
        return False

    async def _won(self, generation: int) -> bool:
        """Ask for votes; True if a majority gave theirs while this generation was still the newest."""
        tally = Tally(self._members)
        won = tally.add(self._env.name)
        message = {"type": "vote", "generation": generation, **self._promotion.credentials()}
        if not won:
            async for peer, reply in self._env.quorum(self._env.peers, message, CALL_MS):
                if isinstance(reply, CallError):
                    continue
                if reply["generation"] > self._clock.current:
                    await self._newer(reply["generation"])
                won = reply["granted"] and tally.add(peer)
                if won or self._clock.current != generation:
                    break
        return won and self._clock.current == generation

    def agrees(self, source: str, message: Message) -> bool:
        """The answer to another node's canvass."""
        electable = self._promotion.electable(source, message)
        return not self._leading() and self._follower.misses_leader and electable

    async def vote(self, source: str, message: Message) -> Message:
        """The answer to a candidate; a vote is durable before it is sent."""
        generation = message["generation"]
        if generation > self._clock.current:
            if self._promotion.electable(source, message):
                self._follower.patience()  # at once: whoever helps another to win does not stand in the meantime
            await self._newer(generation)
        granted = self._promotion.electable(source, message) and await self._clock.vote(generation, source)
        if granted:
            await self._env.failpoint("after-vote")
            self._env.spawn(self._tell_vote(generation, source), "vote-granted")
        return {"generation": self._clock.current, "granted": granted}

    async def _tell_vote(self, generation: int, to: str) -> None:
        """In a task of its own, which begins when the reply is on its way."""
        self._env.event("vote-granted", generation=generation, to=to)
