"""The versions of all lists as arrays; where something is wrong with a key, as the plain checker has them.

All that is said here is what :func:`checkers.transactional.version_order.infer` says: of an odd key, because that
module itself is asked; of the others, because nothing is wrong with them.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np

from checkers.transactional.columnar import placing
from checkers.transactional.columnar.edges import Lists
from checkers.transactional.columnar.placing import NOTHING, Did, Placed
from checkers.transactional.columnar.reading import Reading, Transactions
from checkers.transactional.transaction import Atom, Read, Transaction
from checkers.transactional.version_order import Inference, Observation, Versions, own_observations, versions_of
from harness.columns import APPEND
from harness.history import INFO, OK

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Ints = NDArray[np.int64]
    Shorts = NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Listed:
    """``numbers`` are those of the elements of each key's versions, where ``lists`` has their writers; ``lengths`` of
    each read its number of elements; ``committed`` of each transaction whether it counts as committed."""

    reading: Reading
    did: Did
    placed: Placed
    lists: Lists
    numbers: Ints
    lengths: Shorts
    committed: Bytes
    observations: list[Observation]
    ordered: bool
    transactions: Transactions

    @property
    def numbers_committed(self) -> Shorts:
        return np.flatnonzero(self.committed).astype(np.int32)

    def unsettled(self) -> bool:
        """Whether the outcome of one that counts as committed is unknown."""
        return bool((self.reading.outcomes[self.committed != 0] == INFO).any())

    def inference(self) -> Inference:
        """The same for the plain checker, which asks for little of it."""
        committed = array("i", self.numbers_committed.tobytes())
        return Inference(self.transactions, committed, ListVersions(self), self.observations, self.ordered,
                         self.unsettled())  # fmt: skip


def infer(reading: Reading) -> Listed | None:
    """The order of versions; None where an element was appended twice."""
    micros = reading.micros
    count = len(micros.acts)
    did = Did(placing.owners_of(micros.firsts), micros.acts, micros.numbers, micros.lengths, reading.outcomes)
    placed = Placed(np.full(count, NOTHING, np.int32), np.zeros(count, np.uint8), np.full(count, NOTHING, np.int32))
    writers, odd = np.zeros(len(reading.shown), np.int32), micros.mixed.copy()
    how = placing.place_all(
        reading.key_firsts, reading.by_key, reading.shown_firsts, reading.shown, did, placed, writers, odd
    )
    if how != placing.DONE:
        return None
    ranked = placing.read_keys(micros.keys, did, reading.keys)
    transactions = Transactions(reading)
    found = Inference(transactions, [], {}, [])
    plain = _Odd(reading, did, placed, transactions, found)
    firsts, numbers, lengths = reading.shown_firsts, reading.shown, micros.lengths
    if odd.any():
        firsts, writers, numbers, lengths = plain.replaced(ranked[odd[ranked] != 0], firsts, writers, numbers)
    committed = (reading.outcomes == OK).astype(np.uint8)
    committed[writers] = 1
    tail_firsts, tails = placing.tails_of(reading.key_firsts, reading.by_key, did.owners, did.acts, placed, committed)
    lists = Lists(ranked, firsts, writers, tail_firsts, tails, reading.key_firsts, reading.by_key)
    return Listed(reading, did, placed, lists, numbers, lengths, committed, found.observations, found.ordered,
                  transactions)  # fmt: skip


@dataclass(slots=True)
class _Odd:
    """The keys about which something may be wrong, as the plain checker reads them."""

    reading: Reading
    did: Did
    placed: Placed
    transactions: Transactions
    found: Inference

    def replaced(self, keys: Shorts, firsts: Ints, writers: Shorts, numbers: Ints) -> tuple[Ints, Shorts, Ints, Shorts]:
        """``firsts``, writers and numbers of all versions, and the lengths of all reads, those of the odd keys as they
        are."""
        self._observe_own(keys)
        versions = {int(key): self._versions(int(key)) for key in keys}
        lengths = self.did.lengths.copy()
        parts: list[tuple[Shorts, Ints]] = []
        sizes = np.diff(firsts)
        pieces = np.split(writers, firsts[1:-1]), np.split(numbers, firsts[1:-1])
        for key in range(self.reading.keys):
            if key in versions:
                parts.append(self._placed(key, versions[key], lengths))
                sizes[key] = len(parts[-1][0])
            else:
                parts.append((pieces[0][key], pieces[1][key]))
        return (np.concatenate([[0], np.cumsum(sizes)]).astype(np.int64), np.concatenate([each for each, _ in parts]),
                np.concatenate([each for _, each in parts]), lengths)  # fmt: skip

    def _observe_own(self, keys: Shorts) -> None:
        """What is wrong with reads of lists to which their transactions append: in the order of transactions."""
        readers = sorted({number for key in keys.tolist() for number in self.transactions.of_key(key)})
        for number in readers:
            transaction = self.transactions[number]
            for read in transaction.reads:
                if read.key in transaction.appends:
                    self.found.observations.extend(own_observations(transaction, read))

    def _versions(self, code: int) -> Versions:
        key = self.reading.micros.key(code)
        touching = [self.transactions[number] for number in self.transactions.of_key(code)]
        writers = {element: each for each in touching for element in each.appends.get(key, ())}
        reads = [(each, read) for each in touching for read in each.reads if read.key == key]
        return versions_of(self.found, key, reads, writers)

    def _placed(self, code: int, versions: Versions, lengths: Shorts) -> tuple[Shorts, Ints]:
        """The writers and numbers of the versions; and the places of the key's micro-operations, as they show."""
        reading, placed = self.reading, self.placed
        positions = {element: position for position, element in enumerate(versions.elements)}
        numbers = np.zeros(len(positions), np.int64)
        for micro in reading.by_key[reading.key_firsts[code] : reading.key_firsts[code + 1]].tolist():
            position = NOTHING
            if self.did.acts[micro] == APPEND:
                position = positions.get(reading.atom(int(self.did.numbers[micro])), NOTHING)
            if position >= 0:
                numbers[position] = self.did.numbers[micro]
            placed.places[micro] = position
        for reader, seen, place in versions.reads:
            micro = int(reading.micros.firsts[reader]) + place
            placed.places[micro] = seen
            read = _read_at(self.transactions[reader], place)
            lengths[micro] = len(read.elements)
        return np.array(versions.writers, np.int32), numbers


def _read_at(reader: Transaction, place: int) -> Read:
    return next(each for each in reader.reads if each.place == place)


@dataclass(slots=True)
class ListVersions(Mapping[Atom, Versions]):
    """The versions of each list, made when they are asked for."""

    listed: Listed
    _codes: dict[Atom, int] = field(default_factory=dict)
    _made: dict[Atom, Versions] = field(default_factory=dict)

    def __getitem__(self, key: Atom) -> Versions:
        if key not in self._made:
            self._made[key] = self._versions(key, self._known()[key])
        return self._made[key]

    def __contains__(self, key: object) -> bool:
        return key in self._known()

    def __iter__(self) -> Iterator[Atom]:
        return iter(self._known())

    def __len__(self) -> int:
        return len(self._known())

    def _known(self) -> dict[Atom, int]:
        """Those that were read, in the order of their first reads, and those with appends that nobody read."""
        if not self._codes:
            lists, key = self.listed.lists, self.listed.reading.micros.key
            unread = np.flatnonzero(np.diff(lists.tail_firsts))
            self._codes = {key(code): code for code in [*lists.ranked.tolist(), *unread.tolist()]}
        return self._codes

    def _versions(self, key: Atom, code: int) -> Versions:
        listed, lists = self.listed, self.listed.lists
        first, end = int(lists.firsts[code]), int(lists.firsts[code + 1])
        elements = tuple(listed.reading.atom(number) for number in listed.numbers[first:end].tolist())
        tail = lists.tails[lists.tail_firsts[code] : lists.tail_firsts[code + 1]].tolist()
        reads = []
        for micro in lists.order[lists.key_firsts[code] : lists.key_firsts[code + 1]].tolist():
            if listed.did.acts[micro] != APPEND and listed.placed.places[micro] >= 0:
                reader = int(listed.did.owners[micro])
                place = micro - int(listed.reading.micros.firsts[reader])
                reads.append((reader, int(listed.placed.places[micro]), place))
        return Versions(key, elements, lists.writers[first:end].tolist(), tail, reads)
