"""Arrow tables as columns, with no object per row; what does not fit is read row by row, which words the error."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.columns import NIL, NO_KEY, NUMBER, OTHER, REST_FIELDS, Columns
from harness.formats.jsonl import decoded
from harness.formats.record import F_NAMES_MAX, NAME_CHARS_MAX
from harness.formats.source import Mismatch
from harness.history import INVOKE, TYPES

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Ints = NDArray[np.int64]
    Mask = NDArray[np.bool_]


class _OddError(Exception):
    """The table is to be read row by row."""


def columns_in(table: Any) -> Columns | None:
    """The columns of a table that was validated and has the columns it may have; None if it must be read row by row,
    or where numba is missing."""
    import pyarrow

    try:
        from harness.formats.jsonl_bytes import partners_in

        columns = _columns(table)
        partners = partners_in(columns.types, columns.processes, columns.fs)
    except (_OddError, Mismatch, ImportError, pyarrow.ArrowInvalid):
        return None
    if partners is None:
        return None
    columns.partners[:] = partners
    return columns


def _columns(table: Any) -> Columns:
    """All of them but the partners, which are zero."""
    import numpy as np

    type_codes, type_names = _coded(table, "type")
    if len(table) == 0 or type_codes.min() < 0 or not set(type_names) <= set(TYPES):
        raise _OddError
    types = np.array([TYPES.index(name) for name in type_names], np.uint8)[type_codes]
    fs, f_names = _coded(table, "f")
    if fs.min() < 0 or len(f_names) > F_NAMES_MAX or not _are_names(f_names):
        raise _OddError
    processes, process_names = _processes(table)
    times, timed = _integers(table, "time")
    _check_indices(table)
    keys, key_names = _keys(table)
    kinds, numbers, others = _values(table)
    rests, rest = _rests(table)
    reads = {line for line, value in others.items() if isinstance(value, list) and types[line] == INVOKE
             and (keys is None or keys[line] == NO_KEY) and f_names[fs[line]] == "read"}  # fmt: skip
    if reads or times.min() == -(2**63):  # such reads may be of jepsen.independent
        raise _OddError

    def value(line: int) -> Any:
        return others[line] if kinds[line] == OTHER else int(numbers[line]) if kinds[line] == NUMBER else None

    return Columns(
        types=types,
        processes=processes,
        fs=fs.astype(np.uint16),
        f_names=f_names,
        kinds=kinds,
        numbers=numbers,
        partners=np.zeros(len(types), np.int64),
        times=np.where(timed, times, -1),
        keys=keys,
        key_names=key_names,
        value=value,
        process_names=process_names,
        rests=rests if rest else None,
        rest=lambda line: rest.get(line, {}),
    )


def _coded(table: Any, name: str) -> tuple[Ints, tuple[Any, ...]]:
    """A column as codes in the order in which they first come, -1 for null, and what they stand for."""
    import numpy as np
    import pyarrow

    if name not in table.schema.names:
        return np.full(len(table), -1, np.int64), ()
    column = table.column(name)
    if pyarrow.types.is_dictionary(column.type):
        column = column.cast(column.type.value_type)
    encoded = column.combine_chunks().dictionary_encode()
    if isinstance(encoded, pyarrow.ChunkedArray):
        encoded = encoded.combine_chunks()
    codes = encoded.indices.fill_null(-1).to_numpy(zero_copy_only=False).astype(np.int64)
    return codes, tuple(encoded.dictionary.to_pylist())


def _integers(table: Any, name: str) -> tuple[Ints, Mask]:
    """A column of integers, 0 for null, and where it is not null."""
    import numpy as np
    import pyarrow

    if name not in table.schema.names:
        return np.zeros(len(table), np.int64), np.zeros(len(table), np.bool_)
    column = table.column(name)
    if not (pyarrow.types.is_integer(column.type) or pyarrow.types.is_null(column.type)):
        raise _OddError
    column = column.cast(pyarrow.int64()).combine_chunks()
    numbers = np.array(column.fill_null(0).to_numpy(zero_copy_only=False), np.int64)
    return numbers, np.array(column.is_valid().to_numpy(zero_copy_only=False), np.bool_)


def _are_names(names: tuple[Any, ...]) -> bool:
    return all(isinstance(name, str) and 0 < len(name) <= NAME_CHARS_MAX for name in names)


def _processes(table: Any) -> tuple[Ints, tuple[str, ...]]:
    import numpy as np

    numbers, numbered = _integers(table, "process")
    codes, names = _coded(table, "process_name")
    if not (numbered ^ (codes >= 0)).all() or numbers.min() < 0 or not _are_names(names):
        raise _OddError
    return np.where(numbered, numbers, -1 - codes), names


def _check_indices(table: Any) -> None:
    import numpy as np

    indices, given = _integers(table, "index")
    risen = indices[given & (indices >= 0)]
    if (np.diff(risen) <= 0).any():
        raise _OddError


def _keys(table: Any) -> tuple[NDArray[np.int32] | None, tuple[Any, ...]]:
    import numpy as np

    keys, key_names = _coded(table, "key")
    if "key_json" in table.schema.names:
        raise _OddError
    return (keys.astype(np.int32), key_names) if key_names else (None, ())


def _values(table: Any) -> tuple[NDArray[np.uint8], Ints, dict[int, Any]]:
    """Kinds, numbers, and all values that are OTHER."""
    import numpy as np

    if "value" not in table.schema.names and "value_json" not in table.schema.names:
        raise _OddError
    numbers, numbered = _integers(table, "value")
    kinds = np.where(numbered, NUMBER, NIL).astype(np.uint8)
    others = {}
    for line, value in _json_column(table, "value").items():
        if numbered[line]:
            raise _OddError
        if value is None or type(value) is int:
            raise _OddError  # they belong to the other column, and are rare here
        kinds[line], others[line] = OTHER, value
    return kinds, numbers, others


def _rests(table: Any) -> tuple[NDArray[np.uint8], dict[int, dict[str, Any]]]:
    import numpy as np

    rests = np.zeros(len(table), np.uint8)
    rest: dict[int, dict[str, Any]] = {}
    for name, bit in REST_FIELDS.items():
        entries = _nodes(table) if name == "node" else _json_column(table, name)
        for line, entry in entries.items():
            if entry is not None:
                rests[line] |= bit
                rest.setdefault(line, {})[name] = entry
    return rests, rest


def _nodes(table: Any) -> dict[int, Any]:
    codes, names = _coded(table, "node")
    return {line: names[codes[line]] for line in (codes >= 0).nonzero()[0].tolist()}


def _json_column(table: Any, name: str) -> dict[int, Any]:
    """What stands in the rows where it is not null. Raises :class:`Mismatch`."""
    codes, texts = _coded(table, f"{name}_json")
    return {line: decoded(texts[codes[line]], name) for line in (codes >= 0).nonzero()[0].tolist()}
