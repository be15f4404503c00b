"""A few transactions of a history, decided by brute force: whether they alone violate a level.

Of what they read only what they wrote themselves is left, or what was there at first: the dependencies among them are
those that the whole history has, and what forbids an excerpt forbids the whole.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Final

from checkers.transactional import brute
from checkers.transactional.commit_order import Initial
from checkers.transactional.lattice import Model
from checkers.transactional.register import brute as register_brute
from checkers.transactional.register.reading import Reading
from checkers.transactional.transaction import Read, Transaction

MEMBERS_MAX: Final = 5


def violates(
    transactions: Sequence[Transaction], members: Collection[int], model: Model, initial: Initial | None
) -> bool | None:
    """Whether the transactions with these invocations violate the level, by its definition and over all orders; None if
    they are too many to tell. ``initial``: as in :func:`checkers.transactional.axiom.refute`."""
    chosen = [each for each in transactions if each.invoke in members]
    if len(chosen) > MEMBERS_MAX:
        return None
    try:
        if initial is None:
            return not brute.holds(_lists(chosen), model)
        return not register_brute.holds(Reading(_registers(chosen, initial), initial), model)
    except brute.TooLarge:
        return None


def _lists(chosen: Sequence[Transaction]) -> list[Transaction]:
    appended = {(key, element) for each in chosen for key, elements in each.appends.items() for element in elements}

    def left(read: Read) -> Read:
        return read._replace(elements=tuple(each for each in read.elements if (read.key, each) in appended))

    return [replace(each, number=number, reads=[*map(left, each.reads)]) for number, each in enumerate(chosen)]


def _registers(chosen: Sequence[Transaction], initial: Initial) -> list[Transaction]:
    written = {(key, value) for each in chosen for key, values in each.appends.items() for value in values}

    def is_left(read: Read) -> bool:
        return bool(read.own) or (read.key, read.elements[0]) in written or initial(read.key) == read.elements[0]

    return [replace(each, number=number, reads=[*filter(is_left, each.reads)]) for number, each in enumerate(chosen)]
