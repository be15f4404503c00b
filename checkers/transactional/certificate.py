"""Evidence, and its check in linear time: a serial order that explains every read, a cycle whose every edge is there.

Both checks work on the transactions as they are, not on the graph from which the evidence came.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence

from checkers.transactional.cycle import Edge
from checkers.transactional.graph import PROCESS, REALTIME, RW, WR
from checkers.transactional.lattice import Order
from checkers.transactional.transaction import Atom, Read, Transaction


def refute_serial(transactions: Sequence[Transaction], order: Sequence[int], form: Order) -> str | None:
    """Why executing the transactions one after the other in that order does not explain the history; None if it does.

    All that certainly committed must be there once, what failed must not; sessions or real time must be respected.
    """
    if len(set(order)) != len(order) or any(not 0 <= number < len(transactions) for number in order):
        return "a transaction is there twice, or is none of the history's"
    executed = set(order)
    for each in transactions:
        if (each.outcome == "ok" and each.number not in executed) or (
            each.outcome == "fail" and each.number in executed
        ):
            return f"transaction {each.invoke} is {each.outcome}, and {'not ' * (each.outcome == 'ok')}in the order"
    lists: dict[Atom, list[Atom]] = {}
    for number in order:
        objection = _execute(transactions[number], lists)
        if objection:
            return objection
    return _order_objection([transactions[number] for number in order], form)


def _execute(transaction: Transaction, lists: dict[Atom, list[Atom]]) -> str | None:
    for read in transaction.reads:
        state = [*lists.get(read.key, ()), *transaction.appends[read.key][: read.own]] if read.own else lists.get(
            read.key, [])  # fmt: skip
        if tuple(state) != read.elements:
            return f"transaction {transaction.invoke} read another list than the one that was there"
    for key, elements in transaction.appends.items():
        lists.setdefault(key, []).extend(elements)
    return None


def _order_objection(executed: Sequence[Transaction], form: Order) -> str | None:
    """Nothing may be executed after something that began only after it had completed."""
    if form is Order.NONE:
        return None
    latest: dict[Hashable, int] = {}
    for each in executed:
        group = each.session if form is Order.SESSION else None
        if each.complete is not None and each.complete < latest.get(group, -1):
            return f"transaction {each.invoke} had completed before one that is executed before it began"
        latest[group] = max(latest.get(group, -1), each.invoke)
    return None


def refute_cycle(transactions: Sequence[Transaction], edges: Sequence[Edge]) -> str | None:
    """Why this is no cycle of dependencies: an edge that does not hold, or that does not begin where the last ended."""
    for edge, following in zip(edges, [*edges[1:], edges[0]], strict=True):
        if edge.target != following.source or edge.source == edge.target:
            return f"the edge to {edge.target} is not followed by one from it"
        if not _edge_holds(transactions, transactions[edge.source], transactions[edge.target], edge.kind):
            return f"nothing in the history says that {edge.source} comes before {edge.target}"
    return None


def _edge_holds(transactions: Sequence[Transaction], source: Transaction, target: Transaction, kind: int) -> bool:
    if kind in (PROCESS, REALTIME):
        before = source.complete is not None and source.complete < target.invoke
        return before and (kind == REALTIME or source.session == target.session)
    if kind == WR:
        return any(_read_last(transactions, source, read) for read in target.reads)
    if kind == RW:
        return any(not set(target.appends.get(read.key, read.elements)) <= set(read.elements) for read in source.reads)
    return _written_before(transactions, source, target)


def touching(transactions: Sequence[Transaction], key: Atom) -> Iterable[Transaction]:
    """At least those with a micro-operation on the key: all of them, unless the sequence itself knows which."""
    found: Iterable[Transaction] = getattr(transactions, "touching", lambda key: transactions)(key)
    return found


def _read_last(transactions: Sequence[Transaction], source: Transaction, read: Read) -> bool:
    """Whether the last element that was read, beside the reader's own, is the source's. Where something else is wrong
    with the read, what nobody wrote or what was aborted does not count."""
    appended = source.appends.get(read.key)
    if not appended:
        return False
    elements = read.elements[: len(read.elements) - read.own]
    if elements and elements[-1] in appended:
        return True
    settled = {
        element
        for each in touching(transactions, read.key)
        if each.outcome != "fail"
        for element in each.appends.get(read.key, ())
    }
    kept = list(dict.fromkeys(element for element in read.elements if element in settled))
    return len(kept) > read.own and kept[len(kept) - read.own - 1] in appended


def _written_before(transactions: Sequence[Transaction], source: Transaction, target: Transaction) -> bool:
    """Some read shows an element of the source before one of the target, or without one; or nobody read either."""
    for key in source.appends.keys() & target.appends.keys():
        unread = True
        for reader in touching(transactions, key):
            for read in reader.reads:
                if read.key == key:
                    places = {element: place for place, element in enumerate(dict.fromkeys(read.elements))}
                    ours = [places[each] for each in source.appends[key] if each in places]
                    theirs = [places.get(each, len(places)) for each in target.appends[key]]
                    unread &= not ours and min(theirs) == len(places)
                    if ours and min(ours) < max(theirs):
                        return True
        if unread:
            return True
    return False
