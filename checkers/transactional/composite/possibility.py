"""Which updates a read of a set or a counter may have seen: its possibilities, or what is wrong with it.

A possibility says of some updates that they were seen (``present``) and of others that they were not (``absent``); of
the rest it does not matter, because seeing them would change nothing: an element that is there anyhow, a sum of zero.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from itertools import product
from typing import Final, NamedTuple

from checkers.guard import Unsupported
from checkers.transactional.composite.cell import Update, atom_text, range_told, set_text
from checkers.transactional.composite.reading import Composite, Micro, Parsed
from checkers.transactional.composite.total import Sums, subsets, sums
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
from checkers.value import show

SUBSETS_MAX: Final = 512
COVERS_MAX: Final = 256


class Possibility(NamedTuple):
    """Numbers of the transactions whose updates were there, and of those whose were not."""

    present: frozenset[int]
    absent: frozenset[int]


@dataclass(frozen=True, slots=True)
class Wrong:
    """What is wrong with one read, whatever the order of the transactions; ``others`` are transactions that show it."""

    type: str
    reader: Parsed
    text: str
    others: tuple[Parsed, ...] = ()
    key: Atom = None


@dataclass(frozen=True, slots=True)
class Whole:
    """One read of a set or counter: what it returned and what its own transaction had done to the key before it."""

    reader: Parsed
    micro: Micro
    before: tuple[Micro, ...]
    after: tuple[Micro, ...]


@dataclass(slots=True)
class Object:
    """A set or counter: who updated it, and every read of it. ``updates[number]`` of what did not fail; ``adders``: of
    each element of a set the numbers of those."""

    key: Atom
    type: str
    initial: int
    updates: dict[int, Update]
    done: dict[int, list[Micro]]  # by any transaction, of any outcome
    reads: list[Whole]
    adders: dict[Atom, list[int]]
    sums: dict[int, Sums] = field(default_factory=dict)

    def among(self, members: Set[int]) -> Object:
        """Only what those transactions did and read."""
        updates = {number: update for number, update in self.updates.items() if number in members}
        adders = {
            element: kept for element, numbers in self.adders.items()
            if (kept := [number for number in numbers if number in members])
        }  # fmt: skip
        reads = [whole for whole in self.reads if whole.reader.number in members]
        return replace(self, updates=updates, adders=adders, reads=reads)


def objects(composite: Composite) -> list[Object]:
    """All sets and counters."""
    found: dict[Atom, Object] = {}
    for each in composite.transactions:
        for micro in each.micros:
            type_ = composite.types.get(micro.key, "register") if micro.f != "rp" else "register"
            if type_ == "register":
                continue
            known = found.get(micro.key)
            if known is None:
                start = composite.initial(micro.key) if type_ == "counter" else 0
                known = found[micro.key] = Object(micro.key, type_, start, {}, {}, [], {})
            if micro.f == "r":
                known.reads.append(_whole(each, micro))
            else:
                known.done.setdefault(each.number, []).append(micro)
    for each_object in found.values():
        _add_updates(each_object, composite.transactions)
    return list(found.values())


def _whole(reader: Parsed, micro: Micro) -> Whole:
    own = [each for each in reader.micros if each.f in ("add", "inc") and each.key == micro.key]
    return Whole(reader, micro, tuple(each for each in own if each.place < micro.place),
                 tuple(each for each in own if each.place > micro.place))  # fmt: skip


def _add_updates(known: Object, transactions: Sequence[Parsed]) -> None:
    for number, micros in known.done.items():
        if transactions[number].outcome == "fail":
            continue
        if known.type == "set":
            values = tuple(dict.fromkeys(micro.value for micro in micros))
        else:
            values = (sum(micro.value for micro in micros),)
        if known.type == "set" or values[0]:
            known.updates[number] = Update("set" if known.type == "set" else "counter", known.key, values)
        for value in values if known.type == "set" else ():
            known.adders.setdefault(value, []).append(number)


# ---------------------------------------------------------------------------- sets


def wrong_elements(known: Object, whole: Whole, transactions: Sequence[Parsed]) -> Iterator[Wrong]:
    """What is wrong with a read of a set: one for each element, and each of its own adds that it missed."""
    read = f"T{whole.reader.invoke} read {key_text(known.key)}={set_text(whole.micro.value)}"
    seen = frozenset(whole.micro.value)
    if len(seen) < len(whole.micro.value):
        twice = next(each for place, each in enumerate(whole.micro.value) if each in whole.micro.value[:place])
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


def wrong_range(composite: Composite, reader: Parsed, micro: Micro) -> Iterator[Wrong]:
    """Keys that a predicate read was told of twice, or that it did not ask for."""
    read = f"T{reader.invoke} read {range_told(micro.key, micro.value)}"
    keys = [key for key, _ in micro.value]
    for key in dict.fromkeys(each for place, each in enumerate(keys) if each in keys[:place]):
        yield Wrong(DUPLICATE_ELEMENTS, reader, f"{read}, in which {key_text(key)} stands twice.", (), key)
    inside = set(composite.inside(micro.key))
    for key in dict.fromkeys(each for each in keys if each not in inside):
        text = f"{read}, and {key_text(key)} is not among what it asked for."
        yield Wrong(GARBAGE_READ, reader, text, (), key)


# ---------------------------------------------------------------------------- counters


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
