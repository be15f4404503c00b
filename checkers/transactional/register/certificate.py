"""A refutation, checked again in the size of what it says, on the transactions as they are."""

from __future__ import annotations

from collections.abc import Sequence

from checkers.transactional.cycle import Edge
from checkers.transactional.graph import PROCESS, REALTIME, RW, WR, WW
from checkers.transactional.lattice import Family, Order
from checkers.transactional.pattern import ORDER_KINDS, forbids
from checkers.transactional.register.excerpt import Case, Ground, Pair
from checkers.transactional.register.history import INITIAL
from checkers.transactional.register.refutation import Refutation
from checkers.transactional.transaction import Atom, Read, Transaction


def objection(
    transactions: Sequence[Transaction],
    found: Refutation,
    family: Family,
    order: Order,
    known: frozenset[Pair] = frozenset(),
) -> str | None:
    """Why the refutation does not hold, ``known`` being orders of writes that may be taken for granted; None if it
    does: every order that a step needs is known or forced before, each cycle is forbidden, each of its edges there."""
    for each in found.forced:
        first, second = each.pair
        why = _of_case(transactions, each.otherwise, family, order, known | {(second, first)})
        if why is not None:
            return why
        known |= {each.pair}
    if found.cycle is not None:
        return _of_case(transactions, found.cycle, family, order, known)
    if found.pair is None or found.cases is None:
        return "it ends without a cycle and without a choice"
    first, second = found.pair
    one = objection(transactions, found.cases[0], family, order, known | {(first, second)})
    return one or objection(transactions, found.cases[1], family, order, known | {(second, first)})


def _of_case(
    transactions: Sequence[Transaction], case: Case, family: Family, order: Order, known: frozenset[Pair]
) -> str | None:
    edges = case.cycle.edges
    if not case.pairs <= known:
        return f"it needs an order of writes that nothing forced: {sorted(case.pairs - known)}"
    for (edge, ground), following in zip(zip(edges, case.grounds, strict=True), [*edges[1:], edges[0]], strict=True):
        if edge.target != following.source or edge.source == edge.target:
            return f"the edge to {edge.target} is not followed by one from it"
        if not _holds(transactions[edge.source], transactions[edge.target], edge, ground, transactions):
            return f"nothing in the history says that {edge.source} comes before {edge.target}"
    if forbids(family, order, case.cycle.kinds) or _misses(transactions, case, family, order):
        return None
    if family is Family.UPDATE and sum(not transactions[edge.source].appends for edge in edges) <= 1:
        return None
    return f"{family.name} does not forbid the cycle {case.cycle.kinds}"


def _misses(transactions: Sequence[Transaction], case: Case, family: Family, order: Order) -> bool:
    """Whether this is what families forbid by more than kinds: a read without a write that it could see, or that its
    own transaction overwrites."""
    back = {
        Family.MONOTONIC: (WR,),
        Family.ATOMIC: (WR, *ORDER_KINDS[order]),
        Family.CURSOR: (WW,),
    }.get(family, ())
    first, read = case.cycle.edges[0], case.grounds[0].read
    if len(case.cycle.edges) != 2 or read is None or case.cycle.edges[1].kind not in back:
        return False
    reader, missed = transactions[first.source], transactions[first.target]
    if family is Family.CURSOR:
        return read.key in reader.appends
    before = [each for each in _external(reader) if each.place < read.place]
    return family is Family.ATOMIC or any(_wrote(missed, each.key, each) for each in before)


def _holds(
    source: Transaction, target: Transaction, edge: Edge, ground: Ground, transactions: Sequence[Transaction]
) -> bool:
    if edge.kind in (PROCESS, REALTIME):
        before = source.complete is not None and source.complete < target.invoke
        return before and (edge.kind == REALTIME or source.session == target.session)
    if edge.kind == WR:
        return any(read.elements[0] in source.appends.get(read.key, ()) for read in _external(target))
    if edge.kind == WW:
        return ground.pair == (source.number, target.number) and bool(source.appends.keys() & target.appends.keys())
    seen = ground.read
    if edge.kind != RW or seen is None or seen.reader != source.number or seen.key not in target.appends:
        return False
    read = next((each for each in _external(source) if each.place == seen.place and each.key == seen.key), None)
    if read is None:
        return False
    if seen.writer == INITIAL:
        return ground.pair is None
    return ground.pair == (seen.writer, target.number) and _wrote(transactions[seen.writer], seen.key, read)


def _external(transaction: Transaction) -> Sequence[Read]:
    return [read for read in transaction.reads if not read.own]


def _wrote(writer: Transaction, key: Atom, read: Read) -> bool:
    return read.elements[0] in writer.appends.get(key, ())
