"""The history of a run: what every process asked, what came back, and in which order.

A history is the only thing a checker sees. Its order is the order in which the lines were appended; ``time`` (the
harness's monotonic clock, in nanoseconds) is for people and plots, and ``index`` is the position in the history. The
field names are Jepsen's (https://jepsen-io.github.io/history/).

A million operations are a handful of arrays here and not a million objects: :class:`Op` values are made when asked
for. Columns that no operation uses are not kept at all. A large history may come as numpy arrays
(:class:`harness.columns.Columns`); Python's own arrays and lists are made of those when somebody asks for them.
"""

from __future__ import annotations

from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final, Literal, cast, overload

from harness.columns import LINES_MIN, NIL, NO_KEY, OTHER, REST_FIELDS, Columns, columns_of

OpType = Literal["invoke", "ok", "fail", "info"]
Process = int | str

SCHEMA: Final = "splitbrain.history/1"
NEMESIS: Final = "nemesis"
DUMP: Final = "dump"
"""The operation that asks one replica (``Op.node``) for all it holds, as {"state": {key: value}, "applied": number}. It
is about that replica and not about the objects, so checkers of objects pass it over."""

TYPES: Final[tuple[OpType, ...]] = ("invoke", "ok", "fail", "info")
INVOKE, OK, FAIL, INFO = range(4)
_CODE: Final[dict[str, int]] = {name: code for code, name in enumerate(TYPES)}


@dataclass(frozen=True, slots=True)
class Op:
    """One line of a history.

    ``type``     "invoke" begins an operation; "ok" says it happened, "fail" that it certainly did not and never will,
                 "info" that nobody knows. After "info" a process never acts again: its thread goes on under a new
                 process id. When in doubt, "info" is always safe.
    ``process``  a client's number (>= 0), or a name such as "nemesis" for operations that are not a client's.
    ``f``        the operation's name: "read", "write", "cas", "add", ...
    ``value``    its argument at the invocation, its result at the completion.
    ``time``     nanoseconds on the harness's monotonic clock since the run began; -1 where it is not known.
    ``index``    the position in the history; -1 before it is recorded.
    ``error``    why it failed or why nobody knows: a JSON value, often a short string.
    ``key``      the independent object the operation is about; None if there is only one.
    ``session``, ``node``, ``extra``  optional: the session, the node asked, and whatever else a client notes.
    """

    type: OpType
    process: Process
    f: str
    value: Any = None
    time: int = -1
    index: int = -1
    error: Any = None
    key: Any = None
    session: Any = None
    node: str | None = None
    extra: Any = None

    # What every operation of a run goes through more than once; dataclasses.replace takes twice as long.

    def at(self, time: int, index: int | None = None) -> Op:
        """This operation at that time, and, if given, at that place in the history."""
        return Op(self.type, self.process, self.f, self.value, time, self.index if index is None else index,
                  self.error, self.key, self.session, self.node, self.extra)  # fmt: skip

    def about(self, key: Any) -> Op:
        """This operation on that object."""
        return Op(self.type, self.process, self.f, self.value, self.time, self.index,
                  self.error, key, self.session, self.node, self.extra)  # fmt: skip


class HistoryError(ValueError):
    """A history that cannot be one: ``index`` is the offending line's position, ``read`` and ``expected`` say why."""

    def __init__(self, index: int, read: str, expected: str) -> None:
        super().__init__(f"operation {index}: read {read}; expected {expected}")
        self.index, self.read, self.expected = index, read, expected


@dataclass(frozen=True, slots=True)
class Call:
    """An invocation with its completion: the interval in which the operation took effect, if it did.

    ``invoke`` and ``complete`` are positions in the history; ``complete`` is None when nothing came back, which means
    the same as "info". ``argument`` is the invocation's value, ``result`` the completion's (None without one).
    """

    invoke: int
    complete: int | None
    process: Process
    f: str
    argument: Any
    result: Any
    outcome: Literal["ok", "fail", "info"]
    key: Any = None
    error: Any = None


class History(Sequence[Op]):
    """An immutable sequence of operations, stored as columns.

    ``History(ops)`` copies an iterable of :class:`Op`; their ``index`` fields are replaced by their positions. The
    columns are public for checkers that must be fast, and must not be changed:

    ``types``      bytes, one code per operation: INVOKE, OK, FAIL or INFO.
    ``processes``  array("q"); a client's number, or a negative code for a named process (see :meth:`process_name`).
    ``fs``         array("H") of codes into ``f_names``.
    ``values``     list.
    ``times``      array("q"), nanoseconds, -1 where unknown.
    ``errors``, ``keys``, ``sessions``, ``nodes``, ``extras``  list, or None if no operation has one.
    """

    __slots__ = ("_columns", "_listed", "_names", "_origin_ns", "_partners", "errors", "extras", "f_names", "fs",
                 "keys", "nodes", "processes", "sessions", "times", "types", "values")  # fmt: skip

    def __init__(self, ops: Iterable[Op] = ()) -> None:
        types = bytearray()
        self.processes = array("q")
        self.fs = array("H")
        self.values: list[Any] = []
        self.times = array("q")
        columns: dict[str, dict[int, Any]] = {"error": {}, "key": {}, "session": {}, "node": {}, "extra": {}}
        f_codes: dict[str, int] = {}
        name_codes: dict[str, int] = {}
        for index, op in enumerate(ops):
            if not isinstance(op, Op):
                raise TypeError(f"operation {index}: read {type(op).__name__} {str(op)[:80]!r}; expected an Op, as "
                                'checkers.invoke(0, "write", 1) and checkers.ok(0, "write", 1) make them')  # fmt: skip
            if op.type not in _CODE:
                raise HistoryError(index, f"the type {str(op.type)[:80]!r}", " or ".join(TYPES))
            types.append(_CODE[op.type])
            if isinstance(op.process, int):
                self.processes.append(op.process)
            else:
                self.processes.append(name_codes.setdefault(op.process, -1 - len(name_codes)))
            self.fs.append(f_codes.setdefault(op.f, len(f_codes)))
            self.values.append(op.value)
            self.times.append(op.time)
            for name, column in columns.items():
                entry = getattr(op, name)
                if entry is not None:
                    column[index] = entry
        self.types = bytes(types)
        self.f_names = tuple(f_codes)
        self._names = {code: name for name, code in name_codes.items()}
        self._columns: Columns | None = None
        self._listed = True
        self._partners: array[int] | None = None
        self._origin_ns: int | None = None
        self.errors = self._dense(columns["error"])
        self.keys = self._dense(columns["key"])
        self.sessions = self._dense(columns["session"])
        self.nodes = self._dense(columns["node"])
        self.extras = self._dense(columns["extra"])

    @classmethod
    def from_columns(cls, columns: Columns) -> History:
        """A history of numpy arrays, which must be right (paired, too) and are not looked at again."""
        history = cls.__new__(cls)
        history._columns, history._listed = columns, False
        history.f_names = columns.f_names
        history._names = {-1 - number: name for number, name in enumerate(columns.process_names)}
        history._partners = history._origin_ns = None
        return history

    if not TYPE_CHECKING:  # else mypy would take every misspelt attribute for one of these

        def __getattr__(self, name: str) -> Any:
            """A public column of a history that has numpy arrays, made when it is asked for the first time."""
            if name not in _MADE:
                raise AttributeError(f"a History has no {name!r}")
            made = _MADE[name](self._columns)
            setattr(self, name, made)
            return made

    @property
    def columns(self) -> Columns | None:
        """The same as numpy arrays, for checkers that must be fast; None for a history that is not large, or where
        numpy is missing. Raises :class:`HistoryError`, as ``partners`` does."""
        if self._columns is None and len(self) >= LINES_MIN:
            self._columns = columns_of(self)
        return self._columns

    def _dense(self, sparse: dict[int, Any]) -> list[Any] | None:
        return [sparse.get(index) for index in range(len(self.types))] if sparse else None

    def __len__(self) -> int:
        return len(self.types)

    @overload
    def __getitem__(self, index: int) -> Op: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Op]: ...
    def __getitem__(self, index: int | slice) -> Op | Sequence[Op]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        if index < 0:
            index += len(self)
        if not 0 <= index < len(self):
            raise IndexError(f"operation {index} of {len(self)}")
        # A single operation is no reason to make lists of all.
        return self._op(index) if self._listed or self._columns is None else self._op_of(self._columns, index)

    def __iter__(self) -> Iterator[Op]:
        return map(self._op, range(len(self)))

    def _op(self, i: int) -> Op:
        return Op(
            type=TYPES[self.types[i]],
            process=self.process_name(self.processes[i]),
            f=self.f_names[self.fs[i]],
            value=self.values[i],
            time=self.times[i],
            index=i,
            error=self.errors[i] if self.errors else None,
            key=self.keys[i] if self.keys else None,
            session=self.sessions[i] if self.sessions else None,
            node=self.nodes[i] if self.nodes else None,
            extra=self.extras[i] if self.extras else None,
        )

    def _op_of(self, columns: Columns, i: int) -> Op:
        key = NO_KEY if columns.keys is None else int(columns.keys[i])
        bits = 0 if columns.rests is None else int(columns.rests[i])
        rest = columns.rest(i) if bits else {}
        return Op(
            type=TYPES[columns.types[i]],
            process=self.process_name(int(columns.processes[i])),
            f=self.f_names[columns.fs[i]],
            value=columns.value(i),
            time=self.times[i],
            index=i,
            key=None if key == NO_KEY else columns.key_names[key],
            **{name: rest[name] for name, bit in REST_FIELDS.items() if bits & bit},
        )

    def process_name(self, code: int) -> Process:
        """The process that a code of the column ``processes`` stands for."""
        return code if code >= 0 else self._names[code]

    def client_names(self) -> frozenset[str]:
        """The names of the clients' operations."""
        if self._columns is None:
            codes = {f for f, process in zip(self.fs, self.processes, strict=True) if process >= 0}
        else:
            by_clients = self._columns.fs[self._columns.processes >= 0]
            codes = {code for code in range(len(self.f_names)) if (by_clients == code).any()}
        return frozenset(self.f_names[code] for code in codes)

    def seconds(self, index: int) -> float | None:
        """When the operation at that position stands, in seconds since the first client operation; None if unknown.

        A run's clock starts with its cluster, another history's perhaps in 1970; a reader wants neither.
        """
        return None if self.times[index] < 0 else (self.times[index] - self.origin_ns) / 1e9

    @property
    def origin_ns(self) -> int:
        """The time of the first client operation that has one; 0 if none has."""
        if self._origin_ns is None:
            clients = (t for t, process in zip(self.times, self.processes, strict=True) if process >= 0 and t >= 0)
            self._origin_ns = next(clients, 0)
        return self._origin_ns

    @property
    def partners(self) -> array[int]:
        """For each operation the position of the other half of its pair: -1 if there is none, or for the nemesis.

        Raises :class:`HistoryError` where a client's process invokes twice without a completion between, completes
        what it never invoked, or completes an operation of another name.
        """
        if self._partners is None:
            self._partners = self._pair() if self._columns is None else _array("q", self._columns.partners)
        return self._partners

    def _pair(self) -> array[int]:
        partners = array("q", [-1]) * len(self)
        running: dict[int, int] = {}
        for i, (code, process) in enumerate(zip(self.types, self.processes, strict=True)):
            if process < 0:
                if code != INFO:
                    raise HistoryError(i, f"{TYPES[code]!r} by process {self.process_name(process)!r}",
                                       "clients that are numbers: 0, 1, ... (only what is of type info, as faults are, "
                                       "is done by a name)")  # fmt: skip
                continue
            if code == INVOKE:
                if process in running:
                    raise HistoryError(i, f"an invocation of process {process}, whose operation {running[process]} "
                                          "is still running", "one operation at a time per process")  # fmt: skip
                running[process] = i
                continue
            start = running.pop(process, None)
            if start is None:
                raise HistoryError(i, f"a completion ({TYPES[code]}) of process {process}, which runs nothing",
                                   "an invocation before it")  # fmt: skip
            if self.fs[start] != self.fs[i]:
                raise HistoryError(i, f"{self.f_names[self.fs[i]]!r} completing operation {start}",
                                   f"{self.f_names[self.fs[start]]!r}, as invoked")  # fmt: skip
            partners[start], partners[i] = i, start
        return partners

    def calls(self) -> list[Call]:
        """Every operation of a client as one :class:`Call`, in order of invocation. Raises :class:`HistoryError`."""
        partners, types, processes, fs, values = self.partners, self.types, self.processes, self.fs, self.values
        names, keys, errors = self.f_names, self.keys, self.errors
        calls = []
        for i, code in enumerate(types):
            process = processes[i]
            if code != INVOKE or process < 0:
                continue
            end = partners[i]
            key = None if keys is None else keys[i]
            if end < 0:
                calls.append(Call(i, None, process, names[fs[i]], values[i], None, "info", key, None))
                continue
            error = None if errors is None else errors[end]
            calls.append(Call(i, end, process, names[fs[i]], values[i], values[end], _OUTCOMES[types[end]], key, error))
        return calls


_OUTCOMES: Final = cast(tuple[Literal["ok", "fail", "info"], ...], TYPES)  # of completions, by their codes


def _array(code: str, numbers: Any) -> array[int]:
    made: array[int] = array(code)
    made.frombytes(numbers.tobytes())
    return made


def _values(columns: Columns) -> list[Any]:
    values: list[Any] = columns.numbers.tolist()
    for line in (columns.kinds == NIL).nonzero()[0].tolist():
        values[line] = None
    for line in (columns.kinds == OTHER).nonzero()[0].tolist():
        values[line] = columns.value(line)
    return values


def _keys(columns: Columns) -> list[Any] | None:
    names = (*columns.key_names, None)  # the code NO_KEY, -1, is the last one
    return None if columns.keys is None else [names[code] for code in columns.keys.tolist()]


def _rest(columns: Columns, field: str) -> list[Any] | None:
    lines = [] if columns.rests is None else (columns.rests & REST_FIELDS[field]).nonzero()[0].tolist()
    if not lines:
        return None
    entries: list[Any] = [None] * len(columns)
    for line in lines:
        entries[line] = columns.rest(line)[field]
    return entries


_MADE: Final[Mapping[str, Callable[[Columns], Any]]] = {
    "types": lambda columns: columns.types.tobytes(),
    "processes": lambda columns: _array("q", columns.processes),
    "fs": lambda columns: _array("H", columns.fs),
    "values": _values,
    "times": lambda columns: _array("q", columns.times),
    "keys": _keys,
    "errors": lambda columns: _rest(columns, "error"),
    "sessions": lambda columns: _rest(columns, "session"),
    "nodes": lambda columns: _rest(columns, "node"),
    "extras": lambda columns: _rest(columns, "extra"),
}
