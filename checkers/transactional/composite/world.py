"""One possibility of what all reads saw, as a history of registers."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from checkers.transactional.composite.cell import ABSENT, PRESENT, Told, Update, misses_key, range_told
from checkers.transactional.composite.possibility import Object, Possibility, Whole
from checkers.transactional.composite.reading import Composite, Micro, Parsed
from checkers.transactional.register.history import INITIAL, Register, RegisterHistory, SourcedRead
from checkers.transactional.register.reading import Reading
from checkers.transactional.register.sources import histories
from checkers.transactional.transaction import Atom, Read, Transaction

Choice = Sequence[tuple[Object, Whole, Possibility]]
"""For each read of a set or counter what it saw."""


@dataclass(slots=True)
class Registers:
    """What is the same in every possibility: all writes, and the reads of registers and ranges."""

    composite: Composite
    appends: list[dict[Atom, list[Atom]]] = field(default_factory=list)
    reads: list[list[Read]] = field(default_factory=list)

    def initial(self, key: Atom) -> Atom:
        found: Atom = ABSENT if isinstance(key, Update) else self.composite.initial(key)
        return found

    def reading(self, choice: Choice) -> Reading:
        """The transactions if the reads saw that."""
        extra: dict[int, list[Read]] = {}
        for known, whole, possibility in choice:
            told = Told("set" if known.type == "set" else "counter", known.key, whole.micro.value)
            listed = extra.setdefault(whole.reader.number, [])
            for numbers, value in ((possibility.present, PRESENT), (possibility.absent, ABSENT)):
                listed += [Read(known.updates[each], (value, told), 0, whole.micro.place) for each in sorted(numbers)]
        found = []
        for each, appends, reads in zip(self.composite.transactions, self.appends, self.reads, strict=True):
            kept = [*reads, *extra.get(each.number, ())]
            if each.number in extra:
                kept.sort(key=lambda read: read.place)
            found.append(_transaction(each, appends, kept))
        return Reading(found, self.initial)

    def histories(self, choice: Choice) -> Iterator[RegisterHistory]:
        """One for each choice of who wrote what was read of registers, too."""
        return histories(self.reading(choice))


def _transaction(each: Parsed, appends: dict[Atom, list[Atom]], reads: Sequence[Read]) -> Transaction:
    return Transaction(
        each.number, each.invoke, each.complete, each.process, each.session, each.outcome, appends, reads
    )


def registers(composite: Composite, objects: Sequence[Object]) -> Registers:
    """The history of registers without the reads of sets and counters."""
    found = Registers(composite)
    for each in composite.transactions:
        appends: dict[Atom, list[Atom]] = {}
        reads: list[Read] = []
        for micro in each.micros:
            if micro.f == "w":
                appends.setdefault(micro.key, []).append(micro.value)
            elif micro.f == "rp":
                reads.extend(_range_reads(composite, micro, appends))
            elif micro.f == "r" and composite.types.get(micro.key, "register") == "register":
                reads.append(Read(micro.key, (micro.value,), len(appends.get(micro.key, ())), micro.place))
        found.appends.append(appends)
        found.reads.append(reads)
    for known in objects:
        for number, update in known.updates.items():
            found.appends[number][update] = [PRESENT]
    return found


def _range_reads(composite: Composite, micro: Micro, own: Mapping[Atom, list[Atom]]) -> Iterator[Read]:
    told = range_told(micro.key, micro.value)
    values: dict[Atom, Any] = dict(micro.value)
    for key in composite.inside(micro.key):
        yield Read(key, (values.get(key, composite.null), told), len(own.get(key, ())), micro.place)


def of_items(history: RegisterHistory) -> RegisterHistory:
    """Without what predicate reads missed: of a key that had no value they say only who had removed it, if anybody had,
    and nothing of who wrote it later. (Adya 1999: a predicate anti-dependency is none of an item.)"""
    missing = {
        (each.number, read.place, read.key)
        for each in history.transactions for read in each.reads if not read.own and misses_key(read)
    }  # fmt: skip
    if not missing:
        return history
    transactions = list(history.transactions)
    found: list[Register] = []
    removals: dict[tuple[int, Atom], list[SourcedRead]] = {}
    for register in history.registers:
        kept = []
        for read in register.reads:
            if (read.reader, read.place, register.key) not in missing:
                kept.append(read)
            elif read.writer != INITIAL:
                removals.setdefault((read.writer, register.key), []).append(read)
        found.append(Register(register.key, register.writers, tuple(kept)))
    for number, each in enumerate(transactions):
        left = [read for read in each.reads if (number, read.place, read.key) not in missing]
        transactions[number] = replace(each, reads=left)
    for (writer, key), reads in removals.items():
        update = Update("removal", key, ())
        remover = transactions[writer]
        transactions[writer] = replace(remover, appends={**remover.appends, update: [PRESENT]})
        for reader, _, place in reads:
            told = next(read for read in history.transactions[reader].reads if read.place == place).elements[1]
            removal = Read(update, (PRESENT, told), 0, place)
            transactions[reader] = replace(transactions[reader], reads=[*transactions[reader].reads, removal])
        found.append(Register(update, (writer,), tuple(reads)))
    return RegisterHistory(transactions, history.uncommitted, found, history.observations)
