"""The parts of the ``raft`` system that need no cluster: readiness, storage, the state machine, pending requests."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from harness.node.task import HostFuture
from systems_under_test.blocks.raft import Entry, HardState, Read, Role, Save, State
from systems_under_test.raft import SYSTEM
from systems_under_test.raft.pending import Pending
from systems_under_test.raft.state_machine import StateMachine, command_of
from systems_under_test.raft.storage import Storage
from tests.systems_under_test.blocks.crash_disk import CrashDisk, PowerLost


def status(role: str, term: int, leader: str | None) -> dict[str, Any]:
    return {"role": role, "term": term, "leader": leader, "commit": 0, "last": 0, "nodes": 5}


FOLLOWER = status("follower", 2, "n2")


@pytest.mark.parametrize(
    ("statuses", "leader", "ready"),
    [
        ({}, None, False),
        ({"n1": status("follower", 0, None), "n2": status("candidate", 1, None)}, None, False),
        ({"n2": status("leader", 2, "n2"), "n3": FOLLOWER}, "n2", False),  # two of five
        ({"n2": status("leader", 2, "n2"), "n3": FOLLOWER, "n4": FOLLOWER}, "n2", True),
        # an old leader that does not know it yet, and a follower still with it
        (
            {"n1": status("leader", 1, "n1"), "n2": status("leader", 2, "n2"), "n3": FOLLOWER, "n4": FOLLOWER},
            "n2",
            True,
        ),
        ({"n2": status("leader", 2, "n2"), "n3": FOLLOWER, "n4": status("follower", 1, "n2")}, "n2", False),
        # all believe in a leader that does not answer
        ({"n3": FOLLOWER, "n4": FOLLOWER, "n5": FOLLOWER}, None, False),
    ],
)
def test_ready_and_leader(statuses: dict[str, Any], leader: str | None, ready: bool) -> None:
    assert (SYSTEM.leader(statuses), SYSTEM.ready(statuses)) == (leader, ready)


def write(client: str, sequence: int, value: int) -> dict[str, Any]:
    return command_of({"client": client, "sequence": sequence, "f": "write", "key": 1, "value": value})


def test_a_request_that_is_in_the_log_twice_is_applied_once() -> None:
    machine = StateMachine()
    assert machine.apply(write("c1", 1, 10)) == {"value": None}
    assert machine.apply(write("c2", 1, 20)) == {"value": None}
    assert machine.apply(write("c1", 1, 10)) == {"value": None}
    assert machine.read({"key": 1}) == {"value": 20}
    cas = command_of({"client": "c1", "sequence": 2, "f": "cas", "key": 1, "value": [20, 30]})
    assert machine.apply(cas) == {"value": None}
    assert machine.apply(cas) == {"value": None}, "the reply of the first time, not cas-mismatch"


def leading(term: int) -> State:
    return State("n1", ("n1", "n2", "n3"), HardState(term, "n1"), role=Role.LEADER, leader="n1")


def test_a_deposed_leader_says_what_it_knows() -> None:
    async def scenario() -> None:
        futures: list[HostFuture[Any]] = [HostFuture(asyncio.get_running_loop()) for _ in range(4)]
        pending = Pending()
        for index, future in enumerate(futures[:3], 5):
            pending.add_write(1, index, future)
        pending.add_read({"key": 1}, futures[3])
        pending.turn_away(leading(1))
        assert not any(future.done() for future in futures)
        pending.applied(Entry(1, 5, {}), {"value": None})
        pending.applied(Entry(2, 6, {}), {"value": "of another request"})
        follower = leading(2)._replace(role=Role.FOLLOWER, leader="n3")
        pending.turn_away(follower)
        assert [await future for future in futures] == [
            {"value": None}, {"error": "unknown"}, {"error": "unknown"}, {"error": "not-leader", "leader": "n3"},
        ]  # fmt: skip
        assert len(pending) == 0
        assert pending.confirmed(Read(1, 0, 0)) is None

    asyncio.run(scenario())


def random_save(random: Random, term: int, length: int) -> Save:
    hard = HardState(term, random.choice([None, "n1", "n2"])) if random.random() < 0.4 else None
    if random.random() < 0.2:
        return Save(hard, None, ())
    first = random.randint(max(1, length - 3), length + 1)
    return Save(hard, first, tuple(Entry(term, first + i, {"f": f"{term}.{i}"}) for i in range(random.randint(0, 4))))


class Expected:
    """What storage must hold: ``entries`` and ``hard`` after the last finished save."""

    def __init__(self) -> None:
        self.hard, self.entries = HardState(), list[Entry]()

    def after(self, save: Save) -> tuple[HardState, list[Entry]]:
        if save.log_from is None:
            return save.hard or self.hard, self.entries
        return save.hard or self.hard, self.entries[: save.log_from - 1] + list(save.entries)

    def allows(self, save: Save, hard: HardState, entries: list[Entry]) -> bool:
        """After a power loss in the middle of ``save``: the old, the new, or what lies between."""
        new_hard, new_entries = self.after(save)
        if hard == self.hard != new_hard and entries != self.entries:
            return False  # the log before term and vote
        kept = (save.log_from or len(self.entries) + 1) - 1
        between = [new_entries[:length] for length in range(kept, len(new_entries) + 1)]
        return hard in (self.hard, new_hard) and entries in [self.entries, *between]


async def save_until_power_loss(seed: int) -> bool:
    """Whether the power was lost in the middle of a save (and not after the last one)."""
    random, disk, expected = Random(seed), CrashDisk(), Expected()
    storage = Storage(disk)
    await storage.open()
    syncs_left = random.randint(1, 40)

    def turns() -> int:
        nonlocal syncs_left
        syncs_left -= 1
        disk.dead = syncs_left == 0
        return 1

    disk.turns = turns
    save = Save(None, None, ())
    lost = False
    try:
        for term in range(1, 12):
            save = random_save(random, term, len(expected.entries))
            save = replace(save, hard=HardState(term, save.hard.vote if save.hard else None))
            await storage.save([save])
            expected.hard, expected.entries = expected.after(save)
    except PowerLost:
        lost = True
    hard, entries = await Storage(disk.after_crash(random)).open()
    assert expected.allows(save, hard, entries), f"seed {seed}: {hard} {entries} after {expected.entries} and {save}"
    return lost


def test_storage_survives_a_power_loss_at_any_sync() -> None:
    lost = [asyncio.run(save_until_power_loss(seed)) for seed in range(200)]
    assert 50 < sum(lost) < 200, "power must be lost in the middle of saves, and between them"


def test_several_saves_share_a_sync() -> None:
    async def scenario() -> None:
        disk, syncs = CrashDisk(), 0

        def turns() -> int:
            nonlocal syncs
            syncs += 1
            return 1

        disk.turns = turns
        storage = Storage(disk)
        await storage.open()
        first = Save(HardState(1, "n2"), 1, (Entry(1, 1, None), Entry(1, 2, {"f": "lost"})))
        second = Save(HardState(2, None), None, ())
        third = Save(HardState(2, "n3"), 2, (Entry(2, 2, {"f": "kept"}),))
        await storage.save([first])
        before = syncs
        await storage.save([second, third])
        together = syncs - before
        before = syncs
        await storage.save([Save(HardState(3, None), 3, (Entry(3, 3, None),))])
        assert together == syncs - before
        assert await Storage(disk.after_kill()).open() == (
            HardState(3, None),
            [Entry(1, 1, None), Entry(2, 2, {"f": "kept"}), Entry(3, 3, None)],
        )

    asyncio.run(scenario())
