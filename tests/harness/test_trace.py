"""The trace: what is written is read again, two runs are told apart, and a hostile file does no harm."""

from __future__ import annotations

import json
import os
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.history import Op
from harness.summary import Summary
from harness.trace import SCHEMA, Bounds, Trace, TraceError, read
from tests.harness.report.trace_example import tell


def small(body: Any = None) -> Trace:
    trace = Trace()
    trace.node(0, "start", "n1", incarnation=1)
    trace.send(10, 1, "n1", "n2", "call", {"type": "vote", "term": 2} if body is None else body)
    trace.recv(20, 1)
    trace.send(30, 2, "n2", "n1", "reply", {"granted": True})
    trace.lost(30, 2, "partition")
    trace.event(40, "n1", "became-leader", {"term": 2})
    trace.node(50, "stop", "n1", "kill", 1)
    trace.fault(60, "start-kill", "done", {"nodes": ["n1"]})
    trace.operation(70, Op("invoke", 0, "cas", [1, 2], 70_000, 4, key="x"))
    trace.operation(80, Op("info", 0, "cas", [1, 2], 80_000, 5, error="timeout", key="x", node="n1"))
    return trace


def test_the_lines_are_as_documented(tmp_path: Path) -> None:
    small().write(tmp_path / "trace.jsonl")
    first, *lines = map(json.loads, (tmp_path / "trace.jsonl").read_text().splitlines())
    assert first == {"schema": SCHEMA}
    assert lines == [
        {"t": 0, "k": "start", "node": "n1", "incarnation": 1},
        {"t": 10, "k": "send", "id": 1, "from": "n1", "to": "n2", "via": "call", "type": "vote", "body": "term=2"},
        {"t": 20, "k": "recv", "id": 1},
        {"t": 30, "k": "send", "id": 2, "from": "n2", "to": "n1", "via": "reply", "type": "reply",
         "body": "granted=true"},
        {"t": 30, "k": "lost", "id": 2, "why": "partition"},
        {"t": 40, "k": "event", "node": "n1", "name": "became-leader", "fields": "term=2"},
        {"t": 50, "k": "stop", "node": "n1", "incarnation": 1, "why": "kill"},
        {"t": 60, "k": "fault", "f": "start-kill", "phase": "done", "value": "nodes=[n1]"},
        {"t": 70, "k": "invoke", "process": 0, "f": "cas", "key": "x", "value": "[1, 2]", "type": "invoke", "index": 4},
        {"t": 80, "k": "complete", "process": 0, "f": "cas", "key": "x", "value": "[1, 2]", "type": "info",
         "error": "timeout", "node": "n1", "index": 5},
    ]  # fmt: skip


def test_what_was_read_is_written_the_same(tmp_path: Path) -> None:
    tell().trace.write(tmp_path / "a")
    again = read(tmp_path / "a")
    again.write(tmp_path / "b")
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
    assert len(again.rows) == len(tell().trace.rows)
    sent = next(row for row in again.rows if row[1] == "send")
    assert isinstance(sent[6], Summary)


def test_the_digest_sees_what_the_file_leaves_out() -> None:
    long = {"type": "ship", "entries": list(range(1000))}
    other = {"type": "ship", "entries": [*range(999), 7]}
    assert list(small(long).lines()) == list(small(other).lines())
    assert small(long).digest() != small(other).digest()
    assert small(long).digest() == small({"type": "ship", "entries": list(range(1000))}).digest()
    assert len(small().digest()) == 64


def test_the_digest_sees_order_time_and_every_kind() -> None:
    digests = {small().digest()}
    for i in range(len(small().rows)):
        without, later = small(), small()
        del without.rows[i]
        later.rows[i] = (later.rows[i][0] + 1, *later.rows[i][1:])
        digests |= {without.digest(), later.digest()}
    assert len(digests) == 1 + 2 * len(small().rows)
    turned = small({"term": 2, "type": "vote"})
    assert turned.digest() != small().digest(), "the order of fields is what the node did, too"


def test_a_trace_is_written_once(tmp_path: Path) -> None:
    small().write(tmp_path / "trace.jsonl")
    with pytest.raises(FileExistsError):
        small().write(tmp_path / "trace.jsonl")


def test_rows_past_the_bound_are_left_out_and_counted(tmp_path: Path) -> None:
    lines = list(small().lines(Bounds(entries_max=5)))
    assert len(lines) == 6, "the schema, four rows, and how many are left out"
    assert json.loads(lines[-1]) == {"t": 80, "k": "cut", "count": 6}
    (tmp_path / "t").write_text("\n".join(lines))
    assert read(tmp_path / "t").rows[-1] == (80, "cut", 6)


HEAD = json.dumps({"schema": SCHEMA})


@pytest.mark.parametrize(
    ("line", "about"),
    [
        ("{", "a JSON object"),
        ("[1]", "a JSON object"),
        ("[" * 5000, "a JSON object"),
        ("x" * 20_000, "at most"),
        ('{"t": 1}', "one of send"),
        ('{"t": 1, "k": ["send"]}', "one of send"),
        ('{"t": 1.5, "k": "recv", "id": 1}', "a whole number"),
        ('{"t": true, "k": "recv", "id": 1}', "a whole number"),
        ('{"t": -5, "k": "recv", "id": 1}', "a whole number"),
        ('{"t": 99999999999999999999, "k": "recv", "id": 1}', "a whole number"),
        ('{"t": 1, "k": "recv"}', "a whole number"),
        ('{"t": 1, "k": "send", "id": 1, "from": "a", "to": "b", "via": "x", "type": "t", "body": ""}', "one of send"),
        ('{"t": 1, "k": "send", "id": 1, "from": 7, "to": "b", "via": "send", "type": "t", "body": ""}', "a text"),
        ('{"t": 1, "k": "event", "node": "n1", "name": "%s", "fields": ""}' % ("x" * 600), "at most 500"),
        ('{"t": 1, "k": "invoke", "process": null, "f": "x", "type": "invoke"}', "a whole number"),
        ('{"t": 1, "k": "complete", "process": 1, "f": "x", "type": "done"}', "one of invoke"),
    ],
)
def test_a_line_that_is_none_is_named(tmp_path: Path, line: str, about: str) -> None:
    path = tmp_path / "trace.jsonl"
    path.write_text(f"{HEAD}\n\n{line}\n")
    with pytest.raises(TraceError, match=about) as caught:
        read(path)
    assert caught.value.line == 3
    assert len(str(caught.value)) < 400


@pytest.mark.parametrize("text", ['{"schema": "splitbrain.history/1"}', '{"t": 1, "k": "recv", "id": 1}', "[]"])
def test_another_file_is_no_trace(tmp_path: Path, text: str) -> None:
    (tmp_path / "t").write_text(text)
    with pytest.raises(TraceError, match="line 1"):
        read(tmp_path / "t")


def test_a_file_that_is_too_long_or_no_file_is_refused(tmp_path: Path) -> None:
    small().write(tmp_path / "t")
    with pytest.raises(TraceError, match="more than 3 lines"):
        read(tmp_path / "t", Bounds(entries_max=3))
    with pytest.raises(TraceError, match="at most 50"):
        read(tmp_path / "t", Bounds(bytes_max=50))
    (tmp_path / "u").write_bytes(b"\xff\xfe")
    with pytest.raises(TraceError, match="UTF-8"):
        read(tmp_path / "u")
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="no regular file"):
        read(tmp_path / "pipe")


@given(st.lists(st.text(max_size=80), max_size=8))
def test_any_text_is_a_trace_or_an_error(tmp_path_factory: pytest.TempPathFactory, lines: list[str]) -> None:
    path = tmp_path_factory.getbasetemp() / "any"
    path.write_text("\n".join([HEAD, *lines]), encoding="utf-8", errors="surrogatepass")
    with suppress(TraceError):
        assert len(read(path).rows) <= len(lines)
