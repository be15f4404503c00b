"""Which write each read saw, and what is wrong with those reads that no write explains.

Values are unique in most histories, and then a value says who wrote it. Where the same value was written several times,
what cannot have been seen (an aborted write, one that its transaction overwrote) is passed over as long as something
else explains the read; what then is left is a choice. :func:`histories` yields one history per choice, and a level
holds if it holds in any.

A transaction of unknown outcome counts as committed if one of its writes was read; else as one that never happened,
which is always allowed.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice, product
from math import prod
from typing import Final, NamedTuple

from checkers.guard import Unsupported
from checkers.transactional.composite.cell import misses_key
from checkers.transactional.register.history import INITIAL, Register, RegisterHistory, SourcedRead
from checkers.transactional.register.reading import Reading
from checkers.transactional.transaction import Atom, Read, Transaction, value_of
from checkers.transactional.version_order import (
    ABORTED_READ,
    DIRTY_UPDATE,
    FUTURE_READ,
    GARBAGE_READ,
    INTERMEDIATE_READ,
    INTERNAL,
    PREDICATE_READ_MISS,
    Observation,
)
from checkers.value import show

CHOICES_MAX: Final = 64
Writers = dict[Atom, dict[Atom, list[Transaction]]]


class _External(NamedTuple):
    """A read of what others wrote, and who of them may have written it (INITIAL is None)."""

    reader: Transaction
    read: Read
    sources: tuple[Transaction | None, ...]


@dataclass(slots=True)
class _Explained:
    reads: list[_External] = field(default_factory=list)
    observations: list[Observation] = field(default_factory=list)


def histories(reading: Reading) -> Iterator[RegisterHistory]:
    """One for each choice of what the ambiguous reads saw. Raises :class:`checkers.guard.Unsupported` where there are
    more than CHOICES_MAX."""
    explained = _explain(reading)
    ambiguous = [place for place, each in enumerate(explained.reads) if len(each.sources) > 1]
    if prod(len(explained.reads[place].sources) for place in islice(ambiguous, CHOICES_MAX)) > CHOICES_MAX:
        each = explained.reads[ambiguous[0]]
        what = f"{show(value_of(each.read.key))} = {show(value_of(each.read.elements[0]))}"
        raise Unsupported(
            f"operation {each.reader.invoke}: read {what}, a value that {len(each.sources)} transactions may have put "
            f"there, and {len(ambiguous)} reads are of such values; expected at most {CHOICES_MAX} combinations"
        )
    for choice in product(*(explained.reads[place].sources for place in ambiguous)):
        sources = [each.sources[0] for each in explained.reads]
        for place, source in zip(ambiguous, choice, strict=True):
            sources[place] = source
        yield _history(reading, explained, sources)


def observations(reading: Reading) -> Sequence[Observation]:
    """What is wrong with reads that no write explains: the same in each of the histories."""
    return _explain(reading).observations


def _explain(reading: Reading) -> _Explained:
    writers = _writers(reading.transactions)
    found = _Explained()
    for reader in reading.transactions:
        for read in reader.reads:
            value = read.elements[0]
            if read.own:
                if reader.appends[read.key][read.own - 1] != value:
                    type_ = PREDICATE_READ_MISS if misses_key(read) else INTERNAL
                    found.observations.append(Observation(type_, reader, read, value))
                continue
            candidates = writers.get(read.key, _NOTHING).get(value, ())
            initial = reading.initial(read.key) == value
            if len(candidates) == 1 and not initial:
                writer = candidates[0]
                if writer is not reader and writer.outcome != "fail" and writer.appends[read.key][-1] == value:
                    found.reads.append(_External(reader, read, (writer,)))
                    continue
            _explain_hard(found, reader, read, candidates, initial)
    _add_dirty_updates(found)
    return found


_NOTHING: Final[dict[Atom, list[Transaction]]] = {}


def _writers(transactions: Sequence[Transaction]) -> Writers:
    """key -> value -> who wrote it."""
    writers: Writers = {}
    for transaction in transactions:
        for key, values in transaction.appends.items():
            of_key = writers.setdefault(key, {})
            for value in dict.fromkeys(values) if len(values) > 1 else values:
                of_key.setdefault(value, []).append(transaction)
    return writers


def _explain_hard(
    found: _Explained, reader: Transaction, read: Read, candidates: Sequence[Transaction], initial: bool
) -> None:
    """The best explanation that there is: committed and final, intermediate, aborted, the reader's own future, none."""
    value = read.elements[0]
    others = [each for each in candidates if each is not reader]
    possible = [each for each in others if each.outcome != "fail"]
    final: list[Transaction | None] = [each for each in possible if each.appends[read.key][-1] == value]
    if initial:
        final.insert(0, None)
    if final:
        found.reads.append(_External(reader, read, tuple(final)))
    elif possible:
        found.reads.append(_External(reader, read, (possible[0],)))
        found.observations.append(Observation(INTERMEDIATE_READ, reader, read, value, possible[0]))
    elif others:
        found.observations.append(Observation(ABORTED_READ, reader, read, value, others[0]))
    else:
        type_ = FUTURE_READ if candidates else PREDICATE_READ_MISS if misses_key(read) else GARBAGE_READ
        found.observations.append(Observation(type_, reader, read, value))


def _add_dirty_updates(found: _Explained) -> None:
    """What was written over an aborted write that its writer had read, and was itself read."""
    dirty = {
        (each.reader.number, each.read.key): each
        for each in found.observations
        if each.type == ABORTED_READ and each.read.key in each.reader.appends
    }
    if not dirty:
        return
    for each in found.reads:
        for source in each.sources if len(each.sources) == 1 else ():
            aborted = dirty.get((source.number, each.read.key)) if source is not None else None
            if aborted is not None:
                found.observations.append(Observation(DIRTY_UPDATE, each.reader, each.read, aborted.element, source))


def _history(reading: Reading, explained: _Explained, sources: Sequence[Transaction | None]) -> RegisterHistory:
    """Numbered anew: those that count as committed first."""
    read_of = {source.number for source in sources if source is not None}
    happened = [each.outcome == "ok" or each.number in read_of for each in reading.transactions]
    number = [0] * len(happened)
    committed: list[Transaction] = []
    for each, yes in zip(reading.transactions, happened, strict=True):
        if yes:
            number[each.number] = len(committed)
            committed.append(each if each.number == len(committed) else replace(each, number=len(committed)))
    others = [each for each, yes in zip(reading.transactions, happened, strict=True) if not yes]
    others = [replace(each, number=len(committed) + place) for place, each in enumerate(others)]
    writers: dict[Atom, list[int]] = {}
    reads: dict[Atom, list[SourcedRead]] = {}
    for transaction in committed:
        for key in transaction.appends:
            writers.setdefault(key, []).append(transaction.number)
    for (reader, read, _), source in zip(explained.reads, sources, strict=True):
        writer = INITIAL if source is None else number[source.number]
        reads.setdefault(read.key, []).append(SourcedRead(number[reader.number], writer, read.place))
    registers = [
        Register(key, tuple(writers.get(key, ())), tuple(reads.get(key, ())))
        for key in dict.fromkeys([*writers, *reads])
    ]
    return RegisterHistory(committed, others, registers, explained.observations)
