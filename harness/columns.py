"""A history as numpy arrays, one element per line: for checkers of a million operations.

Only histories that are worth it have columns (``History.columns`` says which); a small one is read and judged without
numpy ever being imported. What the columns say is what the :class:`harness.history.History` says, code for code.

Every array is contiguous, writable and of exactly the type that stands here, wherever the history came from: another
type, or a read-only array, would have every compiled function compiled once more, for seconds. (Written to, though,
they must never be.)
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Protocol

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

NIL, NUMBER, OTHER = range(3)
"""What a value is: null; an integer of at most 64 bits, which stands in ``numbers``; or anything else."""
NO_KEY: Final = -1
LINES_MIN: Final = 50_000
"""Below this, plain Python has its answer before numpy and numba are there (0.5 to 0.7 s)."""
HAS_ERROR, HAS_SESSION, HAS_NODE, HAS_EXTRA = (1 << bit for bit in range(4))
REST_FIELDS: Final = {"error": HAS_ERROR, "session": HAS_SESSION, "node": HAS_NODE, "extra": HAS_EXTRA}
"""The fields that few lines have, and their bits in ``rests``."""
PADDING: Final = 16
"""Zero bytes after the text of :class:`Spans`, at least."""


@dataclass(frozen=True, slots=True, eq=False)
class Spans:
    """Where the values of kind OTHER stand in the bytes that the history was read from, for parsers of their own.

    ``text``     uint8: the bytes, and after them at least PADDING zeros, so that to look one byte ahead needs no check.
    ``starts``   int64: of each line's value its first byte in ``text``; 0 where the value is not OTHER.
    ``lengths``  int32: its length in bytes; 0 where the value is not OTHER.

    Each span is one whole JSON value, and valid: UTF-8, no line end in it, strings closed, escapes right, numbers by
    the grammar, names unique in each object, nested at most 60 deep. So a compiled parser of, say, transactions
    ``[["append", 3, 7], ["r", 3, null]]`` need only look for its own shape, and there is no second error to word;
    for what has another shape it takes ``Columns.value(line)``. Between tokens there may be blanks, tabs and carriage
    returns. Strings may have escapes; the same string may be written in several ways.
    """

    text: NDArray[np.uint8]
    starts: NDArray[np.int64]
    lengths: NDArray[np.int32]


APPEND, WRITE, READ, READ_LIST, READ_NULL, READ_NOTHING = range(6)
"""What a micro-operation of a transaction does; of a read, what it returned: a value, a list, null, nothing known."""
ACTS: Final = 6
VALUE_MAX: Final = 2**61
TEXTS: Final = 2**62
NULL: Final = TEXTS - 1


@dataclass(frozen=True, slots=True, eq=False)
class Micros:
    """The micro-operations of transactions, in their order: those of transaction i from ``firsts[i]`` to
    ``firsts[i + 1]``.

    ``firsts``   int64.
    ``acts``     uint8: APPEND, WRITE, ...
    ``keys``     int32: codes (0, 1, ...), for ``key`` to tell; equal exactly if the keys are.
    ``numbers``  int64: what was appended or written, or the value that was read: an integer of at most VALUE_MAX; or
                 TEXTS plus the code of a string, for ``text`` to tell; or NULL.
    ``lengths``  int32: of a READ_LIST how many elements it returned.

    A list that was read is not repeated here. ``shown_keys`` (int32) and ``shown`` (int64, as ``numbers``) are the
    elements of the longest one of each key, in its order; the others are the first elements of that, as many as
    ``lengths`` says. Where they are not, or perhaps not, ``mixed`` (uint8, of each key) is 1, and neither counts.
    """

    firsts: NDArray[np.int64]
    acts: NDArray[np.uint8]
    keys: NDArray[np.int32]
    numbers: NDArray[np.int64]
    lengths: NDArray[np.int32]
    shown_keys: NDArray[np.int32]
    shown: NDArray[np.int64]
    mixed: NDArray[np.uint8]
    key: Callable[[int], Any]
    text: Callable[[int], str]


@dataclass(frozen=True, slots=True, eq=False)
class Columns:
    """All arrays have one element per line of the history; none may be changed.

    ``types``      uint8: INVOKE, OK, FAIL or INFO (harness.history).
    ``processes``  int64: a client's number, or a negative code for a named process (``process_names[-1 - code]``).
    ``fs``         uint16: codes into ``f_names``.
    ``kinds``      uint8: NIL, NUMBER or OTHER, of the value.
    ``numbers``    int64: the value, where it is a NUMBER; 0 elsewhere.
    ``partners``   int64: the position of the other half of the pair, -1 if there is none, or for the nemesis.
    ``times``      int64: nanoseconds, -1 where unknown.
    ``keys``       int32: codes into ``key_names``, NO_KEY where there is none; None if no operation has one.
    ``value``      any line's value, decoded when asked for.
    ``rests``      uint8: which of the fields that few lines have (REST_FIELDS) this line has; None if no line has any.
    ``rest``       those fields of a line by their names, decoded when asked for; perhaps other fields, too.
    ``spans``      where the values of kind OTHER stand in the file's bytes; None if they came otherwise.
    ``micros``     given the invocations (int64, ascending) of transactions: what these did, if it is plain: of an ok
                   what the completion says, else the appends and writes of the half of it that says more. None else.
    """

    types: NDArray[np.uint8]
    processes: NDArray[np.int64]
    fs: NDArray[np.uint16]
    f_names: tuple[str, ...]
    kinds: NDArray[np.uint8]
    numbers: NDArray[np.int64]
    partners: NDArray[np.int64]
    times: NDArray[np.int64]
    keys: NDArray[np.int32] | None
    key_names: tuple[Any, ...]
    value: Callable[[int], Any]
    process_names: tuple[str, ...] = ()
    rests: NDArray[np.uint8] | None = None
    rest: Callable[[int], Mapping[str, Any]] = lambda line: {}
    spans: Spans | None = None
    micros: Callable[[NDArray[np.int64]], Micros | None] = lambda invokes: None

    def __len__(self) -> int:
        return len(self.types)


class Listed(Protocol):
    """What a :class:`harness.history.History` has: the same columns as Python's own arrays and lists."""

    @property
    def types(self) -> bytes: ...
    @property
    def processes(self) -> array[int]: ...
    @property
    def fs(self) -> array[int]: ...
    @property
    def f_names(self) -> tuple[str, ...]: ...
    @property
    def values(self) -> list[Any]: ...
    @property
    def times(self) -> array[int]: ...
    @property
    def keys(self) -> list[Any] | None: ...
    @property
    def errors(self) -> list[Any] | None: ...
    @property
    def sessions(self) -> list[Any] | None: ...
    @property
    def nodes(self) -> list[Any] | None: ...
    @property
    def extras(self) -> list[Any] | None: ...
    @property
    def partners(self) -> array[int]: ...
    def process_name(self, code: int) -> int | str: ...


def columns_of(history: Listed) -> Columns | None:
    """The columns of any history, of however few lines; None without numpy, or if a key is no string and no integer.

    Raises :class:`harness.history.HistoryError` as ``history.partners`` does. A checker asks ``history.columns``, which
    makes them for a history that is large enough, and only once; this is for tests of its large side.
    """
    try:
        import numpy as np
    except ImportError:
        return None
    try:
        keys, key_names = _keys(history.keys)
    except TypeError:
        return None
    named = max((-code for code in history.processes if code < 0), default=0)
    kinds = np.array([_kind(value) for value in history.values], np.uint8)
    numbers = np.zeros(len(kinds), np.int64)
    numbers[kinds == NUMBER] = [value for value, kind in zip(history.values, kinds, strict=True) if kind == NUMBER]
    lists = {"error": history.errors, "session": history.sessions, "node": history.nodes, "extra": history.extras}
    columns = {name: column for name, column in lists.items() if column is not None}
    rests = np.zeros(len(kinds), np.uint8)
    for name, column in columns.items():
        rests[[entry is not None for entry in column]] |= REST_FIELDS[name]
    return Columns(
        types=np.array(bytearray(history.types), np.uint8),
        processes=np.array(history.processes, np.int64),
        fs=np.array(history.fs, np.uint16),
        f_names=history.f_names,
        kinds=kinds,
        numbers=numbers,
        partners=np.array(history.partners, np.int64),
        times=np.array(history.times, np.int64),
        keys=None if keys is None else np.array(keys, np.int32),
        key_names=key_names,
        value=history.values.__getitem__,
        process_names=tuple(str(history.process_name(-1 - number)) for number in range(named)),
        rests=rests if columns else None,
        rest=lambda line: {name: column[line] for name, column in columns.items()},
    )


def _kind(value: Any) -> int:
    if value is None:
        return NIL
    return NUMBER if type(value) is int and -(2**63) <= value < 2**63 else OTHER


def _keys(keys: Sequence[Any] | None) -> tuple[array[int] | None, tuple[Any, ...]]:
    """The keys as codes, and what they stand for. Raises TypeError for a key that may equal one of another type."""
    if keys is None:
        return None, ()
    codes: dict[Any, int] = {}
    coded = array("i")
    for key in keys:
        if key is None:
            coded.append(NO_KEY)
        elif type(key) is int or type(key) is str:
            coded.append(codes.setdefault(key, len(codes)))
        else:
            raise TypeError(type(key))
    return coded, tuple(codes)
