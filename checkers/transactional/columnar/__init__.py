"""Isolation levels on columns: the same verdicts, anomalies and witnesses as of plain transactions, for a million.

Of a large history of lists the graph is built and peeled as arrays (``placing``, ``edges``, ``replay``). Only what is
wrong with it becomes ordinary transactions, versions and components, each when it is asked for, and goes the ordinary
ways; only keys of which something may be wrong are read by the ordinary ``version_order``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from harness.compiled import announced

_WHAT: Final = "what decides large histories of transactions"

if TYPE_CHECKING:
    from collections.abc import Sequence

    from checkers.transactional.columnar.verdict import Examined
    from checkers.transactional.commit_order import CommitOrder
    from checkers.transactional.lattice import Model, Order
    from checkers.transactional.transaction import Transaction
    from checkers.transactional.verdict import Verdicts
    from harness.columns import Columns


def examined(columns: Columns, deadline: float | None) -> Examined | None:
    """The graph of a history of lists and its components; None where the columns have no word for it. Raises
    :class:`checkers.guard.OutOfTimeError`."""
    with announced(_WHAT):
        from checkers.transactional.columnar import verdict
        from checkers.transactional.lattice import Order

        nothing = verdict.examined(columns, None, most=0)
        if nothing is None:
            return None
        nothing.serial(Order.REALTIME)
    return verdict.examined(columns, deadline)


def decided(columns: Columns, model: Model, deadline: float | None, *, certify: bool = False) -> dict[str, Any] | None:
    """The details of the verdict on a history of registers, if the level holds; None if it does not, or if there is no
    telling by columns. Raises :class:`checkers.guard.OutOfTimeError`."""
    with announced(_WHAT):
        from checkers.transactional.columnar import registers

        if registers.decided(columns, model, None, most=0) is None:
            return None
    return registers.decided(columns, model, deadline, certify=certify)


def transactions(columns: Columns) -> Sequence[Transaction] | None:
    """The transactions of a large history of lists, each made when it is asked for; None where the columns have no word
    for them."""
    from checkers.transactional.columnar.reading import Transactions, read_lists

    reading = read_lists(columns)
    return None if reading is None else Transactions(reading)


def proved(found: Verdicts, model: Model) -> CommitOrder:
    """The commit order that shows that the level holds, which it must, of a large history of lists. Raises
    :class:`checkers.guard.OutOfTimeError`."""
    from checkers.transactional.columnar import proof

    return proof.proof(found, model)


def replayed(columns: Columns, order: Sequence[int], form: Order) -> bool:
    """Whether executing the transactions of a large history of lists one after the other in this order (their
    invocations) explains it, and keeps the order of the form. False also where there is no telling by columns."""
    with announced(_WHAT):
        from checkers.transactional.columnar import execution

        execution.explains(columns, (), form, most=0)
    return execution.explains(columns, order, form)
