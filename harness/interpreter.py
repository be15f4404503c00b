"""The interpreter: turns a generator into operations on clients and faults, and into a history.

It is the one hard loop of the harness, so here is what it must get right.

*Threads and processes.* There are ``concurrency`` client threads, and one for the nemesis if there is one. A thread
performs one operation at a time, under a process id. While a thread is busy it is not free in the generator's context.
An operation that ends in "info" may still take effect at any later time, so its process must not be seen to act again:
the thread goes on as process id + ``concurrency``, with a new client. Histories stay well-formed by construction:
between an invocation and its completion a process has no other line.

*The order of lines is the evidence.* A checker concludes that one operation preceded another from the first one's
completion standing above the other's invocation. So an invocation is recorded (and written to disk) before the worker
is given it, and a completion after the client has returned; nothing else decides the order. The loop is one task and
workers report by a plain call, so no line can slip between a record and its generator update.

*Pure generators.* The loop asks the generator in the present context. An operation due in the future is not taken: the
loop waits until its time or until something completes, and asks again from the same generator. PENDING advances the
generator (it may note the time), None ends the phase once all threads are idle.

*Bounds.* A client has its own timeout; here it gets some grace more, then the operation ends as "info" and its late
answer goes nowhere. A client that raises ends as "info" too. One that could not be opened ends as "fail": it sent
nothing. A client that answers with another process, name, key or with type "invoke" breaks its contract; nothing it
says can be believed, so the operation is recorded as "info", the run is stopped, and :class:`ContractError` raised.

*Notes.* A fault that something sets off does not wait for the nemesis's thread: its lines come through :meth:`note`, at
any moment, even from within the recording of an operation that set it off; that one then stands before them.

*Nothing but Runtime.* Time, tasks and waiting come from ``Runtime``, so the simulator runs this very code.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, Final

from harness.generator import LOG, PENDING, Context, Generator, Thread
from harness.history import NEMESIS, Op, Process
from harness.node import Future
from harness.runtime import Runtime
from harness.system import Client
from harness.worker import ClientThread, Completion, NemesisThread, Worker

POLL_MS: Final = 5.0
"""How often a pending generator is asked again when nothing completes: only time can have changed its mind."""

GRACE_MS: Final = 500.0
NEMESIS_LIMIT_MS: Final = 20_000.0


class ContractError(Exception):
    """A plug-in (client, nemesis or generator) did what its contract forbids; the text says what and what was due."""


@dataclass(slots=True)
class Counts:
    """Client operations so far, by how they ended; ``running`` have not."""

    ok: int = 0
    fail: int = 0
    info: int = 0
    running: int = 0


class Interpreter:
    """Runs generators, one after another, with the same threads, processes and clients.

    ``make(thread, process)`` gives a client, not yet open; ``nemesis(op)`` performs a fault's operation; ``record(op)``
    appends a line to the history, raising TypeError or ValueError for a value that is not JSON; ``say`` takes lines
    for people. ``counts`` may be read at any time.
    """

    def __init__(
        self,
        runtime: Runtime,
        *,
        concurrency: int,
        nodes: Sequence[str],
        make: Callable[[int, int], Client],
        record: Callable[[Op], None],
        timeout_ms: float,
        nemesis: Callable[[Op], Coroutine[Any, Any, Op]] | None = None,
        seed: int = 0,
        say: Callable[[str], None] = lambda text: None,
    ) -> None:
        assert concurrency > 0, f"read concurrency {concurrency}; expected at least one"
        assert nodes, "read no nodes; expected at least one"
        self.counts = Counts()
        self._runtime, self._concurrency, self._nodes = runtime, concurrency, tuple(nodes)
        self._record, self._seed, self._say = record, seed, say
        self._stopped = False
        self._failure: Exception | None = None
        self._signal: Future[None] | None = None
        self._generator: Generator | None = None
        self._recorded = 0
        self._appending = False
        self._notes: deque[Op] = deque()
        limit_ms = timeout_ms + GRACE_MS
        self._workers: dict[Thread, Worker] = {
            t: self._worker(ClientThread(runtime, t, make, self._node_of, limit_ms, say), f"worker-{t}")
            for t in range(concurrency)
        }
        if nemesis is not None:
            self._workers[NEMESIS] = self._worker(NemesisThread(runtime, nemesis, NEMESIS_LIMIT_MS), "worker-nemesis")
        self._threads = tuple(self._workers)
        self._free: list[Thread] = list(self._threads)
        self._processes: dict[Thread, Process] = {thread: thread for thread in self._threads}

    def _worker(self, performer: ClientThread | NemesisThread, name: str) -> Worker:
        return Worker(self._runtime, performer, self._completed, name)

    def _node_of(self, process: int) -> str:
        return self._nodes[process % len(self._nodes)]

    async def run(self, generator: Generator) -> None:
        """Run ``generator`` to its end, or until :meth:`stop`; then wait for what is still under way.

        Raises ContractError, or what ``record`` or a generator raised, after everything under way has ended.
        """
        self._generator = generator
        while (wait_ms := self._step()) is not None:
            await self._event(wait_ms)
        while len(self._free) < len(self._threads):
            await self._event(None)
        if self._failure is not None:
            raise self._failure

    def stop(self) -> None:
        """Begin nothing more, in this run or a later one; what is under way ends within its bounds."""
        self._stopped = True
        self._wake()

    def resume(self) -> None:
        """Allow runs again after :meth:`stop`: what was stopped was the load, final reads are still wanted."""
        self._stopped = False

    def note(self, op: Op) -> None:
        """Append a line of process "nemesis" that no thread performs, now or right after the line that is just being
        appended; the generator is told. Never raises: what ``record`` raises, :meth:`run` does."""
        self._notes.append(replace(op, type="info", process=NEMESIS))
        if not self._appending:
            self._append_notes()

    def _append_notes(self) -> None:
        while self._notes:
            try:
                self._put(self._notes.popleft())
            except Exception as error:  # noqa: BLE001 (whoever notes something is in the middle of something else)
                self._failure = self._failure or error
                self._wake()

    def renew(self) -> None:
        """Give every client thread a new process id and a new client. Only between runs."""
        for thread in self._threads:
            if thread != NEMESIS:
                self._retire(thread)
                self._workers[thread].retire()

    async def close(self) -> None:
        """Close all clients and end the workers. Only between runs."""
        for worker in self._workers.values():
            await worker.close()

    def _step(self) -> float | None:
        """Invoke whatever is due. Returns how long to wait (ms) unless something completes before; None at the end."""
        while not self._stopped and self._failure is None:
            assert self._generator is not None
            answer = self._generator.op(self._context())
            if answer is None:
                return POLL_MS if len(self._free) < len(self._threads) else None
            op, successor = answer
            if op is PENDING:
                self._generator = successor
                return POLL_MS
            ahead_ns = op.time - self._runtime.now()
            if ahead_ns > 0:
                return ahead_ns / 1e6
            self._generator = successor
            self._begin(op)
        return None

    def _begin(self, op: Op) -> None:
        if op.process == LOG:
            self._say(str(op.value))
            return
        thread = self._thread(op)
        if thread is None:
            return
        op = replace(op, type="info" if thread == NEMESIS else "invoke")
        self._free.remove(thread)
        if thread != NEMESIS:
            self.counts.running += 1
        self._append(op)
        self._workers[thread].give(op)

    def _thread(self, op: Op) -> Thread | None:
        """The free thread that runs as ``op.process``; None, and a failure, if the generator made that up."""
        for thread in self._free:
            if self._processes[thread] == op.process:
                if op.type == "invoke" or thread == NEMESIS:
                    return thread
                break
        self._fail(f"the generator gave {op}; expected an invocation for one of the free processes "
                   f"{[self._processes[thread] for thread in self._free]}")  # fmt: skip
        return None

    def _completed(self, completion: Completion) -> None:
        op = completion.op
        thread: Thread = op.process % self._concurrency if isinstance(op.process, int) else NEMESIS
        if completion.breach is not None:
            self._fail(completion.breach)
        if thread != NEMESIS:
            self.counts.running -= 1
            setattr(self.counts, op.type, getattr(self.counts, op.type) + 1)
        if op.type == "info" and thread != NEMESIS:
            self._retire(thread)
        self._free.append(thread)
        try:
            self._append(op)
        except Exception as error:  # noqa: BLE001 (raised here it would end the worker's task; run() raises it)
            self._failure = self._failure or error
        self._wake()

    def _append(self, op: Op) -> None:
        """Record a line, tell the generator; then what that set off."""
        self._put(op)
        if self._notes:
            self._append_notes()

    def _put(self, op: Op) -> None:
        """Record a line, then tell the generator."""
        self._appending = True
        try:
            self._record_and_tell(op.at(self._runtime.now(), self._recorded))
        finally:
            self._appending = False

    def _record_and_tell(self, op: Op) -> None:
        try:
            self._record(op)
        except (TypeError, ValueError) as error:
            self._fail(f"{op.f!r} of process {op.process} has a value that is not JSON: {error}")
            op = replace(op, value=None, extra=None, error="not JSON", type="info" if op.type != "invoke" else "invoke")
            self._record(op)
        self._recorded += 1
        if self._generator is not None:
            self._generator = self._generator.update(self._context(), op)

    def _retire(self, thread: Thread) -> None:
        process = self._processes[thread]
        assert isinstance(process, int), f"only clients retire, not {process!r}"
        self._processes[thread] = process + self._concurrency

    def _context(self) -> Context:
        now = self._runtime.now()
        return Context(now, self._threads, tuple(self._free), self._processes, self._concurrency, self._seed)

    def _fail(self, text: str) -> None:
        self._failure = self._failure or ContractError(text)
        self._wake()

    def _wake(self) -> None:
        if self._signal is not None:
            self._signal.set_result(None)
            self._signal = None

    async def _event(self, ms: float | None) -> None:
        """Return when something completes, or after ``ms``."""
        self._signal = self._runtime.future()
        if ms is None:
            await self._signal
        else:
            with suppress(TimeoutError):
                await self._runtime.within(ms, self._signal)
        self._signal = None
