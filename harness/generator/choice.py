"""Which of several generators is asked next: a random one, or the one whose operation is due first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.generator.core import EMPTY, PENDING, Answer, Context, Generator, Pending
from harness.history import Op

Soonest = tuple[Op | Pending, int, tuple[Generator, ...]] | None


def soonest(generators: Sequence[Generator], contexts: Sequence[Context], first: int) -> Soonest:
    """Ask several generators, each in its own context, and choose with :func:`choose`."""
    return choose(generators, [g.op(c) for g, c in zip(generators, contexts, strict=True)], first)


def choose(generators: Sequence[Generator], answers: Sequence[Answer], first: int) -> Soonest:
    """The earliest operation among the generators' answers, the index of the one that gave it, and all successors.

    Equal times go to the first one at or after index ``first``, cyclically, so that a caller who passes the index after
    the last winner's is fair. PENDING if none has an operation and one may have, else None. A generator whose operation
    was not chosen does not advance: it will give that operation again.
    """
    successors = list(generators)
    best: tuple[Op, int, Generator] | None = None
    pending = False
    for offset in range(len(successors)):
        index = (first + offset) % len(successors)
        answer = answers[index]
        if answer is None:
            successors[index] = EMPTY
            continue
        op, successor = answer
        if op is PENDING:
            pending, successors[index] = True, successor
        elif best is None or op.time < best[0].time:
            best = (op, index, successor)
    if best is None:
        return (PENDING, first, tuple(successors)) if pending else None
    op, index, successors[best[1]] = best
    return op, index, tuple(successors)


@dataclass(frozen=True, slots=True)
class _AnyOf:
    generators: tuple[Generator, ...]
    first: int = 0

    def op(self, context: Context) -> Answer:
        contexts = [context.scope(index) for index in range(len(self.generators))]
        answer = soonest(self.generators, contexts, self.first)
        if answer is None:
            return None
        op, index, successors = answer
        return op, _AnyOf(successors, self.first if op is PENDING else (index + 1) % len(successors))

    def update(self, context: Context, event: Op) -> Generator:
        return _AnyOf(tuple(g.update(context.scope(i), event) for i, g in enumerate(self.generators)), self.first)


@dataclass(frozen=True, slots=True)
class _Mix:
    generators: tuple[Generator, ...]
    weights: tuple[float, ...]
    position: int = 0

    def op(self, context: Context) -> Answer:
        weights = list(self.weights)
        while any(weights):
            index = context.draws(self.position).weighted(weights)
            answer = self.generators[index].op(context.scope(index))
            if answer is None:
                weights[index] = 0.0
                continue
            op, successor = answer
            generators = (*self.generators[:index], successor, *self.generators[index + 1 :])
            return op, _Mix(generators, tuple(weights), self.position + (op is not PENDING))
        return None

    def update(self, context: Context, event: Op) -> Generator:
        generators = tuple(g.update(context.scope(i), event) for i, g in enumerate(self.generators))
        return _Mix(generators, self.weights, self.position)


def any_of(*generators: Generator) -> Generator:
    """Whichever generator's operation is due first (Jepsen's ``any``); they take turns when equal."""
    return _AnyOf(generators)


def mix(*generators: Generator, weights: Sequence[float] | None = None) -> Generator:
    """A random one of the generators for each operation, in proportion to the weights; exhausted ones drop out."""
    if weights is not None and (len(weights) != len(generators) or min(weights, default=1.0) < 0):
        raise ValueError(f"read weights {list(weights)}; expected {len(generators)} numbers of at least 0")
    return _Mix(generators, tuple(weights) if weights is not None else (1.0,) * len(generators))
