"""The compiled reader of JSONL: never another answer than the plain one's, and no small file that pays for it."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from random import Random
from typing import Any

import pytest

from harness import formats
from harness.columns import NIL, NO_KEY, NUMBER, OTHER, REST_FIELDS, Columns, columns_of
from harness.formats import FormatError, jsonl, jsonl_columns, read_recording
from harness.formats.record import Recording
from harness.formats.source import text_lines
from harness.history import History
from tests.harness.formats.jsonl_text import damaged, operations, text_of

INVOKE = '{"type": "invoke", "process": 0, "f": "write", "value": 1}\n'
OK = '{"type": "ok", "process": 0, "f": "write", "value": 1}\n'


def plainly(path: Path) -> Recording | FormatError:
    with open(path, "rb") as stream:
        try:
            return jsonl.read(text_lines(stream, str(path)), str(path))
        except FormatError as error:
            return error


def compiled(path: Path) -> Recording | None:
    with open(path, "rb") as stream:
        return jsonl_columns.read(stream, str(path))


def written(folder: Path, content: bytes | str) -> Path:
    path = folder / "history.jsonl"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def everything(history: History) -> dict[str, Any]:
    """All that a history says, told apart as finely as text can."""
    names = ("types", "processes", "fs", "f_names", "values", "times", "keys", "errors", "sessions", "nodes", "extras",
             "partners")  # fmt: skip
    return {name: repr(getattr(history, name)) for name in names} | {"ops": repr(list(history))}


def assert_same(compiled_one: Recording, plain_one: Recording | FormatError) -> None:
    assert isinstance(plain_one, Recording), f"the plain reader refuses it: {plain_one}"
    single = [repr(compiled_one.history[i]) for i in range(len(compiled_one.history))]
    assert everything(compiled_one.history) == everything(plain_one.history)
    assert single == [repr(op) for op in plain_one.history]
    assert list(compiled_one.lines) == list(plain_one.lines)
    assert (compiled_one.model, compiled_one.nil_reads) == (plain_one.model, plain_one.nil_reads)


@pytest.mark.parametrize("seed", range(4))
def test_it_never_reads_what_the_plain_reader_does_not(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    read = refused = 0
    for _ in range(500):
        text = text_of(random, operations(random, random.randrange(1, 8)))
        path = written(tmp_path, damaged(random, text) if random.random() < 0.6 else text)
        recording, plain = compiled(path), plainly(path)
        refused += isinstance(plain, FormatError)
        if recording is not None:
            read += 1
            assert_same(recording, plain)
    assert read > 100, "it gives up on everything"
    assert refused > 100, "the files are not damaged"


@pytest.mark.parametrize("seed", range(2))
def test_it_reads_what_writers_of_histories_write(tmp_path: Path, seed: int) -> None:
    random = Random(seed)
    for _ in range(100):
        lines = operations(random, random.randrange(1, 8))
        for fields in lines:
            if fields["type"] == "invoke" and isinstance(fields["value"], list):
                fields["value"] = 1  # which might be a pair of jepsen.independent
            fields["f"] = fields["f"].replace("é", "e")
            fields["process"] = "x" if isinstance(fields["process"], str) else fields["process"]
            fields["key"] = 5
        text = text_of(random, lines)
        recording, plain = compiled(written(tmp_path, text)), plainly(tmp_path / "history.jsonl")
        if not re.search(rb'\\u00e9"\s*:', text):  # a name with an escape
            assert recording is not None, text.decode()
            assert_same(recording, plain)


def test_columns_say_what_the_history_says(tmp_path: Path) -> None:
    random = Random(5)
    for _ in range(50):
        recording = compiled(written(tmp_path, text_of(random, operations(random, 8))))
        if recording is None:
            continue
        columns, history = recording.history.columns, recording.history
        assert columns is not None
        assert_right(columns, history)
        plain = columns_of(History(list(history)))
        assert plain is not None
        assert_right(plain, history)
        for name in ("types", "processes", "fs", "kinds", "numbers", "partners", "times", "keys", "rests"):
            one, other = getattr(columns, name), getattr(plain, name)
            assert repr(one) == repr(other), name
            assert one is None or (one.dtype == other.dtype and one.flags.writeable and other.flags.c_contiguous)
        assert (columns.f_names, columns.process_names) == (plain.f_names, plain.process_names)


def assert_right(columns: Columns, history: History) -> None:
    for i, op in enumerate(history):
        assert repr(columns.value(i)) == repr(op.value)
        in_64_bits = type(op.value) is int and -(2**63) <= op.value < 2**63
        assert columns.kinds[i] == (NIL if op.value is None else NUMBER if in_64_bits else OTHER)
        assert columns.numbers[i] == (op.value if in_64_bits else 0)
        assert columns.partners[i] == history.partners[i]
        process = int(columns.processes[i])
        assert op.process == (process if process >= 0 else columns.process_names[-1 - process])
        key = NO_KEY if columns.keys is None else columns.keys[i]
        assert repr(op.key) == repr(None if key == NO_KEY else columns.key_names[key])
        for name, bit in REST_FIELDS.items():
            has = columns.rests is not None and bool(columns.rests[i] & bit)
            assert repr(columns.rest(i)[name] if has else None) == repr(getattr(op, name))
        if columns.spans is not None and columns.kinds[i] == OTHER:
            start = columns.spans.starts[i]
            text = columns.spans.text[start : start + columns.spans.lengths[i]].tobytes().decode()
            assert repr(jsonl.DECODER.decode(text)) == repr(op.value)


def test_many_keys_and_strange_processes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsonl_columns, "STEP_BYTES", 1000)
    lines = [
        f'{{"type": "{kind}", "process": {number * 10**15}, "f": "add", "value": {number}, "key": {key}}}\n'
        for number in range(9000)
        for key in [f'"{number}"' if number % 2 else number]
        for kind in ("invoke", "ok")
    ]
    path = written(tmp_path, "".join(lines))
    told: list[int] = []
    with open(path, "rb") as stream:
        recording = jsonl_columns.read(stream, str(path), told.append)
    assert recording is not None
    assert_same(recording, plainly(path))
    assert told == sorted(told)
    assert told[-1] == 18_000
    assert len(told) > 100


def test_names_that_were_made_to_collide_cost_little() -> None:
    import numpy as np

    from harness.formats.token_bytes import interned, mixed_bytes, tokens

    text = np.frombuffer(bytearray(b"".join(b"%08d" % n for n in range(200_000)) + bytes(16)), np.uint8)
    slots, spans = tokens(512)
    mask = len(slots) - 1
    colliding = [at for at in range(0, 1_600_000, 8) if mixed_bytes(text, at, at + 8) & mask == 0]
    assert len(colliding) > 64
    codes = [interned(text, at, at + 8, slots, spans) for at in colliding]
    assert codes == [*range(64), *[-1] * (len(colliding) - 64)]


def test_a_large_file_is_read_by_it_and_a_small_one_is_not(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, INVOKE + OK)
    assert read_recording(path).history.columns is None
    monkeypatch.setattr(formats, "COMPILED_BYTES_MIN", 10)
    assert read_recording(path).history.columns is not None
    assert read_recording(path, "jsonl").history.columns is not None
    assert read_recording(path, independent=False).format == "jsonl"
    path = written(tmp_path, INVOKE + OK.replace("ok", "o\\u006b"))
    assert read_recording(path).history.columns is None, "what it gives up on, the plain reader reads"
    with pytest.raises(FormatError, match=r"history.jsonl:2: .*still running"):
        read_recording(written(tmp_path, INVOKE + INVOKE))


def test_a_small_history_never_pays_for_numpy(tmp_path: Path) -> None:
    path = written(tmp_path, (INVOKE + OK) * 200)
    code = ("import sys; from harness.cli import main; status = main(sys.argv[1:]); "
            "print(status, [name for name in ('numpy', 'numba', 'pyarrow', 'z3') if name in sys.modules])")  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code, "check", str(path)], capture_output=True, text=True, check=True)
    assert done.stdout.splitlines()[-1] == "0 []"


def test_without_numba_everything_is_read_plainly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = written(tmp_path, INVOKE + OK)
    for name in [name for name in sys.modules if name.endswith("_bytes")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "numba", None)
    assert compiled(path) is None
    monkeypatch.setattr(formats, "COMPILED_BYTES_MIN", 10)
    assert len(read_recording(path).history) == 2
