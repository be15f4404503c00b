"""Operations that may have taken effect, object by object: what is left of a history once it is read.

A linearizable system of independent objects is linearizable object by object (locality: Herlihy & Wing 1990, theorem
1), so each is decided alone. What certainly did not happen, and what constrains nothing, is dropped here.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal

from checkers.linearizable.model import Adapting, Model, Partitioned, Reading, State, Step
from checkers.value import Codes
from harness.columns import NUMBER
from harness.history import DUMP, INVOKE, TYPES, Call, History, OpType

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from harness.columns import Columns


@dataclass(frozen=True, slots=True)
class Operation:
    """A call and its step. ``invoke`` and ``complete`` are positions in the history, which decide the order of time;
    ``complete`` None: it may take effect at any time after ``invoke``, or never."""

    invoke: int
    complete: int | None
    step: Step
    call: Call = field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class KeyHistory:
    """One object's operations: those that took effect, and those that may have; each in order of invocation. The
    object begins in the state ``initial`` of the ``model``."""

    key: Any
    model: Model
    initial: State
    required: tuple[Operation, ...]
    optional: tuple[Operation, ...]


def by_key(
    history: History,
    model: Model,
    codes: Codes,
    nil_reads: Literal["value", "unknown"] = "value",
    initial: Any = None,
) -> list[KeyHistory]:
    """The operations of each object, in order of the keys' first appearance.

    Raises :class:`harness.history.HistoryError` for lines that do not pair up, and
    :class:`checkers.guard.Unsupported` for an operation that the model does not know.
    """
    found = by_key_of(history.calls(), model, Reading(codes, nil_reads == "value"), initial)
    return [each for of_key in found for each in of_key]


def by_key_of(calls: Iterable[Call], model: Model, reading: Reading, initial: Any) -> list[list[KeyHistory]]:
    """The same, of these calls (by invocation), each key's objects by themselves."""
    of_keys: dict[int, list[Call]] = {}
    for call in calls:
        if call.f != DUMP:
            of_keys.setdefault(reading.code(call.key), []).append(call)
    return [list(_read(of_key, model, reading, initial)) for of_key in of_keys.values()]


def calls_at(history: History, invocations: Sequence[int]) -> Iterator[Call]:
    """The calls invoked at these positions of a history with columns, without those of the whole history; their errors
    are not read."""
    columns = history.columns
    assert columns is not None, "a history with columns"
    invocations = list(invocations)  # what else a sequence may be, numpy may take for something else
    ends: list[int] = columns.partners[invocations].tolist()
    answers = [max(end, 0) for end in ends]  # for what did not complete something is read that is not used
    arguments, results = _values(columns, invocations), _values(columns, answers)
    completions: list[int] = columns.types[answers].tolist()
    names = (*columns.key_names, None)  # NO_KEY, -1, is the last one
    codes = [-1] * len(ends) if columns.keys is None else columns.keys[invocations].tolist()
    processes, fs = columns.processes[invocations].tolist(), columns.fs[invocations].tolist()
    for i, end in enumerate(ends):
        outcome: OpType = TYPES[completions[i]] if end >= 0 else "info"
        assert outcome != "invoke", "an invocation is no completion"
        yield Call(
            invoke=invocations[i],
            complete=end if end >= 0 else None,
            process=processes[i],
            f=columns.f_names[fs[i]],
            argument=arguments[i],
            result=results[i] if end >= 0 else None,
            outcome=outcome,
            key=names[codes[i]],
        )


def _values(columns: Columns, lines: Sequence[int]) -> list[Any]:
    values: list[Any] = columns.numbers[lines].tolist()
    for i, kind in enumerate(columns.kinds[lines].tolist()):
        if kind != NUMBER:
            values[i] = columns.value(lines[i])
    return values


def invocations_by_key(columns: Columns) -> list[list[int]]:
    """The invocations of all clients, those of each key by themselves, in order of the keys' first appearance."""
    import numpy as np

    lines = np.flatnonzero((columns.types == INVOKE) & (columns.processes >= 0))
    if DUMP in columns.f_names:
        lines = lines[columns.fs[lines] != columns.f_names.index(DUMP)]
    return grouped(lines, np.zeros(len(lines)) if columns.keys is None else columns.keys[lines])


def grouped(lines: NDArray[Any], codes: NDArray[Any]) -> list[list[int]]:
    """The lines (ascending) of each code by themselves, in order of the codes' first appearance."""
    import numpy as np

    order = np.argsort(codes, kind="stable")
    breaks = np.flatnonzero(np.diff(codes[order])) + 1
    found: list[list[int]] = [each.tolist() for each in np.split(lines[order], breaks)] if len(lines) else []
    return sorted(found, key=lambda each: each[0])


def _read(calls: Sequence[Call], model: Model, reading: Reading, initial: Any) -> Iterator[KeyHistory]:
    """One key's calls as one object, or as several that are independent."""
    happened = [call for call in calls if call.outcome != "fail"]
    if isinstance(model, Adapting):
        model = model.adapted(happened, initial)
    required: list[Operation] = []
    optional: list[Operation] = []
    for call in happened:
        step = model.parse(call, reading)
        if step is None or (call.outcome != "ok" and model.observes(step)):
            continue
        if call.outcome == "ok":
            required.append(Operation(call.invoke, call.complete, step, call))
        else:
            optional.append(Operation(call.invoke, None, step, call))
    whole = KeyHistory(calls[0].key, model, model.begin(initial, reading), tuple(required), tuple(optional))
    yield from _parts(whole)


def _parts(whole: KeyHistory) -> Iterator[KeyHistory]:
    operations = (*whole.required, *whole.optional)
    steps = [operation.step for operation in operations]
    names = whole.model.parts(steps) if isinstance(whole.model, Partitioned) and steps else None
    if names is None:
        yield whole
        return
    found: defaultdict[Hashable, tuple[list[Operation], list[Operation]]] = defaultdict(lambda: ([], []))
    for i, (name, operation) in enumerate(zip(names, operations, strict=True)):
        found[name][i >= len(whole.required)].append(operation)
    for required, optional in found.values():
        yield replace(whole, required=tuple(required), optional=tuple(optional))
