"""Which lines of a large history are transactions, and what these did, as columns."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from checkers.transactional.columnar.placing import grouped
from checkers.transactional.transaction import (
    OPERATION,
    OUTCOMES,
    REGISTER_OPERATIONS,
    Atom,
    Transaction,
    asked,
    atoms,
    is_list,
    split,
)
from harness.columns import (
    ACTS,
    APPEND,
    HAS_SESSION,
    READ,
    READ_LIST,
    READ_NOTHING,
    READ_NULL,
    TEXTS,
    WRITE,
    Columns,
    Micros,
)
from harness.history import DUMP, INFO, INVOKE

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Bytes = NDArray[np.uint8]
    Ints = NDArray[np.int64]
    Shorts = NDArray[np.int32]

_LINES_MAX: Final = 10_000
_SPARSE: Final = 1024


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """All transactions of clients, in order of invocation.

    ``invokes``, ``completes``  int64: their lines; ``completes`` -1 where nobody knows whether they happened.
    ``outcomes``                uint8: OK, FAIL or INFO.
    ``sessions``                int32: their processes, numbered.
    ``key_firsts``, ``by_key``  the micro-operations of key k: ``by_key[key_firsts[k] : key_firsts[k + 1]]``.
    ``shown_firsts``, ``shown``  the same of the longest list that was read of key k.
    """

    columns: Columns
    micros: Micros
    invokes: Ints
    completes: Ints
    outcomes: Bytes
    sessions: Shorts
    session_count: int
    key_firsts: Ints
    by_key: Shorts
    shown_firsts: Ints
    shown: Ints

    @property
    def keys(self) -> int:
        """How many there are."""
        return len(self.micros.mixed)

    def atom(self, number: int) -> Atom:
        """The element that a number stands for."""
        return self.micros.text(number - TEXTS) if number >= TEXTS else number


def read_lists(columns: Columns, most: int | None = None) -> Reading | None:
    """The transactions, or the first so many; None if they are not on lists, or not plain."""
    return _read(columns, "append", (APPEND, READ_LIST, READ_NULL, READ_NOTHING), most)


def read_registers(columns: Columns, most: int | None = None) -> Reading | None:
    """The same on registers."""
    return _read(columns, "w", (WRITE, READ, READ_NULL, READ_NOTHING), most)


def _read(columns: Columns, writes: str, acts: tuple[int, ...], most: int | None) -> Reading | None:
    """The same of any data type: ``writes`` is its writing micro-operation, ``acts`` are all that it has."""
    clients = columns.processes >= 0
    if not _are_about(columns, clients, writes) or _have_sessions(columns):
        return None
    invokes = np.flatnonzero((columns.types == INVOKE) & clients & (columns.fs == columns.f_names.index(OPERATION)))
    invokes = invokes[:most]
    micros = columns.micros(invokes)
    if (
        micros is None
        or np.bincount(micros.acts, minlength=ACTS)[[act for act in range(ACTS) if act not in acts]].any()
    ):
        return None
    ends = columns.partners[invokes]
    outcomes = np.where(ends >= 0, columns.types[ends], np.uint8(INFO)).astype(np.uint8)
    sessions, session_count = _numbered(columns.processes[invokes])
    key_firsts, by_key = grouped(micros.keys, len(micros.mixed))
    shown_firsts, shown_order = grouped(micros.shown_keys, len(micros.mixed))
    return Reading(
        columns=columns,
        micros=micros,
        invokes=invokes,
        completes=np.where(outcomes == INFO, -1, ends),
        outcomes=outcomes,
        sessions=sessions,
        session_count=session_count,
        key_firsts=key_firsts,
        by_key=by_key,
        shown_firsts=shown_firsts,
        shown=micros.shown[shown_order],
    )


def _have_sessions(columns: Columns) -> bool:
    return columns.rests is not None and bool((columns.rests & HAS_SESSION).any())


def _are_about(columns: Columns, clients: NDArray[np.bool_], writes: str) -> bool:
    """As :func:`checkers.transactional.register.reading.data_type`, where one of the first transactions tells."""
    done = {name for code, name in enumerate(columns.f_names) if ((columns.fs == code) & clients).any()}
    if done - {DUMP} != {OPERATION} or any(name in REGISTER_OPERATIONS for name in columns.f_names):
        return False
    for line in np.flatnonzero(clients[:_LINES_MAX]).tolist():
        value = columns.value(line)
        for micro in value if is_list(value) else ():
            if is_list(micro) and micro and micro[0] in ("append", "w"):
                return bool(micro[0] == writes)
    return False


def _numbered(processes: Ints) -> tuple[Shorts, int]:
    """The processes as numbers from 0 on, and a bound for them."""
    most = int(processes.max(initial=0))
    if most <= 2 * len(processes) + _SPARSE:
        return processes.astype(np.int32), most + 1
    distinct, numbers = np.unique(processes, return_inverse=True)
    return numbers.astype(np.int32), len(distinct)


@dataclass(slots=True)
class Transactions(Sequence[Transaction]):
    """The transactions as the plain checker has them, each made when it is asked for."""

    reading: Reading
    _made: dict[int, Transaction] = field(default_factory=dict)
    _atom: Any = field(default_factory=atoms)

    def __len__(self) -> int:
        return len(self.reading.invokes)

    def __getitem__(self, number: Any) -> Any:
        if number not in self._made:
            self._made[number] = self._transaction(int(number))
        return self._made[number]

    def touching(self, key: Atom) -> Iterator[Transaction]:
        """Those with a micro-operation on the key, in order."""
        reading = self.reading
        code = next((code for code in range(reading.keys) if reading.micros.key(code) == key), None)
        if code is not None:
            yield from (self[number] for number in self.of_key(code))

    def of_key(self, code: int) -> list[int]:
        """The numbers of those with a micro-operation on the key."""
        reading = self.reading
        micros = reading.by_key[reading.key_firsts[code] : reading.key_firsts[code + 1]]
        owners = np.searchsorted(reading.micros.firsts, micros, side="right") - 1
        return list(dict.fromkeys(owners.tolist()))

    def _transaction(self, number: int) -> Transaction:
        reading, columns = self.reading, self.reading.columns
        if not 0 <= number < len(self):
            raise IndexError(number)
        invoke, end = int(reading.invokes[number]), int(columns.partners[reading.invokes[number]])
        outcome = OUTCOMES[int(reading.outcomes[number])]
        told = columns.value(end) if outcome == "ok" else asked(columns.value(invoke),
                                                                 None if end < 0 else columns.value(end))  # fmt: skip
        appends, reads = split(invoke, told, outcome == "ok", self._atom)
        process = int(columns.processes[invoke])
        complete = None if outcome == "info" else end
        return Transaction(number, invoke, complete, process, process, outcome, appends, reads)
