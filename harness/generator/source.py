"""Where operations come from: single ones, functions, lines for people, and repetition of either."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from harness.generator.core import EMPTY, LOG, PENDING, Answer, Context, Generator, fill
from harness.history import Op

Make = Callable[[Context, int], Op | None]


@dataclass(frozen=True, slots=True)
class _Once:
    template: Op

    def op(self, context: Context) -> Answer:
        op = fill(self.template, context)
        return (PENDING, self) if op is PENDING else (op, EMPTY)

    def update(self, context: Context, event: Op) -> Generator:
        return self


@dataclass(frozen=True, slots=True)
class _Function:
    make: Make
    position: int = 0

    def op(self, context: Context) -> Answer:
        template = self.make(context, self.position)
        if template is None:
            return None
        op = fill(template, context)
        return (PENDING, self) if op is PENDING else (op, _Function(self.make, self.position + 1))

    def update(self, context: Context, event: Op) -> Generator:
        return self


@dataclass(frozen=True, slots=True)
class _Repeat:
    generator: Generator
    left: int | None

    def op(self, context: Context) -> Answer:
        if self.left == 0:
            return None
        answer = self.generator.op(context)
        if answer is None or answer[0] is PENDING:
            return answer if answer is None else (PENDING, replace(self, generator=answer[1]))
        return answer[0], replace(self, left=None if self.left is None else self.left - 1)

    def update(self, context: Context, event: Op) -> Generator:
        return replace(self, generator=self.generator.update(context, event))


@dataclass(frozen=True, slots=True)
class _Cycle:
    original: Generator
    current: Generator
    left: int | None
    turn: int = 0

    def op(self, context: Context) -> Answer:
        if self.left == 0:
            return None
        answer = self.current.op(context.scope(self.turn))
        if answer is not None:
            return answer[0], replace(self, current=answer[1])
        left = None if self.left is None else self.left - 1
        if left == 0:
            return None
        again = self.original.op(context.scope(self.turn + 1))
        if again is None:  # an empty generator, however often repeated, is empty
            return None
        return again[0], _Cycle(self.original, again[1], left, self.turn + 1)

    def update(self, context: Context, event: Op) -> Generator:
        return replace(self, current=self.current.update(context.scope(self.turn), event))


def once(template: Op) -> Generator:
    """That operation, once."""
    return _Once(template)


def function(make: Make) -> Generator:
    """What ``make(context, position)`` returns for position 0, 1, 2, ..., until it returns None.

    It is called when the operation is wanted and may be called again for the same position, so it must be pure: what
    is random comes from ``context.draws(position)``.
    """
    return _Function(make)


def repeat(generator: Generator, count: int | None = None) -> Generator:
    """The generator's first operation, again and again (Jepsen's ``repeat``): its state does not advance."""
    return _Repeat(generator, count)


def cycle(generator: Generator, count: int | None = None) -> Generator:
    """The whole generator, from its beginning each time it is exhausted; each turn draws its own random numbers."""
    return _Cycle(generator, generator, count)


def log(text: str) -> Generator:
    """A line for the person who watches, shown when its turn comes."""
    return _Once(Op(type="info", process=LOG, f=LOG, value=text))
