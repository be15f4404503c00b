"""Repeatable read beside predicate reads: which antidependencies count.

Adya's PL-2.99 forbids cycles "having one or more item-antidependency edges". Whether such a cycle may have predicate
antidependencies beside, as locking's repeatable read allows (long locks on items, short ones on predicates), can be
read both ways. A verdict is given only where both agree: invalid, if the antidependencies of items alone close a cycle;
valid, if none of them lies on any cycle at all.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from checkers.transactional.component import components
from checkers.transactional.composite.cell import misses_key
from checkers.transactional.graph import KIND_BITS
from checkers.transactional.lattice import Order
from checkers.transactional.register.history import INITIAL, RegisterHistory


def items_on_no_cycle(history: RegisterHistory, order: Order, commits: Sequence[int]) -> bool:
    """Whether no antidependency of an item lies on a cycle, the writes of each register being in the order of
    ``commits``."""
    edges: list[list[int]] = [[edge >> KIND_BITS for edge in out] for out in history.order(order).successors]
    missing = {
        (each.number, read.place, read.key)
        for each in history.transactions for read in each.reads if not read.own and misses_key(read)
    }  # fmt: skip
    items: list[tuple[int, int]] = []
    for register in history.registers:
        writers = sorted(register.writers, key=commits.__getitem__)
        following = dict(zip([INITIAL, *writers], writers, strict=False))
        for first, second in pairwise(writers):
            edges[first].append(second)
        for reader, writer, place in register.reads:
            if writer != INITIAL:
                edges[writer].append(reader)
            later = following.get(writer, reader)
            if later != reader:
                edges[reader].append(later)
                if (reader, place, register.key) not in missing:
                    items.append((reader, later))
    tied = {
        node: number for number, each in enumerate(components(range(len(edges)), edges.__getitem__)) for node in each
    }
    return all(source not in tied or tied[source] != tied.get(target) for source, target in items)
