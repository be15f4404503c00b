"""Stacks whose values are distinct: split where the stack may be empty, and take away what may lie at the bottom.

A value whose push and pop overlap can be pushed and popped at one moment and constrains nothing. Of the others, those
whose critical slots connect without a gap form a component; at a gap the stack may be empty (``pairing``), so
components are independent. Within one the stack is never empty, so one value lies at the bottom throughout: its push
can come before all pushes of the component have completed, its pop after all pops were invoked. Any such value will do:
in an order with another one at the bottom it can be moved out to the very first and the very last place. So all such
values are taken away, and what is left is decided alike. A component without one is refuted, and so is already any
chain of its values that covers it.

The decomposition is that of Abdulla, Atig, Bouajjani et al. (arXiv 2509.17795) and Lee & Mathur (arXiv 2410.04581),
whose earlier versions, and others before them, had gaps in the proofs: the argument above is the one relied on here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from checkers.guard import OutOfTimeError
from checkers.linearizable.distinct.pairing import Pair, Pairing, chain, operations_of, uncovered
from checkers.linearizable.distinct.verdict import Verdict
from checkers.linearizable.limit import Limit
from checkers.linearizable.operation import Operation

ALGORITHM = "decomposition"
_CLOCK_EVERY: Final = 64
# When, in a linearization, something stands: a slot, then pops before what stands alone before pushes.
_Moment = tuple[int, int, int, int]
_POP, _ALONE, _PUSH = range(3)


def decide(pairing: Pairing, limit: Limit) -> Verdict:
    """The verdict on values that were pushed before they were popped, once. Raises OutOfTimeError."""
    slots, refuted = uncovered(pairing)
    if refuted:
        return Verdict(ALGORITHM, refuted=refuted)
    placed: list[tuple[_Moment, Operation]] = []
    for operation, *_ in pairing.empties:
        placed.append(((slots[operation.invoke], _ALONE, operation.invoke, 0), operation))
    connected = []
    for each in pairing.pairs:
        if each.critical[0] <= each.critical[1]:
            connected.append(each)
        else:
            _place_alone(each, placed)
    stuck = _peel(sorted(connected, key=lambda each: each.critical[0]), placed, limit)
    if stuck:
        return Verdict(ALGORITHM, refuted=operations_of(chain(stuck, *_span(stuck))))
    placed.sort(key=lambda each: each[0])
    return Verdict(ALGORITHM, order=tuple(operation for _, operation in placed))


def _place_alone(each: Pair, placed: list[tuple[_Moment, Operation]]) -> None:
    slot = max(each.put_first, each.take_first)
    placed.append(((slot, _ALONE, each.put.invoke, 0), each.put))
    if each.take is not None:
        placed.append(((slot, _ALONE, each.put.invoke, 1), each.take))


def _span(component: Sequence[Pair]) -> tuple[int, int]:
    """The first and the last critical slot of a component."""
    return min(each.critical[0] for each in component), max(each.critical[1] for each in component)


def _peel(values: list[Pair], placed: list[tuple[_Moment, Operation]], limit: Limit) -> list[Pair]:
    """Place all values (by their first critical slot); or return a component in which none can lie at the bottom."""
    groups = [(values, 0)]
    rounds = 0
    while groups:
        group, depth = groups.pop()
        for component in _components(group):
            rounds += 1
            if rounds % _CLOCK_EVERY == 0 and limit.expired():
                raise OutOfTimeError
            begin, end = _span(component)
            bottom = [each for each in component if each.put_first < begin and each.take_last > end]
            if not bottom:
                return component
            for number, each in enumerate(bottom):
                placed.append(((begin - 1, _PUSH, depth, number), each.put))
                if each.take is not None:
                    placed.append(((end + 1, _POP, -depth, -number), each.take))
            rest = [each for each in component if each.put_first >= begin or each.take_last <= end]
            if rest:
                groups.append((rest, depth + 1))
    return []


def _components(values: Sequence[Pair]) -> Iterator[list[Pair]]:
    """Values whose critical slots connect; ``values`` are sorted by the first of these."""
    component: list[Pair] = []
    last = -1
    for each in values:
        begin, end = each.critical
        if component and begin > last + 1:
            yield component
            component = []
        component.append(each)
        last = max(last, end) if len(component) > 1 else end
    if component:
        yield component
