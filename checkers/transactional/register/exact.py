"""The levels of registers that take a search: for serializability and what is like it, the writes' order is unknown."""

from __future__ import annotations

from checkers.transactional.lattice import Family, Order
from checkers.transactional.register import refutation
from checkers.transactional.register.excerpt import excerpt
from checkers.transactional.register.saturation import Known

TRANSACTIONS_MAX = 40


class Undecided(Exception):
    """Nobody knows, within the bounds."""


def refuted_exactly(known: Known, family: Family, order: Order) -> frozenset[int] | None:
    """Transactions that by themselves refute the level; None if it holds. Raises :class:`Undecided`."""
    count = len(known.history)
    if count > TRANSACTIONS_MAX:
        raise Undecided(f"{count} transactions on registers are more than the search takes")
    try:
        found = refutation.refute(excerpt(known.history, range(count), order), family)
    except refutation.Undecided as error:
        raise Undecided(str(error)) from None
    return None if found is None else frozenset(range(count))
