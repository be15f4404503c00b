"""When operations begin: at a total rate, evenly spaced, or at a given moment.

A generator that has given nothing yet gives its first operation at once: it may be asked several times before that
operation is taken, and a random first gap would begin anew each time.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

from harness.generator.core import LOG, PENDING, Answer, Context, Generator
from harness.history import Op

Spacing = Literal["exponential", "uniform", "even"]

CATCH_UP_NS: Final = 50_000_000
"""How much lateness is made good: enough for the hiccups of a busy machine, too little for a burst after a long stall
(all clients waiting out a partition), which would be load that nobody asked for."""


@dataclass(frozen=True, slots=True)
class _Spaced:
    mean_ns: float
    spacing: Spacing
    generator: Generator
    next_ns: int | None = None
    position: int = 0

    def op(self, context: Context) -> Answer:
        answer = self.generator.op(context.scope("spaced"))
        if answer is None:
            return None
        op, successor = answer
        if op is PENDING or op.process == LOG:
            return op, self._with(successor)
        due = op.time if self.next_ns is None else max(op.time, self.next_ns)
        anchor = due if self.next_ns is None else max(self.next_ns, op.time - CATCH_UP_NS)
        following = anchor + self._gap_ns(context)
        return op.at(due), _Spaced(self.mean_ns, self.spacing, successor, following, self.position + 1)

    def _gap_ns(self, context: Context) -> int:
        if self.spacing == "even":
            return round(self.mean_ns)
        draws = context.draws(self.position)
        if self.spacing == "uniform":
            return round(draws.uniform(0.0, 2 * self.mean_ns))
        return round(draws.exponential(self.mean_ns))

    def update(self, context: Context, event: Op) -> Generator:
        return self._with(self.generator.update(context.scope("spaced"), event))

    def _with(self, generator: Generator) -> _Spaced:
        return _Spaced(self.mean_ns, self.spacing, generator, self.next_ns, self.position)


@dataclass(frozen=True, slots=True)
class _At:
    time_ns: int
    generator: Generator

    def op(self, context: Context) -> Answer:
        answer = self.generator.op(context)
        if answer is None:
            return None
        op, successor = answer
        if op is PENDING:
            return op, _At(self.time_ns, successor)
        return op.at(max(op.time, self.time_ns)), _At(self.time_ns, successor)

    def update(self, context: Context, event: Op) -> Generator:
        return _At(self.time_ns, self.generator.update(context, event))


@dataclass(frozen=True, slots=True)
class _Quiet:
    length_ns: int
    generator: Generator

    def op(self, context: Context) -> Answer:
        return PENDING, _At(context.time + self.length_ns, self.generator)

    def update(self, context: Context, event: Op) -> Generator:
        return _Quiet(self.length_ns, self.generator.update(context, event))


def rate(per_second: float, generator: Generator, spacing: Spacing = "exponential") -> Generator:
    """``per_second`` operations a second on average, counted over all threads together (Jepsen's ``stagger``).

    "exponential" gaps make a Poisson process, "uniform" ones are drawn from [0, 2 / rate) as Jepsen does, "even" ones
    are all the same. With all threads busy fewer come; the loss is not made good later (see CATCH_UP_NS).
    """
    if per_second <= 0:
        raise ValueError(f"read a rate of {per_second}/s; expected more than 0")
    return _Spaced(1e9 / per_second, spacing, generator)


def stagger(mean_seconds: float, generator: Generator) -> Generator:
    """Gaps drawn from [0, 2 * mean_seconds), over all threads together: Jepsen's ``stagger``."""
    return _Spaced(mean_seconds * 1e9, "uniform", generator)


def delay(seconds: float, generator: Generator) -> Generator:
    """Operations ``seconds`` apart, over all threads together."""
    return _Spaced(seconds * 1e9, "even", generator)


def at(time_ns: int, generator: Generator) -> Generator:
    """Operations not before ``time_ns`` on the run's clock."""
    return _At(time_ns, generator)


def quiet(seconds: float, generator: Generator) -> Generator:
    """Operations not before ``seconds`` after the first time it is asked."""
    return _Quiet(round(seconds * 1e9), generator)
