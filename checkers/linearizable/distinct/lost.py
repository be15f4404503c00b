"""Operations that may have taken nobody knows what: which values they must have taken, found step by step.

A history that is valid without them is valid. If not, the values that refute it (``Verdict.refuted``) tell what is
needed: unless one of them that nobody is known to have taken was taken by a lost operation, they refute it still. So
these may be taken from now on, at any time after the first lost invocation, which is more than happened; and the
history is decided again. Once it is valid, the lost operations are given to the values in the order in which these were
taken, and the history is decided with exactly that. If this fails, or values compete for too few lost operations,
nothing is said, and the search decides.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from checkers.linearizable.distinct.pairing import Pair, Pairing
from checkers.linearizable.distinct.verdict import Verdict
from checkers.linearizable.operation import Operation


def decide(pairing: Pairing, decide_known: Callable[[Pairing], Verdict]) -> Verdict | None:
    """The verdict of ``decide_known``, which knows nothing of lost operations, on a history that may have some."""
    verdict = decide_known(pairing)
    if not pairing.lost:
        return verdict
    pairs = list(pairing.pairs)
    taken: dict[int, int] = {}  # by the identity of the operation that stands for the lost one: the value's number
    while verdict.order is None:
        blamed = {id(operation) for operation in verdict.refuted}
        suspects = [i for i, each in enumerate(pairs) if each.take is None and id(each.put) in blamed]
        if not suspects:
            return verdict
        if len(taken) + len(suspects) > len(pairing.lost):
            return None
        for i in suspects:
            operation, slot = pairing.lost[0]
            pairs[i] = _taken(pairs[i], replace(operation), slot)
            taken[id(pairs[i].take)] = i
        verdict = decide_known(replace(pairing, pairs=tuple(pairs)))
    return _assigned(pairing, pairs, taken, verdict.order, decide_known)


def _taken(each: Pair, take: Operation, slot: int) -> Pair:
    return replace(each, take=take, take_first=slot)


def _assigned(
    pairing: Pairing,
    pairs: list[Pair],
    taken: dict[int, int],
    order: Sequence[Operation],
    decide_known: Callable[[Pairing], Verdict],
) -> Verdict | None:
    """The history with the n-th value taken by a lost operation taken by the n-th that was invoked."""
    numbers = [taken[id(operation)] for operation in order if id(operation) in taken]
    for i, (operation, slot) in zip(numbers, pairing.lost, strict=False):
        pairs[i] = _taken(pairs[i], operation, slot)
    verdict = decide_known(replace(pairing, pairs=tuple(pairs)))
    return verdict if verdict.order is not None else None
