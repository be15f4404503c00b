"""The parts of the ``raft`` system that need no cluster: readiness, storage, the state machine, pending requests."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from random import Random
from typing import Any

import pytest

from harness.node.task import HostFuture
from systems_under_test.blocks.corruption import Corruption
from systems_under_test.blocks.raft import Entry, HardState, Read, Role, Save, Snapshot, State
from systems_under_test.blocks.raft.bug import CORRUPT_RECORD_ENDS_LOG, TERM_NOT_PERSISTED, VOTE_NOT_PERSISTED
from systems_under_test.blocks.raft.log import NO_SNAPSHOT
from systems_under_test.blocks.raft.pending import Pending
from systems_under_test.blocks.raft.storage import Storage
from systems_under_test.raft import SYSTEM
from systems_under_test.raft.bug import NO_CLIENT_DEDUPLICATION
from systems_under_test.raft.state_machine import StateMachine, command_of
from tests.systems_under_test.blocks.crash_disk import CrashDisk, PowerLost

MEMBERS = ["n1", "n2", "n3", "n4", "n5"]


def status(role: str, term: int, leader: str | None) -> dict[str, Any]:
    return {"role": role, "term": term, "leader": leader, "commit": 0, "last": 0, "members": MEMBERS, "changing": False}


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


def command(client: str, sequence: int, f: str, value: Any) -> dict[str, Any]:
    return command_of({"client": client, "sequence": sequence, "f": f, "key": 1, "value": value})


def apply(machine: StateMachine, *commands: dict[str, Any]) -> list[Any]:
    return [machine.apply(each) for each in commands]


def test_a_request_that_is_in_the_log_twice_is_applied_once() -> None:
    machine = StateMachine()
    write, cas = command("c1", 1, "write", 10), command("c1", 2, "cas", [20, 30])
    assert apply(machine, write, command("c2", 1, "write", 20), write) == [{"value": None}] * 3
    assert machine.read({"key": 1}) == {"value": 20}
    assert apply(machine, cas, cas) == [{"value": None}] * 2, "the reply of the first time, not cas-mismatch"


@pytest.mark.parametrize(("bug", "count"), [("", 5), (NO_CLIENT_DEDUPLICATION, 10)])
def test_without_deduplication_a_request_that_is_in_the_log_twice_counts_twice(bug: str, count: int) -> None:
    machine = StateMachine(frozenset({bug}))
    increment = command("c1", 1, "inc", 5)
    assert apply(machine, increment, increment) == [{"value": None}] * 2
    assert machine.read({"key": 1}) == {"value": count}


def test_a_dump_is_what_this_server_has_applied() -> None:
    machine = StateMachine()
    assert machine.dump() == {}
    apply(machine, command("c1", 1, "inc", 5), command("c1", 2, "inc", -2))
    assert machine.dump() == {"1": 3}


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


def random_save(random: Random, term: int, snapshot: Snapshot, entries: list[Entry]) -> Save:
    """Of a server that has this: term and vote, entries, its own snapshot, or one that takes the place of all."""
    hard = HardState(term, random.choice([None, "n1", "n2"])) if random.random() < 0.4 else None
    draw, last = random.random(), snapshot.index + len(entries)
    if draw < 0.2:
        return Save(hard, None, ())
    if draw < 0.4 and entries:
        cut = random.randint(1, len(entries))
        taken = Snapshot(entries[cut - 1].index, entries[cut - 1].term, f"taken in {term}")
        return Save(hard, taken.index + 1, tuple(entries[cut:]), taken)
    if draw < 0.5:
        return Save(hard, last + 4, (), Snapshot(last + 3, term, f"installed in {term}"))
    first = random.randint(max(snapshot.index + 1, last - 3), last + 1)
    return Save(hard, first, tuple(Entry(term, first + i, {"f": f"{term}.{i}"}) for i in range(random.randint(0, 4))))


class Expected:
    """What storage must hold: ``hard``, ``snapshot`` and the ``entries`` behind it after the last finished save."""

    def __init__(self) -> None:
        self.hard, self.snapshot, self.entries = HardState(), NO_SNAPSHOT, list[Entry]()

    def after(self, save: Save) -> tuple[HardState, Snapshot, list[Entry]]:
        hard = save.hard or self.hard
        if save.snapshot is not None:
            return hard, save.snapshot, list(save.entries)
        if save.log_from is None:
            return hard, self.snapshot, self.entries
        return hard, self.snapshot, self.entries[: save.log_from - 1 - self.snapshot.index] + list(save.entries)

    def allows(self, save: Save, hard: HardState, snapshot: Snapshot, entries: list[Entry]) -> bool:
        """After a power loss in the middle of ``save``: the old, the new, or what lies between. A snapshot and the log
        behind it come together."""
        new_hard, new_snapshot, new_entries = self.after(save)
        if hard == self.hard != new_hard and (snapshot, entries) != (self.snapshot, self.entries):
            return False  # the log before term and vote
        if hard not in (self.hard, new_hard):
            return False
        if save.snapshot is not None:
            return (snapshot, entries) in [(self.snapshot, self.entries), (new_snapshot, new_entries)]
        kept = len(self.entries) if save.log_from is None else save.log_from - 1 - self.snapshot.index
        between = [new_entries[:length] for length in range(kept, len(new_entries) + 1)]
        return snapshot == self.snapshot and entries in [self.entries, *between]


async def saved(storage: Storage, *saves: Save) -> None:
    await storage.write(saves)
    await storage.sync()


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
            save = random_save(random, term, expected.snapshot, expected.entries)
            save = replace(save, hard=HardState(term, save.hard.vote if save.hard else None))
            await saved(storage, save)
            expected.hard, expected.snapshot, expected.entries = expected.after(save)
    except PowerLost:
        lost = True
    survivor = disk.after_crash(random)
    hard, snapshot, entries = await Storage(survivor).open()
    found = f"{hard} {snapshot} {entries} after {expected.snapshot} {expected.entries} and {save}"
    assert expected.allows(save, hard, snapshot, entries), f"seed {seed}: {found}"
    folders = {name.partition("/")[0] for name in survivor.list("wal")}
    assert len(folders) <= 1, f"seed {seed}: logs that no snapshot names were left behind: {folders}"
    return lost


def test_storage_survives_a_power_loss_at_any_sync() -> None:
    lost = [asyncio.run(save_until_power_loss(seed)) for seed in range(300)]
    assert 50 < sum(lost) < 300, "power must be lost in the middle of saves, and between them"


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
        await saved(storage, first)
        before = syncs
        await saved(storage, second, third)
        together = syncs - before
        before = syncs
        await saved(storage, Save(HardState(3, None), 3, (Entry(3, 3, None),)))
        assert together == syncs - before
        assert await Storage(disk.after_kill()).open() == (
            HardState(3, None),
            NO_SNAPSHOT,
            [Entry(1, 1, None), Entry(2, 2, {"f": "kept"}), Entry(3, 3, None)],
        )

    asyncio.run(scenario())


def test_a_snapshot_that_does_not_verify_is_noticed() -> None:
    async def scenario() -> None:
        disk = CrashDisk()
        storage = Storage(disk)
        await storage.open()
        await saved(storage, Save(HardState(1), 4, (), Snapshot(3, 1, "{}")))
        assert disk.list() == ["snapshot", "vote"], "nothing of the log is left"
        disk.flip("snapshot", disk.size("snapshot") - 3)
        with pytest.raises(Corruption, match="snapshot"):
            await Storage(disk).open()

    asyncio.run(scenario())


def test_two_replicas_on_one_disk_do_not_meet() -> None:
    async def scenario() -> None:
        disk = CrashDisk()
        first, second = Storage(disk, files="first."), Storage(disk, files="second.")
        for storage in (first, second):
            await storage.open()
        await saved(first, VOTED)
        await saved(second, Save(HardState(9), 4, (), Snapshot(3, 1, "{}")))
        assert await Storage(disk, files="first.").open() == (VOTED.hard, NO_SNAPSHOT, list(VOTED.entries))
        assert await Storage(disk, files="second.").open() == (HardState(9), Snapshot(3, 1, "{}"), [])

    asyncio.run(scenario())


VOTED = Save(HardState(2, "n3"), 1, (Entry(1, 1, None), Entry(1, 2, {"f": "x"})))


@pytest.mark.parametrize(
    ("bug", "hard"),
    [
        ("", HardState(2, "n3")),
        (VOTE_NOT_PERSISTED, HardState(2, None)),
        (TERM_NOT_PERSISTED, HardState(1, None)),  # of the last entry
    ],
)
def test_what_a_restart_remembers_of_term_and_vote(bug: str, hard: HardState) -> None:
    async def scenario() -> None:
        disk, bugs = CrashDisk(), frozenset({bug})
        storage = Storage(disk, bugs)
        await storage.open()
        await saved(storage, VOTED)
        assert await Storage(disk.after_kill(), bugs).open() == (hard, NO_SNAPSHOT, list(VOTED.entries))

    asyncio.run(scenario())


def test_what_is_written_and_not_synced_survives_a_kill_and_may_not_survive_the_power() -> None:
    """What a server that acknowledges before it syncs has promised (row 35)."""

    async def lengths(seed: int) -> tuple[int, int]:
        async def unsynced() -> CrashDisk:
            disk = CrashDisk()
            storage = Storage(disk)
            await storage.open()
            await saved(storage, Save(HardState(1), 1, (Entry(1, 1, None),)))
            await storage.write([Save(None, 2, (Entry(1, 2, {"f": "x"}), Entry(1, 3, {"f": "y"})))])
            return disk

        killed, dark = (await unsynced()).after_kill(), (await unsynced()).after_crash(Random(seed))
        return len((await Storage(killed).open())[2]), len((await Storage(dark).open())[2])

    found = [asyncio.run(lengths(seed)) for seed in range(30)]
    assert {killed for killed, _ in found} == {3}
    assert {dark for _, dark in found} == {1, 2, 3}


def test_a_corrupt_record_is_no_end_of_the_log_except_where_that_is_the_bug() -> None:
    async def scenario() -> None:
        disk, bugs = CrashDisk(), frozenset({CORRUPT_RECORD_ENDS_LOG})
        storage = Storage(disk)
        await storage.open()
        for index in range(1, 4):
            await saved(storage, Save(None, index, (Entry(0, index, {"f": "x" * 100}),)))
        disk.flip("wal/00000001", disk.read("wal/00000001").rindex(b"x"))  # of the last record
        with pytest.raises(Corruption, match="does not verify"):
            await Storage(disk).open()
        broken = Storage(disk, bugs)
        assert len((await broken.open())[2]) == 2
        await saved(broken, Save(None, 3, (Entry(0, 3, {"f": "y"}),)))
        _, _, entries = await Storage(disk.after_crash(Random(1))).open()
        assert [entry.command for entry in entries] == [{"f": "x" * 100}] * 2 + [{"f": "y"}]

    asyncio.run(scenario())


def test_a_server_that_finds_nothing_though_it_ran_before_is_lost_until_it_saves_something() -> None:
    async def scenario() -> None:
        disk = CrashDisk()
        for _ in range(2):
            storage = Storage(disk)
            assert await storage.open(ran_before=True) == (HardState(), NO_SNAPSHOT, [])
            assert storage.is_lost
        await saved(storage, Save(HardState(3, None, votes_after=3), None, ()))
        again = Storage(disk.after_crash(Random(1)))
        assert await again.open(ran_before=True) == (HardState(3, None, votes_after=3), NO_SNAPSHOT, [])
        assert not again.is_lost

    asyncio.run(scenario())


def test_a_server_that_starts_for_the_first_time_leaves_the_mark_of_a_member() -> None:
    async def scenario() -> None:
        disk = CrashDisk()
        await Storage(disk).open()
        again = Storage(disk.after_crash(Random(1)))
        await again.open(ran_before=True)
        assert not again.is_lost

    asyncio.run(scenario())


def test_every_seeded_bug_is_described() -> None:
    assert {bug.row for bug in SYSTEM.bugs.values()} == {*range(33, 53), 57}
    assert all(set(bug.workloads) <= {"register", "set", "counter"} for bug in SYSTEM.bugs.values())
    assert SYSTEM.leadership({}) == ("became-leader", "term")
