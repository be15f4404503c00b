"""Reads of counters: which increments may add up to each total, or what is wrong with it.

Nothing but the sum tells which increments a read counts; those that sessions or real time require or exclude narrow the
choice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from typing import Final

from checkers.guard import Unsupported
from checkers.transactional.composite.possibility import Object, Possibility, Whole, Wrong
from checkers.transactional.composite.reading import Parsed
from checkers.transactional.composite.total import subsets, sums
from checkers.transactional.explain import key_text
from checkers.transactional.version_order import (
    ABORTED_READ,
    FUTURE_READ,
    GARBAGE_READ,
    INTERMEDIATE_READ,
    INTERNAL,
)
from checkers.value import show

SUBSETS_MAX: Final = 512


def wrong_total(known: Object, whole: Whole, transactions: Sequence[Parsed]) -> Wrong | None:
    """Why no choice of the updates of others adds up to what was read; None if one does. Raises
    :class:`checkers.guard.Unsupported` where the sums are too large to tell."""
    target = _target(known, whole)
    others = [number for number in known.done if number != whole.reader.number]
    net = [known.updates[number].values[0] for number in others if number in known.updates]
    own = known.updates[whole.reader.number].values[0] if whole.reader.number in known.updates else 0
    if own not in known.sums:  # the same for all readers that did as much themselves
        known.sums[own] = sums([(0, each) for each in net])
    if _certain(known.sums[own].has(target), whole):
        return None
    text = (
        f"T{whole.reader.invoke} read {key_text(known.key)}={show(whole.micro.value)}{_arithmetic(known, whole, net)}"
    )
    for type_, choices, total, why, who in _explanations(known, whole, others, transactions):
        if _certain(sums(choices).has(total), whole):
            return Wrong(type_, whole.reader, f"{text}; only {why} is that possible.", who, known.key)
    everyone = tuple(transactions[number] for number in others)
    return Wrong(GARBAGE_READ, whole.reader, f"{text}: no choice of increments gives that.", everyone, known.key)


def _explanations(
    known: Object, whole: Whole, others: Sequence[int], transactions: Sequence[Parsed]
) -> Iterator[tuple[str, Sequence[Sequence[int]], int, str, tuple[Parsed, ...]]]:  # fmt: skip
    """What may be wrong with a total, the least first: (type, what may have been seen of each transaction, what that
    must add up to, in words, transactions that show it)."""
    target = _target(known, whole)
    everything = [_prefixes(known, number) for number in others]
    parts = [each for each, number in zip(everything, others, strict=True) if transactions[number].outcome != "fail"]
    several = tuple(transactions[number] for number in others if len(known.done[number]) > 1)
    failed = tuple(transactions[number] for number in others if transactions[number].outcome == "fail")
    everyone = tuple(transactions[number] for number in others)
    before = sum(micro.value for micro in whole.before)
    later = [sum(micro.value for micro in whole.after[:place]) for place in range(len(whole.after) + 1)]
    yield INTERMEDIATE_READ, parts, target, f"with part of what {_names(several)} did", several
    yield ABORTED_READ, everything, target, f"with increments of {_names(failed)}, which had failed,", failed
    yield INTERNAL, everything, target + before, "without its own increments before", everyone
    yield FUTURE_READ, [*everything, later], target, "with its own later increments", everyone


def _names(transactions: Sequence[Parsed]) -> str:
    return ", ".join(f"T{each.invoke}" for each in transactions[:4]) + ", …" * (len(transactions) > 4)


def _certain(found: bool | None, whole: Whole) -> bool:
    if found is None:
        raise Unsupported(f"operation {whole.reader.invoke}: read the total {show(whole.micro.value)} of increments so "
                          "many or so large that their sums cannot all be tried; expected smaller ones")  # fmt: skip
    return found


def _target(known: Object, whole: Whole) -> int:
    """What the updates of others must add up to."""
    own: int = sum(micro.value for micro in whole.before)
    told: int = whole.micro.value
    return told - known.initial - own


def _prefixes(known: Object, number: int) -> tuple[int, ...]:
    """What may have been seen of one transaction: nothing, or its first so many increments."""
    sums = [0]
    for micro in known.done[number]:
        sums.append(sums[-1] + micro.value)
    return tuple(dict.fromkeys(sums))


def _arithmetic(known: Object, whole: Whole, net: Sequence[int]) -> str:
    own = sum(micro.value for micro in whole.before)
    start = f" (its own increments give {own})" if whole.before else ""
    base = known.initial + own
    low, high = base + sum(each for each in net if each < 0), base + sum(each for each in net if each > 0)
    if not net:
        return f"{start}, and no other increments can have happened"
    shown = ", ".join(f"{each:+d}" for each in net[:8]) + (", …" if len(net) > 8 else "")
    return f"{start}; the increments of others are {shown}: between {low} and {high}"


def can_add_up(known: Object, whole: Whole, required: Set[int], excluded: Set[int]) -> bool | None:
    """Whether :func:`counter_possibilities` has any; None where nobody can tell."""
    deltas = {
        number: update.values[0] for number, update in known.updates.items()
        if number != whole.reader.number and number not in excluded
    }  # fmt: skip
    must = sum(delta for number, delta in deltas.items() if number in required)
    may = [(0, delta) for number, delta in deltas.items() if number not in required]
    return sums(may).has(_target(known, whole) - must)


def counter_possibilities(
    known: Object, whole: Whole, required: Set[int] = frozenset(), excluded: Set[int] = frozenset()
) -> list[Possibility] | None:
    """Every choice of the updates of others that adds up to what was read, those that are ``required`` among them, none
    of those that are ``excluded``; None if there are more than SUBSETS_MAX, or nobody can tell."""
    numbers = [number for number in known.updates if number != whole.reader.number]
    must = frozenset(number for number in numbers if number in required and number not in excluded)
    may = [number for number in numbers if number not in required and number not in excluded]
    if any(number in required and number in excluded for number in numbers):
        return []
    deltas: Mapping[int, int] = {number: known.updates[number].values[0] for number in numbers}
    found = subsets([deltas[number] for number in may], _target(known, whole) - sum(deltas[each] for each in must),
                    SUBSETS_MAX)  # fmt: skip
    if found is None:
        return None
    everyone = frozenset(numbers)
    chosen = [must | {may[place] for place in places} for places in found]
    return [Possibility(each, everyone - each) for each in chosen]
