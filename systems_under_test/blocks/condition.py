"""Condition variable: coroutines wait until something may have changed, and look again."""

from __future__ import annotations

from harness.node import Env, Future


class Condition:
    """``wait`` returns after the next ``notify``. Nothing is remembered: check, then wait, without an await between."""

    def __init__(self, env: Env) -> None:
        self._env = env
        self._next: Future[None] | None = None

    async def wait(self) -> None:
        if self._next is None:
            self._next = self._env.future()
        await self._next

    def notify(self) -> None:
        """Wake everyone who waits."""
        if self._next is not None:
            woken, self._next = self._next, None
            woken.set_result(None)
