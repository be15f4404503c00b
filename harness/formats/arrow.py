"""Histories as Apache Arrow tables: Parquet files, and Arrow's IPC files and streams (pyarrow reads and writes them).

A row is a line of the history. Columns that no row needs may be missing, but ``type``, ``process``, ``f``, and one of
the two of the value; no other columns are read.

    type          text     invoke, ok, fail, info
    process       integer  a client's number; null where the process has a name
    process_name  text     such as nemesis; null elsewhere
    f             text     the operation
    value         integer  the value where it is an integer of 64 bits; null elsewhere
    value_json    text     any other value, as JSON; null elsewhere (with ``value`` null, too, the value is null)
    key           integer or text, the same in all rows
    key_json      text     any other key (an integer of more bits, or a text among integers), as JSON
    node          text
    time          integer  nanoseconds; null where unknown
    index         integer  read, and must rise; not written
    error_json, session_json, extra_json    text: JSON

``value`` of any other type that JSON has a word for (text, booleans, doubles) is read, too. Text may be encoded by a
dictionary. The schema's metadata say ``splitbrain.schema`` (splitbrain.history/1), and may say ``splitbrain.model`` and
``splitbrain.nil_reads``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

from harness.columns import LINES_MIN
from harness.formats.jsonl import decoded
from harness.formats.record import Claims, Recording, operation, record
from harness.formats.source import FormatError, Mismatch, shown
from harness.history import SCHEMA, History, Op

BYTES_MAX: Final = 4 * 1024**3  # of a table in memory: a file of a few bytes may say that it has as many as it likes
ROWS_MAX: Final = 2**31 - 1
BATCH_ROWS: Final = 1 << 16
MISSING: Final = "the package pyarrow, which is not installed (pip install 'splitbrain[arrow]', or pip install pyarrow)"
_NEEDED: Final = ("type", "process", "f")
_JSON: Final = ("value_json", "key_json", "error_json", "session_json", "extra_json")
_PLAIN: Final = ("type", "process", "process_name", "f", "value", "key", "node", "time", "index")


def read(
    path: str,
    format: str,  # noqa: A002
    *,
    independent: bool = False,
    progress: Callable[[int], None] = lambda lines: None,
) -> Recording:
    """Read a history. Raises :class:`FormatError`, OSError where the file cannot be opened; a row is called a line."""
    open(path, "rb").close()  # pyarrow's words for a missing file are not ours
    try:
        import pyarrow
    except ImportError:
        raise FormatError(path, None, f"a file that is {format}", MISSING) from None
    try:
        table = _table(path, format, progress)
        table.validate(full=True)
    except FormatError:
        raise
    except (pyarrow.ArrowException, OSError, ValueError, ArithmeticError, LookupError, TypeError) as error:
        raise FormatError(path, None, f"a damaged file ({shown(' '.join(str(error).split()))})", f"{format}") from None
    try:
        _check_columns(table.schema)
        claims = _claims(table.schema.metadata or {})
    except Mismatch as error:
        raise FormatError(path, None, error.read, error.expected) from None
    if table.num_rows >= LINES_MIN and not independent:
        from harness.formats import arrow_columns

        columns = arrow_columns.columns_in(table)
        if columns is not None:
            history, lines = History.from_columns(columns), range(1, len(columns) + 1)
            return Recording(history, path, format, lines, claims.model, claims.nil_reads)
    return record(_operations(table, path), path, format, independent=independent, claims=claims)


def _table(path: str, format: str, progress: Callable[[int], None]) -> Any:  # noqa: A002
    """All of the file as a table, of bounded size. Raises what pyarrow does."""
    import pyarrow

    batches, rows, size = [], 0, 0
    schema, parts = _batches(path, format)
    for batch in parts:
        batches.append(batch)
        rows, size = rows + batch.num_rows, size + batch.nbytes
        if rows > ROWS_MAX or size > BYTES_MAX:
            raise FormatError(path, rows, f"more than {ROWS_MAX} rows, or {BYTES_MAX} bytes", "a smaller file")
        progress(rows)
    return pyarrow.Table.from_batches(batches, schema)


def _batches(path: str, format: str) -> tuple[Any, Iterator[Any]]:  # noqa: A002
    import pyarrow

    if format == "parquet":
        from pyarrow import parquet

        file = parquet.ParquetFile(path, memory_map=False, pre_buffer=False)
        return file.schema_arrow, file.iter_batches(BATCH_ROWS, use_threads=False)
    source = pyarrow.OSFile(path)
    options = pyarrow.ipc.IpcReadOptions(use_threads=False)
    if source.read(6) == b"ARROW1":
        source.seek(0)
        reader = pyarrow.ipc.open_file(source, options=options)
        return reader.schema, (reader.get_batch(number) for number in range(reader.num_record_batches))
    source.seek(0)
    stream = pyarrow.ipc.open_stream(source, options=options)
    return stream.schema, iter(stream)


def _check_columns(schema: Any) -> None:
    """Raises :class:`Mismatch`."""
    from pyarrow import types

    for name in _NEEDED:
        if name not in schema.names and not (name == "process" and "process_name" in schema.names):
            raise Mismatch(f"a table with only the columns {shown(sorted(schema.names))}", f'a column "{name}"')
    for field in schema:
        if field.name not in _PLAIN + _JSON or schema.names.count(field.name) > 1:
            raise Mismatch(f"the column {shown(field.name)}", f"each once, columns of {', '.join(_PLAIN + _JSON)}")
        kind = field.type.value_type if types.is_dictionary(field.type) else field.type
        text = types.is_string(kind) or types.is_large_string(kind) or types.is_string_view(kind)
        right = {
            "process": types.is_integer(kind), "time": types.is_integer(kind), "index": types.is_integer(kind),
            "key": text or types.is_integer(kind),
            "value": text or types.is_integer(kind) or types.is_boolean(kind)
            or types.is_float32(kind) or types.is_float64(kind),
        }.get(field.name, text)  # fmt: skip
        if not right and not types.is_null(kind):
            raise Mismatch(f"the column {shown(field.name)} of type {shown(str(field.type))}",
                           "integers or text, as the documentation of the format says")  # fmt: skip


def _claims(metadata: Mapping[bytes, bytes]) -> Claims:
    """What the file says of itself. Raises :class:`Mismatch`."""
    said = {name: text.decode("utf-8", "replace") for name in ("schema", "nil_reads", "model")
            if (text := metadata.get(f"splitbrain.{name}".encode())) is not None}  # fmt: skip
    if said.get("schema", SCHEMA) != SCHEMA:
        raise Mismatch(f"schema {shown(said['schema'])}", f"{SCHEMA!r}: is this a history of ours, and as new?")
    claims = Claims()
    claims.take(said.get("nil_reads"), said.get("model"))
    return claims


def _operations(table: Any, path: str) -> Iterator[tuple[int, Op]]:
    line = 0
    for batch in table.to_batches(BATCH_ROWS):
        columns = {name: batch.column(name).to_pylist() for name in batch.schema.names}
        for row in range(batch.num_rows):
            line += 1
            try:
                yield line, operation(_fields({name: column[row] for name, column in columns.items()}))
            except Mismatch as error:
                raise FormatError(path, line, error.read, error.expected) from None


def _fields(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as the fields of an operation. Raises :class:`Mismatch`."""
    fields = {name: entry for name, entry in row.items() if name in _PLAIN and (entry is not None or name == "value")}
    if "process_name" in fields:
        name = fields.pop("process_name")
        if fields.setdefault("process", name) != name:
            raise Mismatch(f"the process {shown(fields['process'])} with the name {shown(name)}", "one of the two")
    for column in _JSON:
        if row.get(column) is not None:
            name = column.removesuffix("_json")
            if fields.get(name) is not None:
                raise Mismatch(f"both {name} and {column}", "one of the two")
            fields[name] = decoded(row[column], column)
        elif column == "value_json" and column in row:
            fields.setdefault("value", None)
    value = fields.get("value")
    if isinstance(value, float) and value - value != 0:
        raise Mismatch(f"the value {value}", "a number that JSON has a word for")
    return fields
