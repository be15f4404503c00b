"""The causal past of every transaction, as vector clocks over chains of transactions."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence

from checkers.transactional.cycle import peeled
from checkers.transactional.graph import KIND_BITS, Graph
from checkers.transactional.register.history import INITIAL, RegisterHistory
from checkers.transactional.register.precedence import Groups

Clock = list[int]
Sees = Callable[[int, int], Iterator[int]]
"""``sees(source, register)``: of each chain the last writer of the register in the past, unless it is the source or
came before it."""


def causal_pasts(
    history: RegisterHistory, graph: Graph, groups: Groups, readers: Mapping[int, object]
) -> Iterator[tuple[int, Sees]]:
    """Each of the readers with what it could see, from earlier to later. The graph must have no cycle.

    A clock has, for each chain, how many of its transactions are in the past; it is dropped once all that follows has
    been seen.
    """
    chains = groups.chains()
    places = _places(chains, len(history))
    writers = _writers(history, places)
    order, rest = peeled(graph)
    assert not rest, "a past is what comes before"
    clocks: dict[int, Clock] = {}
    zero = [0] * len(chains)
    waiting = [0] * len(graph.successors)
    predecessors: list[list[int]] = [[] for _ in graph.successors]
    for node, edges in enumerate(graph.successors):
        for target in dict.fromkeys(edge >> KIND_BITS for edge in edges):
            predecessors[target].append(node)
            waiting[node] += 1
    for node in order:
        clock = _merged([clocks[each] for each in predecessors[node]]) or list(zero)
        for each in predecessors[node]:
            if each < len(places):
                chain, place = places[each]
                if clock[chain] <= place:
                    clock[chain] = place + 1
        clocks[node] = clock
        if node in readers:
            yield node, _sight(clock, clocks, writers, places, node)
        for each in predecessors[node]:
            waiting[each] -= 1
            if not waiting[each]:
                del clocks[each]
        if not waiting[node]:
            del clocks[node]


def _merged(several: Sequence[Clock]) -> Clock:
    if len(several) < 2:
        return list(several[0]) if several else []
    return list(map(max, *several))


def _places(chains: Sequence[Sequence[int]], count: int) -> list[tuple[int, int]]:
    """(chain, place in it) of each transaction."""
    places = [(0, 0)] * count
    for number, chain in enumerate(chains):
        for place, each in enumerate(chain):
            places[each] = (number, place)
    return places


def _writers(
    history: RegisterHistory, places: Sequence[tuple[int, int]]
) -> list[list[tuple[int, list[int], list[int]]]]:
    """For each register and chain with writers of it: (chain, their places in it, the writers)."""
    found = []
    for register in history.registers:
        by_chain: dict[int, tuple[list[int], list[int]]] = {}
        for writer in register.writers:
            chain, place = places[writer]
            of_chain = by_chain.setdefault(chain, ([], []))
            of_chain[0].append(place)
            of_chain[1].append(writer)
        found.append([(chain, *listed) for chain, listed in by_chain.items()])
    return found


def _sight(
    clock: Clock, clocks: Mapping[int, Clock], writers: Sequence[Sequence[tuple[int, list[int], list[int]]]],
    places: Sequence[tuple[int, int]], reader: int,
) -> Sees:  # fmt: skip
    def sees(source: int, register: int) -> Iterator[int]:
        of_source = None if source == INITIAL else clocks[source]
        for chain, listed, numbers in writers[register]:
            reached = clock[chain]
            if reached <= listed[0] or (of_source is not None and of_source[chain] >= reached):
                continue
            last = bisect_left(listed, reached) - 1
            seen = numbers[last]
            if seen != source and (of_source is None or of_source[chain] <= listed[last]):
                yield seen

    return sees
