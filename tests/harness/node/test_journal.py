"""Logs and events: whole lines, bounded, and a full disk is no reason for a node to stop."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.node import journal
from harness.node.journal import Journal, Record


def test_lines_are_there_at_once_and_whole(tmp_path: Path) -> None:
    record = Record("n1", 3, str(tmp_path / "deep/node.log"), str(tmp_path / "events.jsonl"))
    record.log("one \ud800 line")
    record.event("elected", {"term": 2})
    log = (tmp_path / "deep/node.log").read_text()
    assert log.endswith(" n1/3 one \\ud800 line\n")
    event = json.loads((tmp_path / "events.jsonl").read_text())
    assert event["time_wall_ns"] > event["time_monotonic_ns"] > 0
    assert (event["name"], event["node"], event["incarnation"], event["fields"]) == ("elected", "n1", 3, {"term": 2})
    with pytest.raises(TypeError):
        record.event("odd", {"value": object()})
    assert record.lost == 0


def test_a_full_disk_loses_lines_and_counts_them() -> None:
    full = Journal("/dev/full")
    full.append("line")
    assert full.lost == 1


def test_the_bound_holds_across_restarts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "JOURNAL_BYTES_MAX", 12)
    path = tmp_path / "log"
    for _ in range(2):
        grown = Journal(str(path))
        grown.append("12345")
        grown.append("12345")
    assert path.read_text() == "12345\n12345\n"
    assert grown.lost == 2


def test_the_last_words_have_room_past_the_bound(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "JOURNAL_BYTES_MAX", 300)
    record = Record("n1", 1, str(tmp_path / "node.log"), str(tmp_path / "events.jsonl"))
    for term in range(10):
        record.event("elected", {"term": term})
    assert record.lost > 0
    record.event("assertion", {"where": "handle", "error": "a term fell"}, last=True)
    lines = (tmp_path / "events.jsonl").read_text().splitlines()
    assert json.loads(lines[-1])["name"] == "assertion"
