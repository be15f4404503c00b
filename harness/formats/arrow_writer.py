"""Histories written as Parquet and Arrow files, with the columns of :mod:`harness.formats.arrow`."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.formats.arrow import BATCH_ROWS
from harness.formats.record import Recording
from harness.history import SCHEMA, TYPES, History


def write(recording: Recording, format: str, nil_reads: str, path: Path) -> None:  # noqa: A002
    """Write a history as a new file. Raises ValueError or TypeError for what such a table cannot say, OSError, and
    ImportError without pyarrow."""
    import pyarrow

    said = {"schema": SCHEMA, "nil_reads": nil_reads, "model": recording.model}
    table = _table(recording.history)
    table = table.replace_schema_metadata({f"splitbrain.{name}": text for name, text in said.items() if text})
    if format == "parquet":
        from pyarrow import parquet

        parquet.write_table(table, path, compression="zstd")
        return
    with pyarrow.OSFile(str(path), "wb") as sink, pyarrow.ipc.new_file(sink, table.schema) as writer:
        writer.write_table(table, max_chunksize=BATCH_ROWS)


def _table(history: History) -> Any:
    import pyarrow

    text, integer = pyarrow.string(), pyarrow.int64()
    clients = [code if code >= 0 else None for code in history.processes]
    names = [str(history.process_name(code)) if code < 0 else None for code in history.processes]
    columns: dict[str, Any] = {
        "type": pyarrow.array([TYPES[code] for code in history.types], text).dictionary_encode(),
        "process": pyarrow.array(clients, integer),
        "process_name": pyarrow.array(names, text).dictionary_encode(),
        "f": pyarrow.array([history.f_names[code] for code in history.fs], text).dictionary_encode(),
        "value": pyarrow.array(_integers(history.values), integer),
        "value_json": pyarrow.array(_others(history.values), text),
        "time": pyarrow.array([None if time == -1 else time for time in history.times], integer),
        "node": pyarrow.array(history.nodes or [None] * len(history), text).dictionary_encode(),
    }
    keys = history.keys or [None] * len(history)
    if all(key is None or type(key) is str for key in keys):
        columns["key"] = pyarrow.array(keys, text).dictionary_encode()
    else:
        columns["key"] = pyarrow.array(_integers(keys), integer)
        columns["key_json"] = pyarrow.array(_others(keys), text)
    for name, rest in (("error", history.errors), ("session", history.sessions), ("extra", history.extras)):
        entries = rest or [None] * len(history)
        columns[f"{name}_json"] = pyarrow.array([None if entry is None else _json(entry) for entry in entries], text)
    always = ("type", "process", "f", "value")
    return pyarrow.table({name: column for name, column in columns.items()
                          if name in always or column.null_count < len(column)})  # fmt: skip


def _is_integer(value: Any) -> bool:
    return type(value) is int and -(2**63) <= value < 2**63


def _integers(values: Sequence[Any]) -> list[int | None]:
    return [value if _is_integer(value) else None for value in values]


def _others(values: Sequence[Any]) -> list[str | None]:
    return [None if value is None or _is_integer(value) else _json(value) for value in values]


def _json(value: Any) -> str:
    return json.dumps(value, allow_nan=False)
