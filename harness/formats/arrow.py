"""Histories as Apache Arrow tables: Parquet files, and Arrow's IPC files and streams (pyarrow reads and writes them).

A row is a line of the history. Columns that no row needs may be missing, but ``type``, ``process``, ``f``, and one of
the two of the value; no other columns are read.

    type          text     invoke, ok, fail, info
    process       integer  a client's number; null where the process has a name
    process_name  text     such as nemesis; null elsewhere
    f             text     the operation
    value         integer  the value where it is an integer of 64 bits; null elsewhere
    value_json    text     any other value, as JSON; null elsewhere (with ``value`` null, too, the value is null)
    key, key_json          the key, likewise; ``key`` may also be text
    node          text
    time          integer  nanoseconds; null where unknown
    index         integer  read, and must rise; not written
    error_json, session_json, extra_json    text: JSON

``value`` of any other type that JSON has a word for (text, booleans, doubles) is read, too. Text may be encoded by a
dictionary. The schema's metadata say ``splitbrain.schema`` (splitbrain.history/1), and may say ``splitbrain.model`` and
``splitbrain.nil_reads``.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from harness.formats.jsonl import DECODER, check_depth
from harness.formats.record import Claims, Recording, operation, record
from harness.formats.source import FormatError, Mismatch, shown
from harness.history import SCHEMA, History, Op

FORMATS: Final = ("parquet", "arrow")
BYTES_MAX: Final = 16 * 1024**3  # of a table in memory: a file of a few bytes may say that it has as many as it likes
ROWS_MAX: Final = 2**31 - 1
BATCH_ROWS: Final = 1 << 16
_NEEDED: Final = ("type", "process", "f")
_JSON: Final = ("value_json", "key_json", "error_json", "session_json", "extra_json")
_PLAIN: Final = ("type", "process", "process_name", "f", "value", "key", "node", "time", "index")
_MISSING: Final = "the package pyarrow, which is not installed (pip install 'splitbrain[arrow]', or pip install pyarrow)"


def format_of(magic: bytes) -> str | None:
    """Which of FORMATS a file is in that begins with these (8) bytes; None for all others."""
    if magic[:4] == b"PAR1":
        return "parquet"
    return "arrow" if magic[:6] == b"ARROW1" or magic[:4] == b"\xff\xff\xff\xff" else None


def read(
    path: str, format: str, *, independent: bool = False, progress: Callable[[int], None] = lambda lines: None  # noqa: A002
) -> Recording:
    """Read a history. Raises :class:`FormatError`, OSError where the file cannot be opened; a row is called a line."""
    open(path, "rb").close()  # pyarrow's words for a missing file are not ours
    try:
        import pyarrow
    except ImportError:
        raise FormatError(path, None, f"a file that is {format}", _MISSING) from None
    try:
        table = _table(path, format, progress)
        table.validate(full=True)
    except (pyarrow.ArrowException, OSError, OverflowError, TypeError, EOFError) as error:
        raise FormatError(path, None, f"a damaged file ({shown(' '.join(str(error).split()))})", f"{format}") from None
    try:
        _check_columns(table.schema)
        claims = _claims(table.schema.metadata or {})
    except Mismatch as error:
        raise FormatError(path, None, error.read, error.expected) from None
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
            "value": text or types.is_integer(kind) or types.is_boolean(kind) or types.is_floating(kind),
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
            fields[name] = _decoded(row[column], column)
        elif column == "value_json" and column in row:
            fields.setdefault("value", None)
    value = fields.get("value")
    if isinstance(value, float) and value - value != 0:
        raise Mismatch(f"the value {value}", "a number that JSON has a word for")
    return fields


def _decoded(text: str, column: str) -> Any:
    check_depth(text)
    try:
        return DECODER.decode(text)
    except Mismatch:
        raise
    except ValueError as error:
        raise Mismatch(f"{column} {shown(text)} ({str(error).split(':')[0]})", "JSON") from None


def write(recording: Recording, format: str, nil_reads: str, path: Path) -> None:  # noqa: A002
    """Write a history as a file. Raises ValueError or TypeError for what such a table cannot say, OSError, and
    ImportError without pyarrow."""
    import pyarrow

    table = _written(recording.history)
    said = {"schema": SCHEMA, "nil_reads": nil_reads, "model": recording.model}
    table = table.replace_schema_metadata({f"splitbrain.{name}": text for name, text in said.items() if text})
    if format == "parquet":
        from pyarrow import parquet

        parquet.write_table(table, path, compression="zstd")
        return
    with pyarrow.OSFile(str(path), "wb") as sink, pyarrow.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=BATCH_ROWS)


def _written(history: History) -> Any:
    import pyarrow

    text, integer = pyarrow.string(), pyarrow.int64()
    names = [history.process_name(code) if code < 0 else None for code in history.processes]
    columns: dict[str, Any] = {
        "type": pyarrow.array([_TYPES[code] for code in history.types], text).dictionary_encode(),
        "process": pyarrow.array([code if code >= 0 else None for code in history.processes], integer),
        "process_name": pyarrow.array(names, text).dictionary_encode(),
        "f": pyarrow.array([history.f_names[code] for code in history.fs], text).dictionary_encode(),
        "time": pyarrow.array([None if time == -1 else time for time in history.times], integer),
    }
    for name, entries in (("value", history.values), ("key", history.keys or [None] * len(history))):
        columns[name] = pyarrow.array([entry if _is_integer(entry) else None for entry in entries], integer)
        others = [None if entry is None or _is_integer(entry) else _encoded(entry) for entry in entries]
        columns[f"{name}_json"] = pyarrow.array(others, text)
    for name, rest in (("error", history.errors), ("session", history.sessions), ("extra", history.extras)):
        encoded = [None if entry is None else _encoded(entry) for entry in rest or ()]
        columns[f"{name}_json"] = pyarrow.array(encoded or [None] * len(history), text)
    columns["node"] = pyarrow.array(history.nodes or [None] * len(history), text).dictionary_encode()
    kept = {name: column for name, column in columns.items()
            if column.null_count < len(column) or name in ("type", "process", "f", "value")}  # fmt: skip
    return pyarrow.table(kept)
