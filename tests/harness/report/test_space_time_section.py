"""The report of a run with a trace: the diagram, in the page's own style, and what set off its faults."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from harness.report import write
from harness.report.page import cause_of
from harness.report.run_data import read_run
from tests.harness.report.example import FAULTS, operations, results, write_run
from tests.harness.report.test_page import read
from tests.harness.report.trace_example import story, write_story


def test_a_run_with_a_trace_shows_its_messages(tmp_path: Path) -> None:
    page = write(write_story(tmp_path)).read_text()
    found = read(page)
    assert found.text.index("What went wrong") < found.text.index("What happened between the nodes")
    assert "ship: add 13" in found.text
    assert 'class="plot space-time"' in page
    assert page.count("<style>") == 1, "the page's policy allows no other"
    assert not [attributes for _, attributes in found.elements if {"src", "style", "onclick"} & set(attributes)]


def test_times_are_those_of_the_page(tmp_path: Path) -> None:
    assert "c0 → n1 at 250 ms" in write(write_story(tmp_path)).read_text()


def test_the_same_operations_are_drawn_once(tmp_path: Path) -> None:
    anomaly = story()[3].as_json()
    page = write(write_story(tmp_path, {"anomalies": [anomaly, anomaly]})).read_text()
    assert page.count('class="plot space-time"') == 1


def test_a_run_without_a_trace_has_no_such_section(tmp_path: Path) -> None:
    ops = operations(20, 30.0)
    page = write(write_run(tmp_path, ops, results(ops))).read_text()
    assert "What happened between the nodes" not in page


@pytest.mark.parametrize("content", ["", "{", "[1]", "null", "\x00" * 100, "[" * 100_000, '{"schema": 7}', '"\\ud800"'])
def test_a_trace_that_cannot_be_read_is_a_trouble_and_no_crash(tmp_path: Path, content: str) -> None:
    folder = write_story(tmp_path)
    (folder / "trace.jsonl").write_text(content)
    text = read(write(folder).read_text()).text
    assert "lost: add 13" in text
    assert ("trace.jsonl: line 1" in text) == bool(content)


def test_a_trace_of_a_run_whose_history_is_gone_is_drawn(tmp_path: Path) -> None:
    folder = write_story(tmp_path)
    (folder / "history.jsonl").unlink()
    assert "became-leader" in read(write(folder).read_text()).text


def test_a_fault_says_what_set_it_off(tmp_path: Path) -> None:
    trigger = {"on": "event", "name": "vote-granted", "count": 3}
    struck = {**FAULTS[1], "trigger": {**trigger, "node": "n2"}}
    missed = {
        "fault": "kill",
        "application": 9,
        "applied": False,
        "trigger": trigger,
        "started_ns": None,
        "stopped_ns": None,
    }
    folder = write_run(tmp_path, operations(20, 5.0), {}, faults=[struck, missed])
    plan = json.loads((folder / "plan.json").read_text())
    plan["schedule"][0]["trigger"] = trigger
    (folder / "plan.json").write_text(json.dumps(plan))
    text = read(write(folder).read_text()).text
    assert "after 3rd vote-granted, at n2" in text
    assert "after 3rd vote-granted: it never came to that" in text
    assert "8 faults at their times, 1 of them when something happens" in text


@pytest.mark.parametrize("trigger", [None, 7, [], {}, {"on": "event"}, {"on": "event", "name": ["x"], "count": 1}])
def test_what_is_no_trigger_says_nothing(trigger: object) -> None:
    assert cause_of({"trigger": trigger}) == ""


def test_the_trace_keeps_its_clock_and_the_run_says_which(tmp_path: Path) -> None:
    run = read_run(write_story(tmp_path))
    assert run.origin_ns == 1_000_000_000
    assert run.trace is not None
    assert run.trace.rows[0][0] == 0
