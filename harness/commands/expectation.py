"""What a history is judged by: what was asked, or what its operations suggest; and whether its file tells enough.

A log of sessions (plume-txt, awdit-test) says nothing of real time. The tools that write such logs mean levels that
respect sessions (Biswas & Enea 2019), so a plain level asked of one is judged in its strong-session form.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from harness import catalog
from harness.commands.question import LINEARIZABLE, Question
from harness.formats import Recording
from harness.history import DUMP, History

TRANSACTION: Final = "txn"
STRICT: Final = "strict-serializable"
SESSION: Final = "strong-session-"
# Of what is not a level: the expectations for which the order of each session is enough.
OF_SESSIONS: Final = frozenset(
    ("sequential", "sequential-per-key", "read-your-writes", "monotonic-reads", "monotonic-writes",
     "writes-follow-reads", "pram", "session-guarantees")
)  # fmt: skip


def settled(question: Question, recording: Recording) -> Question:
    """The question with what is expected, where nobody said it, and in the form that the file can answer."""
    expect = question.expect
    if question.expects_default and question.model is None and _of_transactions(recording.history):
        expect = STRICT if recording.realtime else SESSION + "serializable"
    if not recording.realtime and SESSION + expect in catalog.LEVELS:
        expect = SESSION + expect
    return replace(question, expect=expect)


def _of_transactions(history: History) -> bool:
    """Whether transactions are all that clients did."""
    return history.client_names() - {DUMP} == {TRANSACTION}


def untold(question: Question, recording: Recording) -> str | None:
    """Why this file does not tell what the expectation is about; None if it does."""
    expect = question.expect
    strong = expect == STRICT or (expect.startswith("strong-") and not expect.startswith(SESSION))
    if recording.realtime or (expect in catalog.LEVELS and not strong) or expect in OF_SESSIONS:
        return None
    instead = SESSION + "serializable" if expect in (STRICT, LINEARIZABLE) else "a level without real time"
    return (
        f"{expect} is about real time, of which a log of sessions ({recording.format}) says nothing; expected "
        f"--expect {instead}, sequential, or a session guarantee"
    )
