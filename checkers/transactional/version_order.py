"""The versions of every list, as the reads show them, and what no order of versions can explain.

After Elle (Kingsbury and Alvaro, VLDB 2020): appends are unique and a read shows the whole history of its list, so the
longest read of a key is the order in which its appends took effect, and every other read must be a prefix of it. What a
committed transaction appended and nobody read comes after it, in an order that nobody knows (the *tail*).

A transaction of unknown outcome counts as committed if one of its elements was read; else as one that never happened,
which is always allowed. Aborted elements and elements of nobody are reported and left out of the order.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from checkers.guard import Unsupported
from checkers.transactional.transaction import Atom, Read, Transaction, value_of
from checkers.value import show

GARBAGE_READ: Final = "garbage-read"
DUPLICATE_ELEMENTS: Final = "duplicate-elements"
INTERNAL: Final = "internal"
FUTURE_READ: Final = "future-read"
INCOMPATIBLE_ORDER: Final = "incompatible-order"
ABORTED_READ: Final = "G1a"
INTERMEDIATE_READ: Final = "G1b"
DIRTY_UPDATE: Final = "dirty-update"
PREDICATE_READ_MISS: Final = "predicate-read-miss"


@dataclass(frozen=True, slots=True)
class Observation:
    """Something wrong with one read, whatever the order of the transactions: the reader, its read, the element, and
    another transaction (who wrote the element, or whose read contradicts)."""

    type: str
    reader: Transaction
    read: Read
    element: Atom = None
    other: Transaction | None = None
    other_read: Read | None = None


@dataclass(slots=True)
class Versions:
    """One key. ``elements[i]`` was appended by transaction ``writers[i]``; ``tail`` are committed writers with elements
    that nobody read. ``reads``: (reader, number of elements it saw beside its own, place of the read in its
    transaction)."""

    key: Atom
    elements: tuple[Atom, ...] = ()
    writers: list[int] = field(default_factory=list)
    tail: list[int] = field(default_factory=list)
    reads: list[tuple[int, int, int]] = field(default_factory=list)


@dataclass(slots=True)
class Inference:
    """``committed`` are the numbers of the transactions that happened, in order of invocation."""

    transactions: Sequence[Transaction]
    committed: Sequence[int]
    versions: Mapping[Atom, Versions]
    observations: list[Observation]
    ordered: bool = True  # whether the reads of each key agree on one order, aborted elements left out
    unsettled: bool = False  # whether the outcome of a committed one is unknown


def infer(transactions: Sequence[Transaction]) -> Inference:
    """The order of versions. Raises :class:`checkers.guard.Unsupported` where an element was appended twice."""
    writers = _writers(transactions)
    by_key: dict[Atom, list[tuple[Transaction, Read]]] = {}
    versions: dict[Atom, Versions] = {}
    found = Inference(transactions, [], versions, [])
    for transaction in transactions:
        for read in transaction.reads:
            by_key.setdefault(read.key, []).append((transaction, read))
            if read.own or read.key in transaction.appends:
                found.observations.extend(own_observations(transaction, read))
    observed: set[int] = set()
    for key, reads in by_key.items():
        versions[key] = versions_of(found, key, reads, writers.get(key, {}))
        observed.update(versions[key].writers)
    found.committed = [each.number for each in transactions if each.outcome == "ok" or each.number in observed]
    found.unsettled = any(transactions[number].outcome == "info" for number in observed)
    _add_tails(found, versions)
    return found


def _writers(transactions: Sequence[Transaction]) -> dict[Atom, dict[Atom, Transaction]]:
    writers: dict[Atom, dict[Atom, Transaction]] = {}
    for transaction in transactions:
        for key, elements in transaction.appends.items():
            of_key = writers.setdefault(key, {})
            for element in elements:
                if of_key.setdefault(element, transaction) is not transaction or len(elements) != len(set(elements)):
                    which = f"{show(value_of(element))} to the list {show(value_of(key))}"
                    raise Unsupported(
                        f"operation {transaction.invoke}: read a second append of {which}; expected each element to be "
                        "appended once, so that a read says whose append it saw"
                    )
    return writers


def own_observations(transaction: Transaction, read: Read) -> Iterable[Observation]:
    """What is wrong with a read of a list to which its transaction appends."""
    appended = transaction.appends.get(read.key, [])
    if read.own and not _sees_own(transaction, read):
        yield Observation(INTERNAL, transaction, read, appended[read.own - 1])
    later = appended[read.own :]
    if later:
        ahead = set(later).intersection(read.elements)
        if ahead:
            yield Observation(FUTURE_READ, transaction, read, next(each for each in later if each in ahead))


def _sees_own(transaction: Transaction, read: Read) -> bool:
    first = max(0, len(read.elements) - read.own)
    return read.elements[first:] == tuple(transaction.appends[read.key][: read.own])


def versions_of(
    found: Inference, key: Atom, reads: list[tuple[Transaction, Read]], writers: dict[Atom, Transaction]
) -> Versions:
    """The order that the reads of one key show; what is wrong with them goes into ``found.observations``."""
    longest = max((read.elements for _, read in reads), key=len)
    known = [writers.get(element) for element in longest]
    clean = all(each is not None and each.outcome != "fail" for each in known) and len(set(longest)) == len(longest)
    if not clean or any(longest[: len(read.elements)] != read.elements for _, read in reads):
        reads = _stripped(found, reads, writers)
        longest = max((read.elements for _, read in reads), key=len, default=())
        reads = _agreeing(found, reads, longest)
    versions = Versions(key, longest, [writers[element].number for element in longest])
    _check_blocks(found, versions, reads)
    reads = [(reader, read) for reader, read in reads if not read.own or _sees_own(reader, read)]
    versions.reads = [(reader.number, len(read.elements) - read.own, read.place) for reader, read in reads]
    _check_intermediate(found, versions, reads)
    return versions


def _stripped(
    found: Inference, reads: list[tuple[Transaction, Read]], writers: dict[Atom, Transaction]
) -> list[tuple[Transaction, Read]]:
    """The reads without what was aborted, written by nobody, or there twice: each of which is reported."""
    kept = []
    for reader, read in reads:
        elements: list[Atom] = []
        aborted: Atom | None = None
        dirty = False
        seen: set[Atom] = set()
        for element in read.elements:
            writer = writers.get(element)
            if element in seen:
                found.observations.append(Observation(DUPLICATE_ELEMENTS, reader, read, element))
            elif writer is None:
                found.observations.append(Observation(GARBAGE_READ, reader, read, element))
            elif writer.outcome == "fail":
                found.observations.append(Observation(ABORTED_READ, reader, read, element, writer))
                aborted = element
            else:
                elements.append(element)
                if aborted is not None and not dirty:
                    dirty = True
                    found.observations.append(Observation(DIRTY_UPDATE, reader, read, aborted, writer))
            seen.add(element)
        kept.append((reader, read._replace(elements=tuple(elements))))
    return kept


def _agreeing(
    found: Inference, reads: list[tuple[Transaction, Read]], longest: tuple[Atom, ...]
) -> list[tuple[Transaction, Read]]:
    """The reads that are prefixes of the longest one; the others are reported."""
    agreeing, known = [], {read.elements: (reader, read) for reader, read in reads}
    for reader, read in reads:
        if longest[: len(read.elements)] == read.elements:
            agreeing.append((reader, read))
        else:
            other, other_read = known[longest]
            found.observations.append(Observation(INCOMPATIBLE_ORDER, reader, read, None, other, other_read))
            found.ordered = False
    return agreeing


def _check_blocks(found: Inference, versions: Versions, reads: list[tuple[Transaction, Read]]) -> None:
    """Whether every writer's elements stand in the order in which it appended them, none left out."""
    counts: dict[int, int] = {}
    for element, number in zip(versions.elements, versions.writers, strict=True):
        appended = found.transactions[number].appends[versions.key]
        index = counts.get(number, 0)
        counts[number] = index + 1
        if appended[index] != element:
            reader, read = max(reads, key=lambda pair: len(pair[1].elements))
            writer = found.transactions[number]
            found.observations.append(Observation(INCOMPATIBLE_ORDER, reader, read, element, writer))
            found.ordered = False
            return


def _check_intermediate(found: Inference, versions: Versions, reads: list[tuple[Transaction, Read]]) -> None:
    """G1b: a read that ends between two appends of another transaction."""
    for reader, read in reads:
        seen = len(read.elements) - read.own
        if not seen:
            continue
        number = versions.writers[seen - 1]
        if number != reader.number:
            appended = found.transactions[number].appends[versions.key]
            element = versions.elements[seen - 1]
            if appended[-1] != element:
                writer = found.transactions[number]
                found.observations.append(Observation(INTERMEDIATE_READ, reader, read, element, writer))


def _add_tails(found: Inference, by_key: dict[Atom, Versions]) -> None:
    """Who wrote what no read shows. A writer's elements stand in order, so its last one tells."""
    observed: dict[Atom, set[Atom]] = {}
    for number in found.committed:
        for key, elements in found.transactions[number].appends.items():
            versions = by_key.get(key)
            if versions is None:
                versions = by_key[key] = Versions(key)
            known = observed.get(key)
            if known is None:
                known = observed[key] = set(versions.elements)
            if elements[-1] not in known:
                versions.tail.append(number)
