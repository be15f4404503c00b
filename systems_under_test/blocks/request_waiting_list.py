"""Request waiting list: requests that can be answered only when others have replied, by what identifies the answer
(*Patterns of Distributed Systems*, "Request Waiting List").

The key is a log index, a token, a correlation id: whatever the event carries that makes the answer known. A request
leaves the list by being answered, by its time running out, or with all others when nobody here can answer any more (a
leader is deposed); each is answered exactly once.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Generic, NamedTuple, TypeVar

from harness.node import Env, Future

from systems_under_test.blocks.condition import Condition

KeyT = TypeVar("KeyT", bound=Hashable)
ReplyT = TypeVar("ReplyT")


class WaitingListFull(Exception):
    """The bound is reached: the caller must refuse its own caller."""


class _Waiting(NamedTuple, Generic[ReplyT]):
    reply: Future[ReplyT]
    deadline_ns: int


class RequestWaitingList(Generic[KeyT, ReplyT]):
    """Requests in the order of arrival. ``timeout_ms`` None: they wait until they are answered, however long.

    With a timeout, ``expired`` is what a request is answered whose time is over, and somebody must run ``watch``.
    """

    def __init__(self, env: Env, *, bound: int = 10_000, timeout_ms: float | None = None,
                 expired: ReplyT | None = None) -> None:  # fmt: skip
        self._env, self._bound = env, bound
        self._timeout_ms, self._expired = timeout_ms, expired
        self._waiting: dict[KeyT, _Waiting[ReplyT]] = {}  # by deadline, since all wait equally long
        self._arrived = Condition(env)

    def __len__(self) -> int:
        return len(self._waiting)

    def __contains__(self, key: KeyT) -> bool:
        return key in self._waiting

    def add(self, key: KeyT) -> Future[ReplyT]:
        """What to await. Raises WaitingListFull. A key is used once at a time: two requests never share an answer."""
        assert key not in self._waiting, f"{key!r} is waited for already"
        if len(self._waiting) >= self._bound:
            raise WaitingListFull(f"{self._bound} requests wait")
        reply: Future[ReplyT] = self._env.future()
        wait_ns = round((self._timeout_ms or 0) * 1e6)
        self._waiting[key] = _Waiting(reply, self._env.clock.monotonic() + wait_ns)
        self._arrived.notify()
        return reply

    def answer(self, key: KeyT, reply: ReplyT) -> bool:
        """Whether somebody waited for it; an answer that comes late or twice is for nobody."""
        waiting = self._waiting.pop(key, None)
        if waiting is not None:
            waiting.reply.set_result(reply)
        return waiting is not None

    def answer_all(self, reply: ReplyT) -> int:
        """Nobody here can answer any more; returns how many waited."""
        waiting, self._waiting = self._waiting, {}
        for each in waiting.values():
            each.reply.set_result(reply)
        return len(waiting)

    async def watch(self) -> None:
        """For as long as the node lives: answer those whose time is over."""
        assert self._timeout_ms is not None, "without a timeout nothing expires"
        while True:
            if not self._waiting:
                await self._arrived.wait()
            await self._env.sleep(max(1.0, self._left_ms()))
            while self._waiting and self._left_ms() <= 0:
                first = next(iter(self._waiting))
                self._waiting.pop(first).reply.set_result(self._expired)  # type: ignore[arg-type]

    def _left_ms(self) -> float:
        """Until the first one's time is over; nothing, if it was answered in the meantime and no other waits."""
        first = next(iter(self._waiting.values()), None)
        return 0.0 if first is None else (first.deadline_ns - self._env.clock.monotonic()) / 1e6
