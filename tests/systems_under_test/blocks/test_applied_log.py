"""A log and what its applied part has made: each request once, and what is dropped is undone."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from systems_under_test.blocks.applied_log import AppliedLog
from systems_under_test.blocks.client_session import ClientSessions
from systems_under_test.blocks.key_value import KeyValue
from systems_under_test.blocks.replicated_log import Position
from tests.systems_under_test.blocks.crash_disk import CrashDisk


class Env:
    """As much of a node's environment as a log is made of."""

    def __init__(self) -> None:
        self.disk = CrashDisk()
        self.events: list[str] = []

    def event(self, name: str, **fields: Any) -> None:
        self.events.append(name)

    def count(self, name: str, by: int = 1) -> None:
        """Nobody looks."""


def increment(sequence: int, value: int) -> dict[str, Any]:
    command = {"client": "c0", "sequence": sequence, "f": "inc", "key": 0, "value": value}
    return {"generation": 1, "command": command}


def log_of(*entries: dict[str, Any]) -> AppliedLog:
    env: Any = Env()
    found = AppliedLog(env)
    asyncio.run(found.log.open())
    for entry in entries:
        found.log.append(entry)
    asyncio.run(found.log.sync())
    return found


def test_each_entry_is_applied_once_and_a_repeated_request_changes_nothing() -> None:
    found = log_of(increment(1, 5), increment(2, 2), increment(2, 2))
    assert [index for index, _ in found.apply(2)] == [1, 2]
    assert [index for index, _ in found.apply(3)] == [3]
    assert found.read(0) == {"value": 7}
    assert found.apply(3) == []


def test_what_is_pending_is_seen_ahead_only() -> None:
    found = log_of(increment(1, 5), {"generation": 1, "command": None}, increment(2, 2))
    found.apply(1)
    assert (found.read(0), found.read_ahead(0)) == ({"value": 5}, {"value": 7})
    assert [command["value"] for command in found.pending()] == [2]
    assert found.dump()["value"]["applied"] == 1


def test_nothing_is_applied_that_is_not_durable() -> None:
    found = log_of(increment(1, 5))
    found.log.append(increment(2, 2))
    with pytest.raises(AssertionError, match="only 1 are stored here"):
        found.apply(2)


def test_what_was_applied_and_is_dropped_is_undone_unless_it_must_stay() -> None:
    found = log_of(increment(1, 5), increment(2, 2))
    found.apply(2)
    with pytest.raises(AssertionError, match="must stay"):
        found.truncate_from(2, keeps=True)
    found.truncate_from(2, keeps=False)
    assert (found.applied, found.read(0)) == (1, {"value": 5})


def test_a_log_may_go_on_from_a_copy_of_the_state() -> None:
    def begin(state: KeyValue, sessions: ClientSessions) -> None:
        sessions.once({"client": "c0", "sequence": 1, "f": "inc", "key": 0, "value": 100}, state.apply)

    env: Any = Env()
    found = AppliedLog(env, begin=begin)
    asyncio.run(found.log.open(Position(1, 7)))
    found.reset()
    for entry in (increment(1, 5), increment(2, 2)):
        found.log.append(entry)
    asyncio.run(found.log.sync())
    found.apply(9)
    assert found.read(0) == {"value": 102}, "the first request is in the copy"
    found.truncate_from(8, keeps=False)
    assert (found.applied, found.read(0)) == (7, {"value": 100})


def test_without_deduplication_a_request_that_is_there_twice_is_executed_twice() -> None:
    env: Any = Env()
    found = AppliedLog(env, deduplicates=False)
    asyncio.run(found.log.open())
    for entry in (increment(1, 5), increment(1, 5)):
        found.log.append(entry)
    asyncio.run(found.log.sync())
    found.apply(2)
    assert found.read(0) == {"value": 10}
