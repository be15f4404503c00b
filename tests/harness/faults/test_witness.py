"""A fault bites only while a client's operation is under way."""

from __future__ import annotations

from typing import Any

import pytest

from harness.faults.witness import witnessed
from harness.history import History, Op


def fault_at(number: int) -> tuple[list[Op], list[Op]]:
    """The lines of an application's start, and of its stop."""
    value = {"application": number}
    return [Op("info", "nemesis", "start-kill", value)] * 2, [Op("info", "nemesis", "stop-kill", value)] * 2


INVOKE, COMPLETE = Op("invoke", 1, "write"), Op("ok", 1, "write")


@pytest.mark.parametrize(
    ("before", "within", "after", "met"),
    [
        ([INVOKE, COMPLETE], [], [], False),
        ([], [], [INVOKE, COMPLETE], False),
        ([], [INVOKE, COMPLETE], [], True),
        ([INVOKE], [COMPLETE], [], True),
        ([], [INVOKE], [COMPLETE], True),
        ([INVOKE], [], [COMPLETE], True),
        ([INVOKE], [], [], True),
        ([], [Op("info", "nemesis", "start-pause", {"application": 2})], [], False),
    ],
)
def test_a_fault_bit_only_if_a_client_was_asking(
    before: list[Op], within: list[Op], after: list[Op], met: bool
) -> None:
    start, stop = fault_at(1)
    history = History([*before, *start, *within, *stop, *after])
    application: dict[str, Any] = {"application": 1, "bit": True, "effect": {"explanation": "2 elections"}}
    (found,) = witnessed([application], history)
    assert found["bit"] is met
    assert ("no client operation" in found["effect"]["explanation"]) is not met
    assert application["bit"], "what was measured is left as it was"


def test_while_a_fault_begins_or_ends_it_is_not_surely_in_force() -> None:
    (begin, begun), (end, ended) = fault_at(1)
    history = History([begin, INVOKE, COMPLETE, begun, end, INVOKE, COMPLETE, ended])
    (found,) = witnessed([{"application": 1, "bit": True, "effect": {"explanation": ""}}], history)
    assert found["bit"] is False


def test_applications_that_interleave_are_witnessed_each_by_itself() -> None:
    def at(number: int) -> list[Op]:
        return [Op("info", "nemesis", f, {"application": number}) for f in ("start-kill", "start-kill", "stop-kill")]

    (begin, begun, end), (other_begin, other_begun, other_end) = at(1), at(2)
    history = History([begin, other_begin, begun, INVOKE, COMPLETE, end, other_begun, other_end, end, other_end])
    applications = [{"application": number, "bit": True, "effect": {"explanation": ""}} for number in (1, 2)]
    assert [found["bit"] for found in witnessed(applications, history)] == [True, False]


def test_without_its_lines_in_the_history_a_fault_did_not_bite() -> None:
    (found,) = witnessed([{"application": 1, "bit": True, "effect": {"explanation": ""}}], History([INVOKE, COMPLETE]))
    assert found["bit"] is False
    toothless = {"application": 1, "bit": False, "effect": {"explanation": "was not applied"}}
    assert witnessed([toothless], History()) == [toothless]
