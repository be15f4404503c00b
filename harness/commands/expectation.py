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
from harness.result import Result

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


def without_realtime(result: Result) -> Result:
    """Of the levels that a result says hold or fail, those that say nothing of real time: of a log of sessions the
    others mean nothing."""
    from checkers.transactional.lattice import MODELS, Order, implied, strongest_holding, weakest_failing

    if "strongest" not in result.details:
        return result
    told = {name for name, model in MODELS.items() if model.order is not Order.REALTIME}
    strongest, weakest = result.details["strongest"], result.details["weakest_failing"]
    holding = [name for name in told if any(name in implied(strong) for strong in strongest)]
    failing = [name for name in told if implied(name) & set(weakest)]
    undecided = [name for name in result.details.get("undecided", ()) if name in told]
    levels = {"strongest": list(strongest_holding(holding)), "weakest_failing": list(weakest_failing(failing))}
    others = {name: value for name, value in result.details.items() if name != "undecided"}
    return replace(result, details={**others, **levels, **({"undecided": undecided} if undecided else {})})


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
