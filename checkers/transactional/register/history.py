"""What is known of a history of transactions on registers: who wrote, who read from whom, and what came before what.

This is what every decision about registers starts from. The order in which the writes of one register took effect is
not in it: no read shows it. Reads of a transaction's own writes are not in it either, nor reads that no write explains
(``observations`` has those); a read of a version between two writes of one transaction (G1b) is one of its writer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from checkers.transactional.graph import REALTIME, Graph, add_completion_order, add_sessions
from checkers.transactional.lattice import Order
from checkers.transactional.transaction import Atom, Transaction
from checkers.transactional.version_order import Observation

INITIAL: Final = -1
"""The writer of what a register held at the beginning."""


class SourcedRead(NamedTuple):
    """``reader`` saw what ``writer`` (or INITIAL) wrote; ``place``: its micro-operation in the reader. The writer is
    never the reader. One transaction may have several reads of one register, of the same writer or of others."""

    reader: int
    writer: int
    place: int


@dataclass(frozen=True, slots=True)
class Register:
    """One key: the committed transactions that wrote it, in order of invocation, and the reads of committed ones."""

    key: Atom
    writers: tuple[int, ...]
    reads: tuple[SourcedRead, ...]


@dataclass(frozen=True, slots=True, eq=False)
class RegisterHistory:
    """``transactions`` are those that count as committed, ``transactions[i].number == i``, in order of invocation;
    ``uncommitted`` the others, which failed, or whose outcome is unknown and of which nobody read (their numbers go on
    behind). In each, ``appends[key]`` are the values written, in order; a read's ``elements`` is the one value."""

    transactions: Sequence[Transaction]
    uncommitted: Sequence[Transaction]
    registers: Sequence[Register]
    observations: Sequence[Observation] = ()

    def __len__(self) -> int:
        return len(self.transactions)

    def order(self, order: Order) -> Graph:
        """The order of the model's form as edges of the kinds PROCESS and, for REALTIME, REALTIME; nodes from
        ``len(self)`` on are joints, which stand for no transaction. The reach of the edges is the order: reduced, not
        closed."""
        graph = Graph(len(self))
        if order is not Order.NONE:
            add_sessions(graph, self.transactions)
        if order is Order.REALTIME:
            add_completion_order(graph, self.transactions, REALTIME)
        return graph
