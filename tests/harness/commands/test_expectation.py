"""What a history is judged by where nobody said it, and what a log of sessions cannot tell."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from harness.commands.expectation import settled, untold, without_realtime
from harness.commands.question import Question
from harness.formats import Recording, read_recording
from harness.result import Result

SESSIONS = "w 0 1\n-----\nr 0 1\n=====\nw 0 2\n"
TRANSACTIONS = """\
{"type": "invoke", "process": 0, "f": "txn", "value": [["append", 1, 1]]}
{"type": "ok", "process": 0, "f": "txn", "value": [["append", 1, 1]]}
"""
WRITES = TRANSACTIONS.replace("txn", "write")


@pytest.fixture
def reading(tmp_path: Path) -> Callable[[str], Recording]:
    def read(text: str) -> Recording:
        (tmp_path / "history").write_text(text)
        return read_recording(tmp_path / "history")

    return read


@pytest.mark.parametrize(
    ("text", "expect"),
    [
        (SESSIONS, "strong-session-serializable"),
        (TRANSACTIONS, "strict-serializable"),
        (WRITES, "linearizable"),
    ],
)
def test_nobody_said_what_to_expect(reading: Callable[[str], Recording], text: str, expect: str) -> None:
    question = Question(Path("history"), expects_default=True)
    assert settled(question, reading(text)).expect == expect


def test_what_was_asked_stays(reading: Callable[[str], Recording]) -> None:
    question = Question(Path("history"), expect="linearizable", expects_default=False)
    assert settled(question, reading(TRANSACTIONS)).expect == "linearizable"


@pytest.mark.parametrize(
    ("asked", "judged", "told"),
    [
        ("serializable", "strong-session-serializable", True),
        ("causal", "causal", True),
        ("monotonic-atomic-view", "monotonic-atomic-view", True),
        ("sequential", "sequential", True),
        ("strict-serializable", "strict-serializable", False),
        ("strong-snapshot-isolation", "strong-snapshot-isolation", False),
        ("linearizable", "linearizable", False),
        ("set", "set", False),
    ],
)
def test_a_log_of_sessions(reading: Callable[[str], Recording], asked: str, judged: str, told: bool) -> None:
    recording = reading(SESSIONS)
    question = settled(Question(Path("history"), expect=asked), recording)
    assert question.expect == judged
    assert (untold(question, recording) is None) is told


def test_a_log_of_sessions_has_no_levels_of_real_time() -> None:
    found = {"strongest": ["cursor-stability", "strong-read-committed"], "weakest_failing": ["strong-read-atomic"]}
    result = Result(True, "strong-session-read-committed", details={**found, "undecided": ["strict-serializable"]})
    assert without_realtime(result).details == {
        "strongest": ["cursor-stability", "strong-session-read-committed"],
        "weakest_failing": [],
    }
    other = Result(True, "sequential", details={"keys": 1})
    assert without_realtime(other) == other
