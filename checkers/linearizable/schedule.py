"""One object's operations arranged for the search of any model: by completion, with bits and classes of steps.

Operations that took effect are numbered by *rank*, the order of their completions, as in ``problem``; each has the
number of its step. Operations with equal steps are interchangeable but for their times. Those that perhaps took effect
are kept as classes of equal steps: how many of a class are used is all that a configuration says of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

from checkers.linearizable.model import Model, Selective, Step
from checkers.linearizable.operation import KeyHistory, Operation
from checkers.linearizable.problem import completion, cuts, openings


@dataclass(frozen=True, slots=True)
class StepClass:
    """Operations that perhaps took effect, with the same step, by invocation."""

    step: int
    invokes: tuple[int, ...]
    operations: tuple[Operation, ...]


@dataclass(frozen=True, slots=True)
class Schedule:
    """Lists are indexed by rank but for ``steps`` and ``observers``, which are by the number of a step. ``open`` are
    the ranks invoked before a rank completes and not completed, ascending; ``watching`` those of them that only
    observe. ``cuts`` are the ranks at which nothing is open."""

    operations: tuple[Operation, ...]
    step_of: list[int]
    completes: list[int]
    bits: list[int]
    open: list[tuple[int, ...]]
    watching: list[tuple[int, ...]]
    cuts: tuple[int, ...]
    classes: tuple[StepClass, ...]
    steps: tuple[Step, ...]
    observers: tuple[bool, ...]

    def __len__(self) -> int:
        return len(self.operations)


def schedule(key: KeyHistory) -> Schedule:
    """The arrangement of an object's operations. Raises :class:`checkers.linearizable.problem.TooLarge`."""
    operations = tuple(sorted(key.required, key=completion))
    numbers: dict[Step, int] = {}
    step_of = [numbers.setdefault(operation.step, len(numbers)) for operation in operations]
    invokes, completes = [operation.invoke for operation in operations], [completion(o) for o in operations]
    bits, opens = openings(invokes, completes)
    classes = _classes(key, completes[-1] if completes else -1, numbers)
    observers = tuple(key.model.observes(step) for step in numbers)
    return Schedule(
        operations=operations,
        step_of=step_of,
        completes=completes,
        bits=bits,
        open=opens,
        watching=[tuple(each for each in ranks if observers[step_of[each]]) for ranks in opens],
        cuts=cuts(invokes, completes),
        classes=classes,
        steps=tuple(numbers),
        observers=observers,
    )


def _classes(key: KeyHistory, last: int, numbers: dict[Step, int]) -> tuple[StepClass, ...]:
    """The optional operations worth considering: none that was invoked when all others had completed."""
    optional = [o for o in sorted(key.optional, key=lambda o: o.invoke) if o.invoke < last]
    grouped: defaultdict[Step, list[Operation]] = defaultdict(list)
    for operation, relevant in zip(optional, _relevant(key, optional), strict=True):
        if relevant:
            grouped[operation.step].append(operation)
    return tuple(
        StepClass(numbers.setdefault(step, len(numbers)), tuple(o.invoke for o in operations), tuple(operations))
        for step, operations in grouped.items()
    )


def _relevant(key: KeyHistory, optional: Sequence[Operation]) -> Sequence[bool]:
    model: Model = key.model
    if not optional or not isinstance(model, Selective):
        return [True] * len(optional)
    return model.relevant(
        [operation.step for operation in key.required], [operation.step for operation in optional], key.initial
    )
