"""Reads of sets: whose adds each of them may have seen, or what is wrong with it.

Whose element was seen is certain where one transaction added it; where several did, some of them were there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Final

from checkers.guard import Unsupported
from checkers.transactional.composite.cell import atom_text, set_text
from checkers.transactional.composite.possibility import Object, Possibility, Whole, Wrong
from checkers.transactional.composite.reading import Parsed
from checkers.transactional.explain import key_text
from checkers.transactional.transaction import Atom
from checkers.transactional.version_order import (
    ABORTED_READ,
    DUPLICATE_ELEMENTS,
    FUTURE_READ,
    GARBAGE_READ,
    INTERMEDIATE_READ,
    INTERNAL,
)

COVERS_MAX: Final = 256


def wrong_elements(known: Object, whole: Whole, transactions: Sequence[Parsed]) -> Iterator[Wrong]:
    """What is wrong with a read of a set: one for each element, and each of its own adds that it missed."""
    read = f"T{whole.reader.invoke} read {key_text(known.key)}={set_text(whole.micro.value)}"
    seen = frozenset(whole.micro.value)
    if len(seen) < len(whole.micro.value):
        (twice, _), *_ = Counter(whole.micro.value).most_common(1)
        text = f"{read}, in which {atom_text(twice)} stands twice; it is a set."
        yield Wrong(DUPLICATE_ELEMENTS, whole.reader, text, (), known.key)
    for own in whole.before:
        if own.value not in seen:
            text = f"{read}, though it had itself added {atom_text(own.value)} before."
            yield Wrong(INTERNAL, whole.reader, text, (), known.key)
    added = {micro.value for micro in whole.before}
    covered = {value for number in _candidates(known, whole) for value in known.updates[number].values}
    for element in dict.fromkeys(whole.micro.value):
        if element not in covered and element not in added:
            yield _unexplained(known, whole, element, read, transactions)


def _unexplained(known: Object, whole: Whole, element: Atom, read: str, transactions: Sequence[Parsed]) -> Wrong:
    """No transaction that did not fail is wholly there with this element."""
    others = [
        transactions[number] for number, micros in known.done.items()
        if number != whole.reader.number and any(micro.value == element for micro in micros)
    ]  # fmt: skip
    for other in others:
        if other.outcome != "fail":
            left = [each for each in known.updates[other.number].values if each not in whole.micro.value]
            text = (f"{read}: T{other.invoke} added {atom_text(element)} to it, and also "
                    f"{', '.join(map(atom_text, left[:4]))}, which it did not see.")  # fmt: skip
            return Wrong(INTERMEDIATE_READ, whole.reader, text, (other,), known.key)
    if others:
        text = f"{read}, and T{others[0].invoke}, which added {atom_text(element)}, had failed."
        return Wrong(ABORTED_READ, whole.reader, text, (others[0],), known.key)
    if any(micro.value == element for micro in whole.after):
        text = f"{read} before it added {atom_text(element)} itself."
        return Wrong(FUTURE_READ, whole.reader, text, (), known.key)
    return Wrong(GARBAGE_READ, whole.reader, f"{read}, and nobody ever added {atom_text(element)}.", (), known.key)


def _candidates(known: Object, whole: Whole) -> list[int]:
    """The others all of whose elements are there."""
    seen = frozenset(whole.micro.value)
    numbers = dict.fromkeys(number for element in whole.micro.value for number in known.adders.get(element, ()))
    return [each for each in numbers if each != whole.reader.number and seen.issuperset(known.updates[each].values)]


def set_possibilities(known: Object, whole: Whole) -> list[Possibility]:
    """None of its elements must be unexplained. Raises :class:`checkers.guard.Unsupported` where there are too many."""
    candidates = _candidates(known, whole)
    absent = frozenset(known.updates.keys() - {*candidates, whole.reader.number})
    coverers: dict[Atom, list[int]] = {}
    for number in candidates:
        for value in known.updates[number].values:
            coverers.setdefault(value, []).append(number)
    for own in whole.before:
        coverers.pop(own.value, None)
    certain = frozenset(numbers[0] for numbers in coverers.values() if len(numbers) == 1)
    open_ = [numbers for numbers in coverers.values() if certain.isdisjoint(numbers)]
    count = 1
    for numbers in open_:
        count *= len(numbers)
        if count > COVERS_MAX:
            raise Unsupported(f"operation {whole.reader.invoke}: read a set with {len(open_)} elements that several "
                              f"transactions added; expected at most {COVERS_MAX} ways to choose whose")  # fmt: skip
    covers = {certain.union(chosen) for chosen in product(*open_)}
    return [Possibility(each, absent) for each in sorted(covers, key=sorted) if not any(one < each for one in covers)]
