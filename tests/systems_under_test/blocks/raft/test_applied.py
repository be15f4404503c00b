"""The state machine and how far it has applied the log: who is answered, and when a snapshot is taken."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from harness.node import Message
from harness.node.task import HostFuture
from systems_under_test.blocks.raft import Entry, HardState, Read, Snapshot, applied, recover
from systems_under_test.blocks.raft.applied import Applied
from systems_under_test.blocks.raft.configuration import Configuration, command_of
from systems_under_test.blocks.raft.pending import Pending


class Words:
    """A state machine that remembers the commands it was given."""

    def __init__(self) -> None:
        self.state: list[Any] = []

    def apply(self, command: Mapping[str, Any]) -> Message:
        self.state.append(command["f"])
        return {"value": len(self.state)}

    def read(self, request: Message) -> Message:
        return {"value": self.state}

    def snapshot(self) -> Mapping[str, Any]:
        return {"state": self.state}

    def restore(self, snapshot: Mapping[str, Any]) -> None:
        self.state = list(snapshot["state"])


def test_the_machine_sees_commands_and_not_what_is_rafts_own() -> None:
    async def scenario() -> None:
        pending = Pending()
        machine = Applied(Words(), pending)
        written, read = (HostFuture[Message](asyncio.get_running_loop()) for _ in range(2))
        pending.add_write(1, 3, written)
        token = pending.add_read({}, read)
        entries = (Entry(1, 1, None), Entry(1, 2, command_of(Configuration(("n1",)))), Entry(1, 3, {"f": "x"}))
        for item in (*entries, Read(token, 3, 1)):
            machine.apply(item)
        assert (machine.index, await written, await read) == (3, {"value": 1}, {"value": ["x"]})
        machine.apply(Snapshot(9, 1, '{"state":["y","z"]}'))
        assert machine.index == 9
        machine.apply(Read(pending.add_read({}, again := HostFuture[Message](asyncio.get_running_loop())), 9, 1))
        assert await again == {"value": ["y", "z"]}

    asyncio.run(scenario())


def test_a_snapshot_is_taken_of_enough_entries_and_of_no_machine_that_is_too_large(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    entries = [Entry(1, index, {"f": "x"}) for index in range(1, 4)]
    state = recover("n1", ("n1",), HardState(1), entries)
    machine = Applied(Words(), Pending())
    for entry in entries:
        machine.apply(entry)
    assert machine.snapshot(state, 0) is machine.snapshot(state, 4) is None
    assert machine.snapshot(state, 3) == Snapshot(3, 1, '{"state":["x","x","x"]}')
    monkeypatch.setattr(applied, "SNAPSHOT_BYTES_MAX", 20)
    assert machine.snapshot(state, 3) is None
