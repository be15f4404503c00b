"""Parquet and Arrow files: nothing is lost on the way there and back, and a damaged one is an error with its file."""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyarrow import parquet

from harness import cli
from harness.formats import FormatError, Recording, arrow, arrow_columns, arrow_writer, read_recording
from harness.history import History, Op
from tests.harness.formats.jsonl_text import operations
from tests.harness.formats.test_jsonl_columns import assert_right, everything
from tests.harness.test_history import json_values

PLAIN = {"type": ["invoke", "ok"], "process": [0, 0], "f": ["write", "write"], "value": [1, 1]}


def written(path: Path, history: History, format_: str = "parquet", **claims: Any) -> Path:
    path.unlink(missing_ok=True)
    arrow_writer.write(Recording(history, "x", "jsonl", range(len(history)), **claims), format_, "value", path)
    return path


def table(path: Path, columns: dict[str, Any], metadata: dict[str, str] | None = None) -> Path:
    parquet.write_table(pa.table(columns).replace_schema_metadata(metadata), path)
    return path


def refusal(path: Path, format_: str) -> str:
    """What is wrong with the file; empty if it is read."""
    try:
        read_recording(path, format_)
    except FormatError as error:
        return str(error)
    return ""


def random_history(random: Random) -> History:
    """One that can be paired; its pairs of independent keys, which no reader takes, are other values."""
    ops = [Op(**{"value": None, **fields, "time": fields.get("time") or -1, "index": -1})
           for fields in operations(random, random.randrange(1, 12))]  # fmt: skip
    return History(Op("info", "x", "start", op.value) if op.f == "read" else op for op in ops)


@pytest.mark.parametrize("format_", ["parquet", "arrow"])
@pytest.mark.parametrize("lines_min", [0, 10**9])
def test_nothing_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format_: str, lines_min: int) -> None:
    monkeypatch.setattr(arrow, "LINES_MIN", lines_min)
    random = Random(lines_min)
    with_columns = 0
    for _ in range(60):
        history = random_history(random)
        try:
            path = written(tmp_path / "h", history, format_)
        except UnicodeEncodeError:
            continue  # a lone surrogate in a node's name
        again = read_recording(path)
        assert again.format == format_
        assert everything(again.history) == everything(history)
        assert list(again.lines) == list(range(1, len(history) + 1))
        if lines_min == 0 and again.history.columns is not None:
            with_columns += 1
            assert_right(again.history.columns, history)
    assert (with_columns > 10) == (lines_min == 0)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    value=json_values | st.floats(allow_nan=False, allow_infinity=False),
    key=st.none() | st.text() | st.integers(),
    error=json_values,
    extra=json_values,
    format_=st.sampled_from(["parquet", "arrow"]),
)
def test_every_value_survives(tmp_path: Path, value: Any, key: Any, error: Any, extra: Any, format_: str) -> None:
    ops = [Op("invoke", 3, "f", value, key=key, extra=extra), Op("info", 3, "f", None, 5, key=key, error=error),
           Op("invoke", 4, "f", 1, key=7, session=value), Op("info", "nemesis", "g", True, node="n1")]  # fmt: skip
    history = History(ops)
    try:
        path = written(tmp_path / "h", history, format_)
    except UnicodeEncodeError:
        assert not str(key).isascii()
        return
    assert everything(read_recording(path).history) == everything(history)


@pytest.mark.parametrize("format_", ["parquet", "arrow"])
def test_what_the_file_says_of_itself(tmp_path: Path, format_: str) -> None:
    history = History([Op("invoke", 0, "enqueue", 1)])
    recording = Recording(history, "x", "edn", range(1), model="queue")
    arrow_writer.write(recording, format_, "unknown", tmp_path / "h")
    again = read_recording(tmp_path / "h")
    assert (again.model, again.nil_reads) == ("queue", "unknown")


def test_a_stream_is_found_by_its_content(tmp_path: Path) -> None:
    content = pa.table(PLAIN)
    with pa.OSFile(str(tmp_path / "h.parquet"), "wb") as sink, pa.ipc.new_stream(sink, content.schema) as writer:
        writer.write_table(content)
    recording = read_recording(tmp_path / "h.parquet")
    assert (recording.format, len(recording.history)) == ("arrow", 2)


@pytest.mark.parametrize("lines_min", [0, 10**9])
def test_tables_of_other_programs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, lines_min: int) -> None:
    monkeypatch.setattr(arrow, "LINES_MIN", lines_min)
    columns = {
        "index": pa.array([3, 4, 9], pa.int8()),
        "value": pa.array([1, None, 2], pa.uint16()),
        "f": pa.array(["write", "read", "write"], pa.large_string()).dictionary_encode(),
        "process": pa.array([0, 70_000, 0], pa.uint32()),
        "type": ["invoke", "invoke", "ok"],
        "key": [5, None, 5],
    }
    history = read_recording(table(tmp_path / "h", columns)).history
    assert [(op.type, op.process, op.f, op.value, op.key) for op in history] == [
        ("invoke", 0, "write", 1, 5), ("invoke", 70_000, "read", None, None), ("ok", 0, "write", 2, 5),
    ]  # fmt: skip
    assert (history.columns is not None) == (lines_min == 0)
    for values in (["a", "b"], [True, False], [1.5, 2.0]):
        assert read_recording(table(tmp_path / "h", {**PLAIN, "value": values})).history.values == values


@pytest.mark.parametrize("lines_min", [0, 10**9])
@pytest.mark.parametrize(
    ("columns", "line", "said"),
    [
        ({"type": None}, None, 'a column "type"'),
        ({"value": None}, 1, 'a field "value"'),
        ({"type": ["invoke", "done"]}, 2, "\"type\" 'done'"),
        ({"type": ["invoke", None]}, 2, '"type"'),
        ({"process": [0, -1]}, 2, "a client's number"),
        ({"process": [0, None]}, 2, '"process"'),
        ({"process": [0.5, 0.5]}, None, "the column 'process' of type 'double'"),
        ({"process_name": ["x", None]}, 1, "one of the two"),
        ({"process_name": [1, 2]}, None, "the column 'process_name'"),
        ({"f": ["", ""]}, 1, "the operation's name"),
        ({"f": ["write", "read"]}, 2, "'write', as invoked"),
        ({"process": [0, 1]}, 2, "runs nothing"),
        ({"type": ["invoke", "invoke"]}, 2, "still running"),
        ({"index": [4, 4]}, 2, "'4 after 4'".strip("'")),
        ({"time": pa.array([0, 2**63], pa.uint64())}, 2, "nanoseconds"),
        ({"value_json": ["2", None]}, 1, "one of the two"),
        ({"value": [None, 1], "value_json": ["{", None]}, 1, "JSON"),
        ({"value": [None, 1], "value_json": ["NaN", None]}, 1, "a JSON value"),
        ({"value": [None, 1], "value_json": ["[" * 70 + "]" * 70, None]}, 1, "nested"),
        ({"value": [float("nan"), 1.0]}, 1, "JSON has a word for"),
        ({"value": [[1], [2]]}, None, "the column 'value' of type 'list"),
        ({"key_json": ["true", None]}, 1, '"key" True'),
        ({"values": [1, 2]}, None, "the column 'values'"),
        ({"f": ["read", "read"], "value": [None, 1], "value_json": ["[3, null]", None]}, 1, "--independent"),
    ],
)
def test_what_is_no_history(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    lines_min: int,
    columns: dict[str, Any],
    line: int | None,
    said: str,
) -> None:
    monkeypatch.setattr(arrow, "LINES_MIN", lines_min)
    merged = {name: column for name, column in {**PLAIN, **columns}.items() if column is not None}
    path = table(tmp_path / "h", merged)
    with pytest.raises(FormatError) as caught:
        read_recording(path)
    assert said in str(caught.value)
    assert (caught.value.path, caught.value.line) == (str(path), line)


def test_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = table(tmp_path / "h", PLAIN, {"splitbrain.schema": "splitbrain.history/9"})
    with pytest.raises(FormatError, match="history/9"):
        read_recording(path)
    monkeypatch.setattr(arrow, "ROWS_MAX", 1)
    with pytest.raises(FormatError, match="more than 1 rows"):
        read_recording(path)


@pytest.mark.parametrize("format_", ["parquet", "arrow"])
def test_damaged_files_are_errors_and_nothing_else(tmp_path: Path, format_: str) -> None:
    random = Random(format_)
    content = written(tmp_path / "h", random_history(Random(3)), format_).read_bytes()
    refused = 0
    for _ in range(300):
        damaged = bytearray(content)
        for _ in range(random.randrange(1, 4)):
            at = random.randrange(8, len(damaged))
            damaged[at : at + 4] = random.choice([b"\xff\xff\xff\x7f", b"\0\0\0\0", bytes([random.randrange(256)] * 4)])
        (tmp_path / "damaged").write_bytes(damaged[: random.choice([None, None, random.randrange(8, len(damaged))])])
        error = refusal(tmp_path / "damaged", format_)
        refused += bool(error)
        assert len(error) < 500
    assert refused > 100


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    good = table(tmp_path / "good", PLAIN)
    stale = {
        "type": ["invoke", "ok"] * 2,
        "process": [0] * 4,
        "f": ["write"] * 2 + ["read"] * 2,
        "value": [1, 1, None, 2],
    }
    assert cli.main(["check", str(good)]) == 0
    assert cli.main(["check", str(table(tmp_path / "stale", stale))]) == 1
    (tmp_path / "cut").write_bytes(good.read_bytes()[:-7])
    assert cli.main(["check", str(tmp_path / "cut")]) == 254
    assert "a damaged file" in capsys.readouterr().err


def test_without_pyarrow_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = table(tmp_path / "h", PLAIN)
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(FormatError, match="pip install"):
        read_recording(path)


def test_columns_need_numba(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    content = pa.table(PLAIN)
    assert arrow_columns.columns_in(content) is not None
    monkeypatch.setitem(sys.modules, "harness.formats.jsonl_bytes", None)
    assert arrow_columns.columns_in(content) is None
