"""Operations as a plan lists them, each at its time on its thread; and the listing of a recorded history's.

It is how a run is replayed operation by operation, and shrunk: a script is data, and removing one line of it leaves the
others' times and threads as they were.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.fault_window import HEAL
from harness.generator.core import PENDING, Answer, Context, Generator
from harness.history import INVOKE, NEMESIS, History, Op
from harness.plan import ScheduledOperation


@dataclass(frozen=True, slots=True)
class _Script:
    """``queues`` has each thread's operations in order of time, with their places in the listing; ``positions``, how
    many of each are over; ``left``, how many are not, over all threads."""

    queues: tuple[tuple[tuple[int, ScheduledOperation], ...], ...]
    positions: tuple[int, ...]
    left: int
    origin_ns: int | None = None

    def op(self, context: Context) -> Answer:
        if not self.left:
            return None
        if self.origin_ns is None:
            return _Script(self.queues, self.positions, self.left, context.time).op(context)
        best: tuple[int, int, int, ScheduledOperation] | None = None
        for thread in context.free:
            if not isinstance(thread, int) or thread >= len(self.queues):
                continue
            queue, position = self.queues[thread], self.positions[thread]
            if position < len(queue):
                place, scheduled = queue[position]
                candidate = (max(context.time, self.origin_ns + scheduled.time_ns), place, thread, scheduled)
                if best is None or candidate[:2] < best[:2]:
                    best = candidate
        if best is None:
            return PENDING, self
        time, _, thread, scheduled = best
        op = Op("invoke", context.processes[thread], scheduled.f, scheduled.value, time, key=scheduled.key,
                node=scheduled.node)  # fmt: skip
        positions = (*self.positions[:thread], self.positions[thread] + 1, *self.positions[thread + 1 :])
        return op, _Script(self.queues, positions, self.left - 1, self.origin_ns)

    def update(self, context: Context, event: Op) -> Generator:
        return self


def script(operations: Sequence[ScheduledOperation], concurrency: int, origin_ns: int | None = None) -> Generator:
    """Each operation at its time, counted from ``origin_ns`` (None: from the first moment it is asked), on its thread
    (0 .. concurrency - 1), under whatever process that is now; as soon as the thread is free if it is not. Of equal
    times, the one that is listed first."""
    queues: list[list[tuple[int, ScheduledOperation]]] = [[] for _ in range(concurrency)]
    for place, operation in enumerate(operations):
        queues[operation.thread].append((place, operation))
    ordered = tuple(tuple(sorted(queue, key=lambda entry: entry[1].time_ns)) for queue in queues)
    return _Script(ordered, (0,) * concurrency, len(operations), origin_ns)


def operations_of(
    history: History, main_start_ns: int, concurrency: int, main_end_ns: int | None = None
) -> tuple[ScheduledOperation, ...]:
    """What clients asked in the main phase of a recorded run, to be asked again: from ``main_start_ns`` to the heal, or
    to ``main_end_ns``, where there was none and final reads followed (None: to the end)."""
    return tuple(
        ScheduledOperation(
            time_ns=history.times[index] - main_start_ns,
            thread=process % concurrency,
            f=history.f_names[history.fs[index]],
            value=history.values[index],
            key=history.keys[index] if history.keys else None,
            node=history.nodes[index] if history.nodes else None,
        )
        for index, process in enumerate(history.processes[: _heal(history)])
        if process >= 0
        and history.types[index] == INVOKE
        and history.times[index] >= main_start_ns
        and (main_end_ns is None or history.times[index] < main_end_ns)
    )


def _heal(history: History) -> int:
    """The position of the heal that ends a run with faults; the end where there was none."""
    if HEAL not in history.f_names:
        return len(history)
    return next(
        (
            index
            for index, code in enumerate(history.processes)
            if code < 0 and history.f_names[history.fs[index]] == HEAL and history.process_name(code) == NEMESIS
        ),
        len(history),
    )
