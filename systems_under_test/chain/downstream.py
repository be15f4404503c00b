"""Towards the tail: send the successor what it has not got, however the successor came by its place.

In each epoch the link to the successor is made anew: the successor says how far its log goes, and everything after that
is resent. That is the whole repair when a replica in the middle fails; and a replica that joins is brought up to the
tail in the same way.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from harness.node import CallError, Env, Message

from systems_under_test.blocks.condition import Condition
from systems_under_test.blocks.replicated_log import Position
from systems_under_test.chain.configuration import Configuration
from systems_under_test.chain.history import History

CALL_MS: Final = 300
RETRY_MS: Final = 20
CHECK_MS: Final = 150  # a successor that has everything is asked this often what is committed
UNREACHABLE_MS: Final = 500
BATCH_ENTRIES_MAX: Final = 256


@dataclass(slots=True)
class Link:
    """To one successor in one epoch. ``goal`` is the end of this replica's log when it entered the epoch: a successor
    that has so much has all that was ever committed in earlier ones. ``incarnation`` is the successor's, which must not
    take a message to its predecessor for one to itself. ``stored`` is how far it is known to have the log, on disk."""

    epoch: int
    successor: str
    goal: int
    in_chain: bool
    heard_ns: int
    incarnation: int = 0
    stored: int = 0


class Downstream:
    """``advance`` is called when the successor has stored more, ``acknowledge`` with what it knows to be committed.
    ``resends`` is False only where that is the seeded bug."""

    def __init__(self, env: Env, history: History, advance: Callable[[], None], acknowledge: Callable[[int], None],
                 *, resends: bool) -> None:  # fmt: skip
        self._env, self._history, self._log = env, history, history.log
        self._advance, self._acknowledge, self._resends = advance, acknowledge, resends
        self._grown = Condition(env)
        self._link: Link | None = None
        self._sent = 0  # the last update that went to any successor

    def connect(self, configuration: Configuration) -> None:
        """A new epoch: the old link ends, and if there is a successor a new one begins."""
        self._link, successor = None, configuration.successor(self._env.name)
        self.wake()
        if successor is not None:
            in_chain, now_ns = successor in configuration.chain, self._env.clock.monotonic()
            self._link = Link(configuration.epoch, successor, self._log.last, in_chain, now_ns)
            self._env.spawn(self._serve(self._link), f"downstream-{configuration.epoch}")

    def wake(self) -> None:
        """The log has grown, or time has passed."""
        self._grown.notify()

    @property
    def stored(self) -> int:
        """How far the successor is known to have the log."""
        return 0 if self._link is None else self._link.stored

    @property
    def unreachable(self) -> str | None:
        """The successor, if it has not answered for long."""
        link = self._link
        silent_ms = 0.0 if link is None else (self._env.clock.monotonic() - link.heard_ns) / 1e6
        return link.successor if link is not None and silent_ms >= UNREACHABLE_MS else None

    async def pulse(self) -> None:
        """For as long as the node lives: look after the link even where nothing is written."""
        while True:
            await self._env.sleep(CHECK_MS)
            self.wake()

    async def _serve(self, link: Link) -> None:
        """One batch under way at a time; the next holds all that came since."""
        following: int | None = None  # the next update to send; None: ask
        checked_ns = 0
        while link is self._link:
            age_ms = (self._env.clock.monotonic() - checked_ns) / 1e6
            if following is None:
                following = await self._ask(link)
            elif following > self._log.durable and age_ms < CHECK_MS:
                await self._grown.wait()
            else:
                checked_ns = self._env.clock.monotonic()
                following = await self._ship(link, following)

    async def _call(self, link: Link, message: dict[str, Any]) -> Message | None:
        """The successor's answer; None if there is none, or it is of another epoch or incarnation: try again."""
        try:
            reply = await self._env.call(link.successor, {**message, "epoch": link.epoch}, CALL_MS)
        except CallError:
            await self._env.sleep(RETRY_MS)
            return None
        link.heard_ns = self._env.clock.monotonic()
        if reply["outcome"] == "refused":
            await self._env.sleep(RETRY_MS)
            return None
        return reply

    async def _ask(self, link: Link) -> int | None:
        """From where the successor needs updates."""
        reply = await self._call(link, {"type": "link"})
        if reply is None:
            return None
        link.incarnation = reply["incarnation"]
        if not self._resends and link.in_chain and self._sent:
            return self._sent + 1  # as if whatever was sent had also arrived
        return self._log.common_point(Position(*reply["position"])).index + 1

    async def _ship(self, link: Link, first: int) -> int | None:
        """Send what is durable here from ``first`` on; returns from where to go on, or None to ask again."""
        limit = 1 if self._env.sometimes("one-update-batch") else BATCH_ENTRIES_MAX
        previous, count = self._log.position_at(first - 1), max(self._log.durable + 1 - first, 0)
        entries = list(self._log.entries(first, min(limit, count)))
        self._sent = max(self._sent, previous.index + len(entries))
        await self._env.failpoint("before-forward")
        reply = await self._call(link, {
            "type": "ship", "incarnation": link.incarnation, "previous": previous.as_json(), "entries": entries,
            "goal": link.goal, "committed": self._history.committed,
        })  # fmt: skip
        if reply is None or link is not self._link:
            return None
        if reply["outcome"] == "mismatch":
            return self._log.common_point(Position(*reply["position"])).index + 1
        link.stored = max(link.stored, previous.index + len(entries))
        self._advance()
        self._acknowledge(reply["committed"])
        return previous.index + len(entries) + 1
