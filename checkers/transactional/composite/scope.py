"""What of a history has to be looked at: only wrong reads, if there are any; of large sets what is on cycles."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from math import inf
from typing import Final

from checkers.guard import Unsupported
from checkers.transactional.composite.cell import misses_key
from checkers.transactional.composite.condensed import condensed, cycles
from checkers.transactional.composite.counter_read import counter_possibilities, wrong_total
from checkers.transactional.composite.possibility import Object, Possibility, Whole, Wrong, objects, wrong_range
from checkers.transactional.composite.reading import Composite
from checkers.transactional.composite.serial import refute, serial_order
from checkers.transactional.composite.set_read import set_possibilities, wrong_elements
from checkers.transactional.composite.verdict import WORLDS_MAX, Answers, Level, check_time
from checkers.transactional.composite.world import registers
from checkers.transactional.lattice import Order
from checkers.transactional.register.history import RegisterHistory
from checkers.transactional.register.sources import observations
from checkers.transactional.register.verdict import verdicts

CELLS_MAX: Final = 100_000
TIED_MAX: Final = 20_000
"""Parts of sets: past that only a few short cycles are looked at of what is on cycles."""
CONDENSED_MIN: Final = 2_000
"""Parts of sets: past that what is on no cycle is left out first."""
SEARCHED_MIN: Final = 200
"""Parts of counters: past that a serial order is looked for first."""


def answers(
    composite: Composite, deadline: float | None = None, *, condensed_min: int = CONDENSED_MIN, tied_max: int = TIED_MAX
) -> Answers:  # fmt: skip
    """Nothing is decided yet, but that of more than ``condensed_min`` parts of sets only those on cycles are kept, and
    of more than ``tied_max`` of these those on a few short ones.

    Raises :class:`checkers.guard.Unsupported` where there is too much to choose from.
    """
    found = objects(composite)
    wrong = list(_wrong(composite, found, deadline))
    serial: dict[Order, list[int]] = {}
    if wrong:
        found = [replace(each, reads=[]) for each in found]  # no level is left that would ask what else was read
    settled: frozenset[Level] | None = None
    if not wrong and _cells(found) > min(condensed_min, SEARCHED_MIN if _count(found) else inf):
        found, serial, settled = _condensed(composite, found, deadline, tied_max)
    open_ = list(_possibilities(found, deadline))
    made = registers(composite, found)
    certain = [(known, whole, only[0]) for known, whole, only in open_ if only and len(only) == 1]
    misses = any(misses_key(read) and not read.own for reads in made.reads for read in reads)
    try:
        base = next(made.histories(certain))
    except Unsupported:  # too many transactions may have written what was read of registers
        base = RegisterHistory((), (), (), observations(made.reading(certain)))
        if not wrong and not base.observations:
            serial = serial or _serial(composite, deadline)
            if not serial:
                raise
    return Answers(
        composite, made, wrong, open_, verdicts(base, deadline), deadline, misses, serial=serial, settled=settled
    )


def _serial(composite: Composite, deadline: float | None) -> dict[Order, list[int]]:
    """A serial order of the strongest form for which one is found; {} if none is."""
    for form in (Order.REALTIME, Order.SESSION, Order.NONE):
        order = serial_order(composite, form, deadline)
        if order is not None:
            return {form: order}
    return {}


def _wrong(composite: Composite, found: Sequence[Object], deadline: float | None) -> Iterator[Wrong]:
    for each in found:
        for whole in each.reads:
            check_time(deadline)
            if each.type == "set":
                yield from wrong_elements(each, whole, composite.transactions)
            else:
                error = wrong_total(each, whole, composite.transactions)
                if error is not None:
                    yield error
    for reader in composite.transactions:
        for micro in reader.micros:
            if micro.f == "rp":
                yield from wrong_range(composite, reader, micro)


def _possibilities(
    found: Sequence[Object], deadline: float | None
) -> Iterator[tuple[Object, Whole, list[Possibility] | None]]:  # fmt: skip
    """Of each read; of counters None once there are too many of all reads together."""
    count = 1
    for each in found:
        for whole in each.reads:
            check_time(deadline)
            possible: list[Possibility] | None = None
            if each.type == "set":
                possible = set_possibilities(each, whole)
            elif count <= WORLDS_MAX:
                possible = counter_possibilities(each, whole)
            count = WORLDS_MAX + 1 if possible is None else count * len(possible)
            yield each, whole, possible


def _cells(found: Sequence[Object]) -> int:
    return sum(len(each.reads) * len(each.updates) for each in found)


def _count(found: Sequence[Object]) -> bool:
    return any(each.type == "counter" for each in found)


def _condensed(
    composite: Composite, found: list[Object], deadline: float | None, tied_max: int
) -> tuple[list[Object], dict[Order, list[int]], frozenset[Level] | None]:
    """Only what can be on a cycle, nothing, and a serial order, if nothing is; or, of very much, what is on a few short
    cycles, and all levels whose cycles were looked for in vain."""
    known = condensed(composite, found, deadline)
    order = serial_order(composite, Order.REALTIME, deadline) if known is None else None if known.tied else known.order
    if order is not None:
        objection = refute(composite, order, Order.REALTIME)
        assert objection is None, f"the serial order does not explain the history: {objection}"
        return [replace(each, reads=[]) for each in found], {Order.REALTIME: order}, None
    if known is not None:
        tied = [each.among(known.tied) for each in found]
        if _cells(tied) <= tied_max:
            return tied, {}, None
        some = cycles(known)
        return [each.among(some.members) for each in found], {}, some.holding
    if (cells := _cells(found)) > CELLS_MAX and not _count(found):
        raise Unsupported(f"read {cells} parts of sets (reads times adders of each), and no serial order was found; "
                          f"expected at most {CELLS_MAX}: several smaller sets in place of one")  # fmt: skip
    return found, {}, None
