"""A commit order: what proves that an isolation level holds, and what every read saw in it.

All levels have a total order of the committed transactions behind them: Adya's dependencies without a cycle extend to
one (1999), Cerone, Bernardi and Gotsman's executions (2015) and Biswas and Enea's axioms (2019) have one to begin with.
The order of its writers is the order of each key's versions. So one form of certificate serves every level, of lists
and of registers: the order; where a level is about snapshots (prefix, snapshot isolation), how much of the order each
transaction saw; and, of registers, who wrote a value that several may have written. What it must satisfy is in
:mod:`checkers.transactional.axiom`. Nothing here is shared with what decides but how a history is read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from checkers.transactional.explain import key_text
from checkers.transactional.transaction import Atom, Read, Transaction, value_of
from checkers.value import show

Initial = Callable[[Atom], Atom]
"""What each register held before it was written."""
Sources = Mapping[tuple[int, int], int | None]
_FIELDS: Final = {"order", "snapshots", "sources"}


class Objection(Exception):
    """Why a certificate proves nothing, in a sentence."""


@dataclass(frozen=True, slots=True)
class CommitOrder:
    """``order``: the invocations of all that committed. ``snapshots``: of each of them how many of the order, from its
    beginning on, its snapshot shows; None: all before it. ``sources``: (invocation, place of a read in it) -> the
    invocation of the writer, None for the initial value; needed only where the value does not tell."""

    order: Sequence[int]
    snapshots: Sequence[int] | None = None
    sources: Sources = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        """The same in JSON: ``sources`` as a list of [invocation, place, invocation or null]."""
        found: dict[str, Any] = {"order": list(self.order)}
        if self.snapshots is not None:
            found["snapshots"] = list(self.snapshots)
        if self.sources:
            found["sources"] = [[*read, writer] for read, writer in self.sources.items()]
        return found


def commit_order(data: Any) -> CommitOrder:
    """From JSON. Raises ValueError for what is none."""
    if not isinstance(data, dict) or "order" not in data or not data.keys() <= _FIELDS:
        raise ValueError("read no commit order: expected an order, snapshots, sources")
    for name in ("order", "snapshots"):
        numbers = data.get(name, [])
        if not isinstance(numbers, list) or not all(type(each) is int for each in numbers):
            raise ValueError(f"read {name} that are no list of integers")
    sources = data.get("sources", [])
    if not isinstance(sources, list) or not all(map(_is_source, sources)):
        raise ValueError("read sources that are no list of [operation, place, operation or null]")
    return CommitOrder(data["order"], data.get("snapshots"), {(each[0], each[1]): each[2] for each in sources})


def _is_source(each: Any) -> bool:
    if not isinstance(each, list) or len(each) != 3:
        return False
    return all(type(number) is int for number in each[:2]) and (each[2] is None or type(each[2]) is int)


class Seen(NamedTuple):
    """A read of what others wrote: how many versions of the key it was after, whether its transaction had appended to
    the list before, and its place in the transaction."""

    key: Atom
    versions: int
    own: bool
    place: int


@dataclass(slots=True)
class Executed:
    """The committed transactions by their positions in the order; ``chains``: of each key the positions of its writers;
    ``snapshots``: position -> how many of the order are visible; ``reads``: position -> what it read of others."""

    transactions: list[Transaction]
    snapshots: Sequence[int]
    chains: dict[Atom, list[int]] = field(default_factory=dict)
    reads: list[list[Seen]] = field(default_factory=list)

    def source(self, seen: Seen) -> int:
        """The position of the transaction whose version was read, -1 if it was the first state."""
        return self.chains[seen.key][seen.versions - 1] if seen.versions else -1

    def name(self, position: int) -> str:
        return name(self.transactions[position])


def name(transaction: Transaction) -> str:
    """T and the line of its invocation."""
    return f"T{transaction.invoke}"


def executed(transactions: Sequence[Transaction], proof: CommitOrder) -> Executed:
    """The transactions in the order, no read looked at. What certainly committed must be there once, what failed must
    not. Raises :class:`Objection`."""
    known = {each.invoke: each for each in transactions}
    listed: list[Transaction] = []
    for invoke in proof.order:
        if invoke not in known:
            raise Objection(f"it places operation {invoke}, which begins no transaction of this history")
        listed.append(known[invoke])
    if len({*proof.order}) != len(listed):
        raise Objection(f"it places T{_repeated(proof.order)} twice")
    placed = {*proof.order}
    for each in transactions:
        if each.outcome == "ok" and each.invoke not in placed:
            raise Objection(f"it leaves out {name(each)}, which committed")
        if each.outcome == "fail" and each.invoke in placed:
            raise Objection(f"it places {name(each)}, which failed")
    found = Executed(listed, _snapshots(proof, listed))
    for position, each in enumerate(listed):
        for key in each.appends:
            found.chains.setdefault(key, []).append(position)
    return found


def _repeated(order: Sequence[int]) -> int:
    seen: set[int] = set()
    return next(each for each in order if each in seen or seen.add(each))  # type: ignore[func-returns-value]


def _snapshots(proof: CommitOrder, listed: Sequence[Transaction]) -> Sequence[int]:
    if proof.snapshots is None:
        return range(len(listed))
    if len(proof.snapshots) != len(listed):
        raise Objection(f"it has {len(proof.snapshots)} snapshots for {len(listed)} transactions")
    for position, seen in enumerate(proof.snapshots):
        if not 0 <= seen <= position:
            raise Objection(f"the snapshot of {name(listed[position])} shows {seen} transactions, and {position} "
                            "committed before it")  # fmt: skip
    return proof.snapshots


# ---------------------------------------------------------------------------- lists


def read_lists(found: Executed) -> None:
    """Which version each read of a list saw: of the list that the order makes, a beginning that ends where a
    transaction's appends do, and after it the reader's own. Raises :class:`Objection`."""
    lists: dict[Atom, list[Atom]] = {}
    lengths: dict[Atom, dict[int, int]] = {}  # key -> length of a version -> its number
    for key, chain in found.chains.items():
        elements = lists[key] = []
        versions = lengths[key] = {0: 0}
        for position in chain:
            elements.extend(found.transactions[position].appends[key])
            versions[len(elements)] = len(versions)
    for position, reader in enumerate(found.transactions):
        found.reads.append([_read_list(found, position, reader, read, lists, lengths) for read in reader.reads])


_EMPTY: Final[list[Atom]] = []
_NO_VERSION: Final = {0: 0}


def _read_list(
    found: Executed, position: int, reader: Transaction, read: Read, lists: Mapping[Atom, list[Atom]],
    lengths: Mapping[Atom, dict[int, int]],
) -> Seen:  # fmt: skip
    seen = len(read.elements) - read.own
    what = f"{name(reader)} read the list {key_text(read.key)}"
    if read.own and (seen < 0 or read.elements[seen:] != tuple(reader.appends[read.key][: read.own])):
        raise Objection(f"{what} without what it had appended itself")
    if read.elements[:seen] != tuple(lists.get(read.key, _EMPTY)[:seen]):
        raise Objection(f"{what} with other elements than this order gives it")
    versions = lengths.get(read.key, _NO_VERSION).get(seen)
    if versions is None:
        raise Objection(f"{what} as it was between two appends of one transaction")
    chain = found.chains.get(read.key, [])
    if versions and chain[versions - 1] >= position:
        raise Objection(f"{what} with what {found.name(chain[versions - 1])} appended, which commits later")
    if read.own and (versions == len(chain) or chain[versions] != position):
        raise Objection(f"{what} with its own appends, and without others that come before them")
    return Seen(read.key, versions, read.own > 0, read.place)


# ---------------------------------------------------------------------------- registers


def read_registers(found: Executed, initial: Initial, sources: Sources) -> None:
    """Which version each read of a register saw: the last write of a committed transaction, or the initial value.
    Raises :class:`Objection`."""
    writers: dict[Atom, dict[Atom, list[int]]] = {}  # key -> value -> numbers of the versions that have it
    for key, chain in found.chains.items():
        of_key = writers[key] = {}
        for number, position in enumerate(chain, 1):
            of_key.setdefault(found.transactions[position].appends[key][-1], []).append(number)
    for position, reader in enumerate(found.transactions):
        reads = []
        for read in reader.reads:
            if not read.own:
                reads.append(_read_register(found, position, read, writers, initial, sources))
            elif reader.appends[read.key][read.own - 1] != read.elements[0]:
                raise Objection(f"{name(reader)} read {_told(read)}, and had itself written another value")
        found.reads.append(reads)


def _told(read: Read) -> str:
    return f"{key_text(read.key)} = {show(value_of(read.elements[0]))}"


def _read_register(
    found: Executed, position: int, read: Read, writers: Mapping[Atom, Mapping[Atom, list[int]]], initial: Initial,
    sources: Sources,
) -> Seen:  # fmt: skip
    reader, chain = found.transactions[position], found.chains.get(read.key, [])
    possible = [each for each in writers.get(read.key, {}).get(read.elements[0], ()) if chain[each - 1] != position]
    if initial(read.key) == read.elements[0]:
        possible.insert(0, 0)
    if len(possible) > 1 and (reader.invoke, read.place) in sources:
        writer = sources[reader.invoke, read.place]
        possible = [each for each in possible
                    if writer == (found.transactions[chain[each - 1]].invoke if each else None)]  # fmt: skip
    if not possible:
        raise Objection(f"{name(reader)} read {_told(read)}, which none of these transactions left there")
    if len(possible) > 1:
        raise Objection(f"{name(reader)} read {_told(read)}, and it does not say which of several writes that was")
    versions = possible[0]
    if versions and chain[versions - 1] >= position:
        raise Objection(f"{name(reader)} read {_told(read)}, which {found.name(chain[versions - 1])} wrote, which "
                        "commits later")  # fmt: skip
    return Seen(read.key, versions, own=False, place=read.place)


# ---------------------------------------------------------------------------- uncommitted reads


def read_uncommitted(found: Executed, transactions: Sequence[Transaction], initial: Initial | None) -> None:
    """What read uncommitted asks of reads: that somebody wrote what they show, the reader itself what it last wrote;
    and of lists that without what did not commit they show a beginning of the list. Raises :class:`Objection`."""
    writers: dict[tuple[Atom, Atom], dict[int, None]] = {}  # key, element -> the first two that wrote it
    for each in transactions:
        for key, elements in each.appends.items():
            for element in elements:
                several = writers.setdefault((key, element), {})
                if len(several) < _TWO:
                    several[each.number] = None
    if initial is not None:
        for reader in found.transactions:
            for read in reader.reads:
                _possible_value(reader, read, writers, initial)
        return
    lists: dict[Atom, list[Atom]] = {}
    for reader in found.transactions:
        for key, elements in reader.appends.items():
            lists.setdefault(key, []).extend(elements)
    members = {key: set(elements) for key, elements in lists.items()}
    for reader in found.transactions:
        for read in reader.reads:
            _possible_list(reader, read, writers)
            committed = [each for each in read.elements if each in members.get(read.key, ())]
            if committed != lists.get(read.key, _EMPTY)[: len(committed)]:
                raise Objection(f"{name(reader)} read the list {key_text(read.key)} in another order than this")


_TWO: Final = 2
_Writers = Mapping[tuple[Atom, Atom], Mapping[int, None]]


def _possible_list(reader: Transaction, read: Read, writers: _Writers) -> None:
    what = f"{name(reader)} read the list {key_text(read.key)}"
    appended = reader.appends.get(read.key, [])
    known = all((read.key, each) in writers for each in read.elements)
    if len(set(read.elements)) < len(read.elements) or not known:
        raise Objection(f"{what} with an element twice, or one that nobody appended")
    if not {*appended[read.own :]}.isdisjoint(read.elements):
        raise Objection(f"{what} with what it appended only later")
    if read.own and read.elements[-read.own :] != tuple(appended[: read.own]):
        raise Objection(f"{what} without what it had appended itself")


def _possible_value(reader: Transaction, read: Read, writers: _Writers, initial: Initial) -> None:
    value = read.elements[0]
    if read.own:
        possible = reader.appends[read.key][read.own - 1] == value
    else:
        others = writers.get((read.key, value), {}).keys() - {reader.number}
        possible = value == initial(read.key) or bool(others)
    if not possible:
        raise Objection(f"{name(reader)} read {_told(read)}, which nobody else wrote, or not what it had written")
