"""Which updates a read of a set or a counter may have seen: its possibilities, or what is wrong with it.

A possibility says of some updates that they were seen (``present``) and of others that they were not (``absent``); of
the rest it does not matter, because seeing them would change nothing: an element that is there anyhow, a sum of zero.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence, Set
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from checkers.transactional.composite.cell import Update, range_told
from checkers.transactional.composite.reading import Composite, Micro, Parsed
from checkers.transactional.composite.total import Sums
from checkers.transactional.explain import key_text
from checkers.transactional.transaction import Atom
from checkers.transactional.version_order import DUPLICATE_ELEMENTS, GARBAGE_READ


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


def wrong_range(composite: Composite, reader: Parsed, micro: Micro) -> Iterator[Wrong]:
    """Keys that a predicate read was told of twice, or that it did not ask for."""
    read = f"T{reader.invoke} read {range_told(micro.key, micro.value)}"
    keys = Counter(key for key, _ in micro.value)
    for key in (each for each, count in keys.items() if count > 1):
        yield Wrong(DUPLICATE_ELEMENTS, reader, f"{read}, in which {key_text(key)} stands twice.", (), key)
    inside = set(composite.inside(micro.key))
    for key in (each for each in keys if each not in inside):
        text = f"{read}, and {key_text(key)} is not among what it asked for."
        yield Wrong(GARBAGE_READ, reader, text, (), key)
