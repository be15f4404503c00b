"""A worker: one thread of the interpreter, performing one operation at a time under its present process id."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from typing import Any, Final, TypeVar

from harness.history import Op
from harness.node import Future, Task
from harness.runtime import Runtime
from harness.system import Client

T = TypeVar("T")

CLOSE_MS: Final = 1000.0

NO_CLIENT: Final = "no-client"
LATE: Final = "client-late"
RAISED: Final = "client-raised"


@dataclass(frozen=True, slots=True)
class _Outcome:
    value: Any
    error: Exception | None = None


async def bounded(runtime: Runtime, ms: float, coroutine: Coroutine[Any, Any, T], name: str) -> T:
    """What ``coroutine`` gives, or what it raises, or TimeoutError after ``ms``.

    Unlike ``Runtime.within`` this does not wait until the cancelled coroutine has ended, so code that swallows its
    cancellation costs a task and not the run; and whatever it gives later goes nowhere.
    """
    outcome: Future[_Outcome] = runtime.future()
    late = False

    async def attempt() -> None:
        try:
            result = _Outcome(await coroutine)
        except Exception as error:  # noqa: BLE001 (a plug-in may raise anything; the caller decides)
            result = _Outcome(None, error)
        if not late:
            outcome.set_result(result)

    task = runtime.spawn(attempt(), name)
    try:
        result = await runtime.within(ms, outcome)
    finally:
        late = True
        if not task.done():
            task.cancel()
    if result.error is not None:
        raise result.error
    value: T = result.value
    return value


def describe(error: BaseException) -> str:
    """An exception in one bounded line."""
    return f"{type(error).__name__}: {error}"[:500]


def breach(op: Op, completion: Any) -> str | None:
    """What is wrong with a client's completion of ``op``, in words; None if it is one."""
    if not isinstance(completion, Op):
        return f"the client returned {type(completion).__name__}; expected an Op"
    if completion.type not in ("ok", "fail", "info"):
        return f"the client completed {op.f!r} with type {completion.type!r}; expected ok, fail or info"
    for name in ("process", "f", "key"):
        was, is_now = getattr(op, name), getattr(completion, name)
        if was != is_now:
            return f"the client completed {op.f!r} with {name} {is_now!r}; expected {was!r}, as invoked"
    return None


@dataclass(frozen=True, slots=True)
class Completion:
    """How an operation ended; ``breach`` says how the client broke its contract, if it did."""

    op: Op
    breach: str | None = None


Perform = Callable[[Op], Awaitable[Completion]]


class ClientThread:
    """Performs a client thread's operations: opens a client per process id, bounds each operation, closes on "info".

    ``make(thread, process)`` gives a new client, not yet open; ``node_of(process)`` the node it attaches to first.
    An operation takes ``limit_ms`` at most: the client's own timeout and some grace. ``say`` takes lines for people.
    """

    def __init__(
        self,
        runtime: Runtime,
        thread: int,
        make: Callable[[int, int], Client],
        node_of: Callable[[int], str],
        limit_ms: float,
        say: Callable[[str], None],
    ) -> None:
        self._runtime, self._thread, self._make, self._node_of = runtime, thread, make, node_of
        self._limit_ms, self._say = limit_ms, say
        self._client: Client | None = None
        self._process: int | None = None
        self._closing: list[Task[None]] = []

    async def perform(self, op: Op) -> Completion:
        assert isinstance(op.process, int), f"a client thread was given {op}"
        try:
            client = await self._opened(op.process)
        except Exception as error:  # noqa: BLE001 (the operation was never sent, so it certainly did not happen)
            return Completion(replace(op, type="fail", error=[NO_CLIENT, describe(error)]))
        completion = await self._invoke(client, op)
        if completion.op.type == "info":
            self.retire()
        return completion

    async def _opened(self, process: int) -> Client:
        if self._client is not None and self._process == process:
            return self._client
        self.retire()
        client = self._make(self._thread, process)
        try:
            await bounded(self._runtime, self._limit_ms, client.open(self._node_of(process)), f"open-{process}")
        except Exception:
            self._close(client, process)
            raise
        self._client, self._process = client, process
        return client

    async def _invoke(self, client: Client, op: Op) -> Completion:
        try:
            answer = await bounded(self._runtime, self._limit_ms, client.invoke(op), f"invoke-{op.process}")
        except TimeoutError as error:
            # Also a TimeoutError of the client's own: either way nobody knows what became of the operation.
            return Completion(replace(op, type="info", error=[LATE, describe(error)]))
        except Exception as error:  # noqa: BLE001 (raising means "info", by the contract of Client)
            return Completion(replace(op, type="info", error=[RAISED, describe(error)]))
        if (problem := breach(op, answer)) is not None:
            return Completion(replace(op, type="info", error=["breach", problem]), problem)
        return Completion(answer)

    def retire(self) -> None:
        """Close the present client, if any; the next operation opens another."""
        if self._client is not None:
            self._close(self._client, self._process)
        self._client = self._process = None

    def _close(self, client: Client, process: int | None) -> None:
        # Beside the worker: a client that is slow to close must not delay its successor's first operation.
        self._closing = [task for task in self._closing if not task.done()]
        self._closing.append(self._runtime.spawn(self._close_quietly(client, process), f"close-{process}"))

    async def _close_quietly(self, client: Client, process: int | None) -> None:
        try:
            await bounded(self._runtime, CLOSE_MS, client.close(), f"closing-{process}")
        except Exception as error:  # noqa: BLE001 (its operations are over; a failed close changes none of them)
            self._say(f"closing the client of process {process}: {describe(error)}")

    async def close(self) -> None:
        """Close the present client and wait until all have closed, or CLOSE_MS are over."""
        self.retire()
        for task in self._closing:
            await task


class NemesisThread:
    """Performs the operations of process "nemesis": both their beginning and their end are "info" (as in Jepsen)."""

    def __init__(self, runtime: Runtime, invoke: Callable[[Op], Coroutine[Any, Any, Op]], limit_ms: float) -> None:
        self._runtime, self._nemesis, self._limit_ms = runtime, invoke, limit_ms

    async def perform(self, op: Op) -> Completion:
        try:
            answer = await bounded(self._runtime, self._limit_ms, self._nemesis(op), f"nemesis-{op.f}")
        except Exception as error:  # noqa: BLE001 (a fault that fails is no reason to lose the history)
            return Completion(replace(op, type="info", error=describe(error)))
        if not isinstance(answer, Op) or (answer.process, answer.f) != (op.process, op.f):
            problem = f"the nemesis completed {op.f!r} with {answer!r:.200}; expected an Op of the same process and f"
            return Completion(replace(op, type="info", error=["breach", problem]), problem)
        return Completion(replace(answer, type="info"))

    def retire(self) -> None:
        """Nothing to close."""

    async def close(self) -> None:
        """Nothing to close."""


class Worker:
    """A task that performs what it is given, one operation at a time, and reports each completion at once."""

    def __init__(self, runtime: Runtime, performer: ClientThread | NemesisThread, report: Callable[[Completion], None],
                 name: str) -> None:  # fmt: skip
        self._runtime, self._performer, self._report = runtime, performer, report
        self._handoff: Future[Op | None] = runtime.future()
        self._task = runtime.spawn(self._work(), name)

    def give(self, op: Op) -> None:
        """Begin ``op``; only when idle."""
        self._handoff.set_result(op)

    def retire(self) -> None:
        """Close the client; the next operation opens a new one. Only when idle."""
        self._performer.retire()

    async def close(self) -> None:
        """End the worker. Only when idle."""
        self._handoff.set_result(None)
        await self._task
        await self._performer.close()

    async def _work(self) -> None:
        while (op := await self._handoff) is not None:
            try:
                completion = await self._performer.perform(op)
            except Exception as error:  # noqa: BLE001 (a bug of ours; a worker that ends in silence would hang the run)
                problem = f"performing {op.f!r} raised {describe(error)}"
                completion = Completion(replace(op, type="info", error=["harness", problem]), problem)
            self._handoff = self._runtime.future()  # before the report: its reader may give the next operation
            self._report(completion)
