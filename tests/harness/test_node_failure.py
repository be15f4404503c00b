"""What nodes report of their own end."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from harness import node_failure
from harness.node_failure import node_failures


def write_events(folder: Path, node: str, *lines: object) -> None:
    (folder / node).mkdir(parents=True)
    text = "".join(
        (line if isinstance(line, str) else json.dumps(line, separators=(",", ":"))) + "\n" for line in lines
    )
    (folder / node / "events.jsonl").write_text(text)


def event(name: str, **fields: object) -> dict[str, object]:
    return {"name": name, "node": "n1", "incarnation": 2, "fields": fields}


def test_assertions_and_crashes_are_found_and_told_apart(tmp_path: Path) -> None:
    write_events(
        tmp_path, "n1", event("start"), event("assertion", where="handle", error="AssertionError('term fell')")
    )
    write_events(tmp_path, "n2", event("crash", where="start", error="KeyError('x')"), event("stop"))
    write_events(tmp_path, "n3", event("start"), event("election"))
    first, second = node_failures(tmp_path)
    assert str(first) == (
        "node n1 (incarnation 2) stopped at a failed assertion in handle: AssertionError('term fell')"
    )
    assert first.anomaly().type == "assertion"
    assert (second.kind, second.node) == ("crash", "n2")


def test_events_are_hostile_input(tmp_path: Path) -> None:
    write_events(tmp_path, "n1", '{"name":"crash', '["name":"crash"]', '{"x":{"name":"crash"}}', "[]", "",
                 '{"name":"crash","fields":7}', "\x00\xff")  # fmt: skip
    unreadable, odd = node_failures(tmp_path)
    assert "cannot be read" in unreadable.error, "what it would have said may be the worst of news"
    assert (odd.where, odd.error, odd.incarnation) == ("", "", 0)


def test_events_may_be_bombs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_events(tmp_path, "n1", '{"name":"crash","fields":' + "[" * 200_000)
    (tmp_path / "n2").mkdir()
    os.mkfifo(tmp_path / "n2" / "events.jsonl")
    (tmp_path / "n3" / "events.jsonl").mkdir(parents=True)
    (only,) = node_failures(tmp_path)
    assert (only.node, only.kind) == ("n1", "crash")
    assert "cannot be read" in only.error


def test_an_event_too_long_to_read_is_never_passed_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_failure, "_LINE_CHARS_MAX", 100)
    write_events(tmp_path, "n1", event("assertion", where="handle", error="x" * 1000), event("start"))
    (only,) = node_failures(tmp_path)
    assert only.kind == "crash"
    assert "longer than 100" in only.error


def test_no_logs_no_failures(tmp_path: Path) -> None:
    assert node_failures(tmp_path / "absent") == []
