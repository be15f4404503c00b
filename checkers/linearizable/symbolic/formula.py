"""A question in yes-no variables: clauses and weighted sums, folded while they are built, and not yet of any solver.

A literal is an integer: a variable, or its complement with a minus. Variable 1 is true.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

from checkers.guard import OutOfTimeError, Unsupported
from checkers.linearizable.limit import Limit
from checkers.linearizable.problem import TooLarge

TRUE: Final = 1
FALSE: Final = -1
LITERALS_MAX: Final = 5_000_000
WEIGHT_MAX: Final = 2**28  # of all terms of a sum together: beyond 32 bits z3 miscounts, silently
_CLOCK_EVERY: Final = 4096


@dataclass(frozen=True, slots=True)
class Sum:
    """Where ``guard`` holds, the weights (positive) of those ``literals`` that hold add up to at least ``low``."""

    guard: int
    weights: tuple[int, ...]
    literals: tuple[int, ...]
    low: int


@dataclass(slots=True)
class Formula:
    """Raises :class:`TooLarge` when it grows beyond LITERALS_MAX, OutOfTimeError past the limit."""

    limit: Limit
    clauses: list[tuple[int, ...]] = field(default_factory=list)
    sums: list[Sum] = field(default_factory=list)
    variables: int = 1
    size: int = 0
    _both: dict[tuple[int, int], int] = field(default_factory=dict)

    def variable(self) -> int:
        self.variables += 1
        return self.variables

    def add(self, *literals: int) -> None:
        """At least one of these holds."""
        if TRUE in literals:
            return
        clause = tuple(literal for literal in literals if literal != FALSE) if FALSE in literals else literals
        self.clauses.append(clause)
        self._grow(len(clause) + 1)

    def both(self, a: int, b: int) -> int:
        """A literal that holds exactly when both do."""
        if a == -b or FALSE in (a, b):
            return FALSE
        if a in (TRUE, b):
            return b
        if b == TRUE:
            return a
        pair = (min(a, b), max(a, b))
        if pair not in self._both:
            self._both[pair] = both = self.variable()
            self.add(-both, a)
            self.add(-both, b)
            self.add(both, -a, -b)
        return self._both[pair]

    def at_most_one(self, literals: Sequence[int]) -> None:
        self.sum(TRUE, [(1, literal) for literal in literals], high=1)

    def sum(
        self, guard: int, terms: Sequence[tuple[int, int]], *, low: int | None = None, high: int | None = None
    ) -> None:
        """Where the guard holds, the weights (of any sign) of the literals that hold are together within the bounds.
        Raises Unsupported for numbers that z3 cannot be trusted with."""
        if low is not None:
            self._at_least(guard, terms, low)
        if high is not None:
            self._at_least(guard, [(-weight, literal) for weight, literal in terms], -high)

    def _at_least(self, guard: int, terms: Sequence[tuple[int, int]], low: int) -> None:
        shift, weights, literals = _positive(terms)
        low, total = low - shift, sum(weights)
        if low <= 0 or guard == FALSE:
            return
        if low > total:
            self.add(-guard)
        elif low <= min(weights):  # one of them is enough
            self.add(-guard, *literals)
        elif low > total - min(weights):  # not one of them may be missing
            for literal in literals:
                self.add(-guard, literal)
        else:
            if total > WEIGHT_MAX:
                raise Unsupported(f"read amounts of {total} together; z3 is given sums of {WEIGHT_MAX} at most")
            self.sums.append(Sum(guard, tuple(weights), tuple(literals), low))
            self._grow(len(weights) + 3)

    def check_time(self) -> None:
        """Raises OutOfTimeError past the limit; for loops that may add nothing for long."""
        if self.limit.expired():
            raise OutOfTimeError

    def _grow(self, size: int) -> None:
        clocks = self.size // _CLOCK_EVERY
        self.size += size
        if self.size > LITERALS_MAX:
            raise TooLarge(f"a question of more than {LITERALS_MAX} literals to z3")
        if self.size // _CLOCK_EVERY != clocks:
            self.check_time()


def _positive(terms: Sequence[tuple[int, int]]) -> tuple[int, list[int], list[int]]:
    """The terms with positive weights and no constants, and what is to be added to their sum."""
    shift = 0
    weights: list[int] = []
    literals: list[int] = []
    for weight, literal in terms:
        if literal in (TRUE, FALSE) or weight == 0:
            shift += weight if literal == TRUE else 0
            continue
        shift += min(weight, 0)
        weights.append(abs(weight))
        literals.append(literal if weight > 0 else -literal)
    return shift, weights, literals
