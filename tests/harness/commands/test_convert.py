"""``splitbrain convert``: the same history in another format, or an error and no file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness import cli
from harness.formats import NIL_READS, edn, edn_writer, jsonl, read_recording
from harness.formats.record import Recording
from harness.history import History, Op
from tests.checkers.test_corpus import MANIFEST, ROWS, format_of
from tests.harness.commands.test_check import EDN, STALE, VALID, written
from tests.harness.commands.test_malformed import LOG, OPERATIONS, VIOLIN

KEYED = """\
{"type": "invoke", "process": 0, "f": "cas it", "value": [1, {"a": null, "b": [1.5, true]}], "key": "k", "time": 7}
{"type": "info", "process": 0, "f": "cas it", "value": null, "key": "k", "error": ["x", "\\ud800 \\n\\"\\u2028"]}
{"type": "info", "process": "nemesis", "f": "start", "value": ":kw", "node": "n1", "extra": {"q": 1}, "session": 3}
{"type": "invoke", "process": 9007199254740993, "f": ":f", "value": 123456789012345678901234567890, "key": 4}
"""


def converted(tmp_path: Path, content: str, name: str, *options: str) -> Recording:
    source, target = written(tmp_path, content, "in"), tmp_path / name
    assert cli.main(["convert", source, str(target), *options]) == 0
    return read_recording(target)


@pytest.mark.parametrize("content", [VALID, EDN, LOG, OPERATIONS, VIOLIN, KEYED])
@pytest.mark.parametrize("name", ["out.jsonl", "out.edn", "out.parquet", "out.arrow"])
def test_nothing_is_lost(tmp_path: Path, content: str, name: str) -> None:
    again = converted(tmp_path, content, name)
    before = read_recording(tmp_path / "in")
    assert again.format == name.removeprefix("out.")
    assert list(again.history) == list(before.history)
    assert again.model == before.model
    assert again.nil_reads == NIL_READS[before.format]


@pytest.mark.parametrize("name", ["out.jsonl", "out.edn", "out.parquet"])
@pytest.mark.parametrize("content", [STALE, EDN])
def test_the_verdict_stays(tmp_path: Path, content: str, name: str, capsys: pytest.CaptureFixture[str]) -> None:
    converted(tmp_path, content, name)
    before = cli.main(["check", str(tmp_path / "in")])
    assert before == (1 if content is STALE else 0), "one of null that is a value, one that says nothing"
    assert cli.main(["check", str(tmp_path / name)]) == before
    assert ("other readers of EDN" in capsys.readouterr().err) == (content is STALE and name == "out.edn")


def test_what_it_says(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    source, target = written(tmp_path, VIOLIN, "in"), str(tmp_path / "x")
    assert cli.main(["convert", source, target, "--to", "edn", "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert answer == {"history": source, "format": "violin-log", "written": target, "to": "edn", "lines": 5,
                      "nil_reads": "value", "model": "queue"}  # fmt: skip
    assert cli.main(["convert", source, target, "--to", "jsonl"]) == 254
    assert "--replace" in capsys.readouterr().err
    assert read_recording(target).format == "edn"
    assert cli.main(["convert", source, target, "--to", "jsonl", "--replace"]) == 0
    assert "x: 5 lines of jsonl, from violin-log" in capsys.readouterr().out
    assert read_recording(target).format == "jsonl"


@pytest.mark.parametrize(
    ("content", "name", "said"),
    [
        (VALID, "out.txt", "ends in .jsonl, .edn, .parquet"),
        (VALID, "nowhere/out.parquet", "wrote nothing"),
        (
            VALID + '{"type": "info", "process": "\\ud800", "f": "x", "value": 1}\n',
            "out.arrow",
            "what arrow cannot say",
        ),
        ("{:type :invoke, :process 0, :f :write, :value {1 2}}", "out.parquet", "which parquet cannot say"),
        (VALID, "nowhere/out.edn", "wrote nothing"),
        (VALID[:-5], "out.edn", "cut off"),
        ("{:type :invoke, :process 0, :f :write, :value {1 2}}", "out.jsonl", "which jsonl cannot say"),
    ],
)
def test_what_cannot_be_converted_leaves_nothing(
    tmp_path: Path, content: str, name: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    source = written(tmp_path, content, "in")
    assert cli.main(["convert", source, str(tmp_path / name)]) == 254
    assert said in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["in"]
    assert cli.main(["convert", str(tmp_path / "missing"), str(tmp_path / "o.edn")]) == 254


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ('{"schema": "splitbrain.history/1", "model": "a:b"}\n' + VALID, "a model's name"),
        ('{"schema": "splitbrain.history/1", "nil_reads": 1}\n' + VALID, "value or unknown"),
        (";; splitbrain nil-reads=x\n" + EDN, "value or unknown"),
        ('{"schema": "splitbrain.history/1", "model": "queu"}\n' + VALID, "did you mean queue?"),
    ],
)
def test_what_a_file_may_not_say_of_itself(
    tmp_path: Path, content: str, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["check", written(tmp_path, content)]) == 254
    assert said in capsys.readouterr().err


VALUES: Any = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=6,
)


@settings(max_examples=300, deadline=None)
@given(value=VALUES, f=st.text(min_size=1, max_size=20), error=VALUES, key=st.none() | st.text() | st.integers())
def test_every_value_survives(value: Any, f: str, error: Any, key: Any) -> None:
    ops = [Op("invoke", 0, f, value, index=0, key=key), Op("info", 0, f, None, index=1, error=error, key=key)]
    if f == "read" and key is None and isinstance(value, list) and len(value) == 2 and value[1] is None:
        return  # a pair of jepsen.independent, which no reader takes for a value
    recording = Recording(History(ops), "x", "jsonl", lines=None)  # type: ignore[arg-type]
    text = "".join(edn_writer.write(recording, "nil-reads=value"))
    assert list(edn.read([text]).history) == ops
    assert list(jsonl.read([jsonl.dump(op) + "\n" for op in ops]).history) == ops


@pytest.mark.skipif(not ROWS, reason="no corpus (it is kept beside the checkout)")
@pytest.mark.parametrize("name", ["out.jsonl", "out.edn", "out.parquet"])
def test_the_corpus_survives(tmp_path: Path, name: str) -> None:
    rows = [row for row in ROWS if row.expect == "linearizable" and format_of(row) != "jsonl"]
    for row in rows[::9]:
        arguments = ["convert", str(MANIFEST.parent / row.path), str(tmp_path / name), "--replace", "--json"]
        assert cli.main(arguments) == 0, row.path
