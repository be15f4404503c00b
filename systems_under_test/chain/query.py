"""Queries: the tail answers them, or, apportioned, any replica (CRAQ).

A replica that stores no update of the object beyond the committed ones answers from its own copy: whatever is committed
has passed through it. Otherwise its newest version is dirty, and it asks the tail which one is committed.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from harness.node import CallError, Env, Message

from systems_under_test.chain.bug import DIRTY_VERSION_WITHOUT_ASKING_TAIL, HEAD_ANSWERS_READS
from systems_under_test.chain.configuration import Configuration
from systems_under_test.chain.history import History
from systems_under_test.chain.membership import Membership
from systems_under_test.chain.standing import Standing

VERSION_MS: Final = 200
UNAVAILABLE: Final[Message] = {"error": "unavailable"}


class Queries:
    """One replica's. ``commit`` is told what the tail says is committed."""

    def __init__(self, env: Env, membership: Membership, standing: Standing, history: History,
                 commit: Callable[[int], None], *, apportioned: bool) -> None:  # fmt: skip
        self._env, self._membership, self._standing, self._history = env, membership, standing, history
        self._commit, self._apportioned = commit, apportioned

    async def answer(self, configuration: Configuration, message: Message) -> Message:
        """The value, or where to ask, or "unavailable"."""
        key, standing = message.get("key"), self._standing
        if standing.is_head and self._env.bug(HEAD_ANSWERS_READS):
            return self._history.read_dirty(key)
        if not (standing.is_tail or self._apportioned):
            return {"error": "not-leader", "leader": configuration.tail}
        if not standing.may_speak:
            return UNAVAILABLE
        if standing.is_tail or not self._history.is_dirty(key):
            return self._history.read(key)
        if self._env.bug(DIRTY_VERSION_WITHOUT_ASKING_TAIL):
            return self._history.read_dirty(key)
        return await self._ask_tail(configuration, key)

    async def _ask_tail(self, configuration: Configuration, key: Any) -> Message:
        """The version that the tail says is committed. It is here as well, for this log is not shorter than the tail's;
        so the tail's word is an acknowledgement."""
        question = {"type": "version", "epoch": configuration.epoch}
        try:
            reply = await self._env.call(configuration.tail, question, VERSION_MS)
        except CallError:
            return UNAVAILABLE
        if "committed" not in reply or configuration != self._membership.configuration:
            return UNAVAILABLE
        self._commit(reply["committed"])
        return self._history.read(key)

    def version(self) -> Message:
        """The tail's answer to another replica: what is committed now."""
        speaks = self._standing.is_tail and self._standing.may_speak
        return {"committed": self._history.committed} if speaks else UNAVAILABLE
