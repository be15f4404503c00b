"""Triggers in words and in plans."""

from __future__ import annotations

import json
from typing import Any

import pytest

from harness.fault import EVENT, FAILPOINT, LEADER_CHANGE, OPERATION, Trigger, ordinal


@pytest.mark.parametrize(
    "trigger",
    [Trigger(EVENT, "x"), Trigger(FAILPOINT, "a.b", 3), Trigger(OPERATION, "write", 10), Trigger(LEADER_CHANGE)],
)
def test_a_trigger_comes_back_from_a_plan(trigger: Trigger) -> None:
    assert Trigger.from_json(json.loads(json.dumps(trigger.as_json()))) == trigger


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (None, '{"on", "name", "count"}'),
        ([], '{"on", "name", "count"}'),
        ({"on": "event", "name": "x"}, '{"on", "name", "count"}'),
        ({"on": "event", "name": "x", "count": 1, "and": 2}, '{"on", "name", "count"}'),
        ({"on": "earthquake", "name": "x", "count": 1}, "one of event, operation"),
        ({"on": ["event"], "name": "x", "count": 1}, "one of event, operation"),
        ({"on": "event", "name": None, "count": 1}, "the name of the event"),
        ({"on": "failpoint", "name": "x y", "count": 1}, "the name of the failpoint"),
        ({"on": "operation", "name": 7, "count": 1}, "the name of the operation"),
        ({"on": "event", "name": "x" * 81, "count": 1}, "the name of the event"),
        ({"on": "leader-change", "name": "x", "count": 1}, "no name"),
        ({"on": "event", "name": "x", "count": 0}, "a count from 1"),
        ({"on": "event", "name": "x", "count": True}, "a count from 1"),
        ({"on": "event", "name": "x", "count": 10**9}, "a count from 1"),
    ],
)
def test_what_is_no_trigger_is_refused(data: Any, expected: str) -> None:
    with pytest.raises(ValueError, match="read the trigger") as caught:
        Trigger.from_json(data)
    assert expected in str(caught.value)


def test_ordinals() -> None:
    numbers = (1, 2, 3, 4, 10, 11, 12, 13, 21, 22, 101, 111, 113, 123)
    assert [ordinal(n) for n in numbers] == [
        "1st", "2nd", "3rd", "4th", "10th", "11th", "12th", "13th", "21st", "22nd", "101st", "111th", "113th", "123rd",
    ]  # fmt: skip
