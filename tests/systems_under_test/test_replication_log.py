"""The parts of ``replication-log``: storage that survives and converts, what is shipped, what is taken, and how."""

from __future__ import annotations

import asyncio
from random import Random
from typing import Any, cast

import pytest

from harness.history import Op
from harness.node import CallError, Closed, Env, Message, Refused, Timeout
from systems_under_test.blocks.table_store import RowChange
from systems_under_test.replication_log.apply import WORKERS, parallel, serial
from systems_under_test.replication_log.change_table import CHANGES, capture, changes_after
from systems_under_test.replication_log.client import RowsClient
from systems_under_test.replication_log.follower import Follower
from systems_under_test.replication_log.log_form import Part, RowLog, WriteAheadShipping
from systems_under_test.replication_log.shipping import ASK_EVERY, BATCH_RECORDS_MAX, Shipping
from systems_under_test.replication_log.storage import Storage
from systems_under_test.replication_log.target import Target
from tests.systems_under_test.blocks.crash_disk import CrashDisk


class Machine:
    """What these parts use of an Env: a disk, a build, draws, tasks, and one node to call."""

    def __init__(self, disk: CrashDisk | None = None, build: str = "old", answer: Any = None) -> None:
        self.disk, self.build, self.answer = disk or CrashDisk(), build, answer
        self.calls: list[Message] = []
        self.events: list[tuple[str, dict[str, Any]]] = []

    def event(self, name: str, **fields: Any) -> None:
        self.events.append((name, fields))

    def random(self, stream: str) -> Random:
        return Random(stream)

    def spawn(self, coroutine: Any, name: str) -> Any:
        return asyncio.ensure_future(coroutine)

    async def work(self, ms: float) -> None:
        await asyncio.sleep(ms / 1e3)

    async def call(self, to: str, message: Message, timeout_ms: float) -> Message:
        self.calls.append(message)
        if isinstance(self.answer, CallError):
            raise self.answer
        answer: Message = self.answer
        return answer


async def opened(disk: CrashDisk | None = None, build: str = "old") -> Storage:
    storage = Storage(cast(Env, Machine(disk, build)))
    await storage.open()
    return storage


def test_what_was_synced_is_there_with_what_was_committed_beside_it() -> None:
    async def run(seed: int) -> int:
        disk = CrashDisk()
        storage = await opened(disk)
        for tag in range(3):
            storage.tables.insert("orders", {"tag": tag})
            storage.commit(position=tag + 1)
        await storage.sync()
        storage.tables.insert("orders", {"tag": 3})
        storage.commit(position=4)
        assert (storage.durable, storage.last) == (3, 4)
        found = await opened(disk.after_crash(Random(seed)))
        tags = [row["tag"] for _, row in found.tables.rows("orders")]
        assert tags in ([0, 1, 2], [0, 1, 2, 3])
        assert found.newest("position") == len(tags) == found.durable, "one record, or none of it"
        assert found.newest("number") is None
        return len(tags)

    assert {asyncio.run(run(seed)) for seed in range(12)} == {3, 4}


def test_another_build_converts_and_goes_on() -> None:
    async def run() -> None:
        disk = CrashDisk()
        storage = await opened(disk)
        storage.tables.insert("orders", {"tag": 0})
        storage.commit(position=7)
        await storage.sync()
        for number, build in enumerate(("new", "new", "old", "new")):
            before = storage
            storage = await opened(disk, build)
            assert storage.tables.dump() == before.tables.dump()
            assert storage.newest("position") == 7
            storage.tables.insert("orders", {"tag": 1 + number})
            storage.commit()
            await storage.sync()
        assert [record["version"] for record in storage.records()] == [1, 2, 2, 2, 1, 1, 2, 2]
        assert [number for number, record in enumerate(storage.records(), 1) if "image" in record] == [2, 5, 7]

    asyncio.run(run())


def records(*versions: int, images: tuple[int, ...] = ()) -> list[dict[str, Any]]:
    return [{"version": version, **({"image": {}} if number in images else {"changes": []})}
            for number, version in enumerate(versions, 1)]  # fmt: skip


@pytest.mark.parametrize(
    ("log", "position", "version", "shipped"),
    [
        (records(1, 1, 1), 1, 1, (2, 2)),
        (records(1, 1, 1), 3, 1, None),
        (records(1, 1, 1), 1, 2, None),
        (records(1, 1, 2, 2, images=(3,)), 0, 1, (1, 2)),
        (records(1, 1, 2, 2, images=(3,)), 2, 1, None),
        (records(1, 1, 2, 2, images=(3,)), 0, 2, (3, 2)),
        (records(1, 2, 2, 1, 1, images=(2, 4)), 1, 1, (4, 2)),
        (records(*[1] * 200), 0, 1, (1, BATCH_RECORDS_MAX)),
    ],
)
def test_what_is_shipped_to_a_follower_of_a_version(
    log: list[dict[str, Any]], position: int, version: int, shipped: tuple[int, int] | None
) -> None:
    async def run() -> list[Message]:
        machine = Machine(answer={"position": position, "version": version})
        storage = await opened()
        shipping = Shipping(cast(Env, machine), "n2", WriteAheadShipping(storage), same_version=True)
        await shipping.step(log, 1)
        assert machine.calls == [{"type": "ship", "first": 0, "records": []}], "first it asks"
        for round_number in range(1, 1 + ASK_EVERY):
            await shipping.step(log, round_number)
        return machine.calls[1:]

    calls = asyncio.run(run())
    if shipped is None:
        assert calls == [{"type": "ship", "first": 0, "records": []}], "now and then it asks again"
    else:
        assert {(call["first"], len(call["records"])) for call in calls} == {shipped}


def test_a_follower_that_does_not_answer_is_sent_the_same_again() -> None:
    async def run() -> None:
        machine = Machine(answer={"position": 1, "version": 1})
        storage = await opened()
        shipping = Shipping(cast(Env, machine), "n2", RowLog(storage), same_version=False)
        log = records(1, 2, 2)
        await shipping.step(log, 1)
        machine.answer = Timeout("silent")
        await shipping.step(log, 2)
        await shipping.step(log, 3)
        assert [call["first"] for call in machine.calls] == [0, 2, 2]
        assert len(machine.calls[1]["records"]) == 2, "of whatever version"

    asyncio.run(run())


def test_a_follower_takes_what_comes_next_once_and_one_batch_at_a_time() -> None:
    async def run() -> None:
        machine = Machine()
        storage = await opened(machine.disk)
        options = {"log": "row", "apply": "serial", "version-check": "on"}
        follower = Follower(cast(Env, machine), options, storage, RowLog(storage))
        batch = {"first": 1, "records": [[["orders", 1, {"tag": 1}]], [["orders", 2, {"tag": 2}]]]}
        assert (await follower.take({"first": 2, "records": batch["records"]}))["position"] == 0, "a gap"
        answers = await asyncio.gather(follower.take(batch), follower.take(batch))
        assert sorted(answer["position"] for answer in answers) == [0, 2], "the second came while it was busy"
        assert await follower.take(batch) == {"position": 2, "version": 1}
        assert storage.last == 1
        assert storage.tables.rows("orders") == [(1, {"tag": 1}), (2, {"tag": 2})]

    asyncio.run(run())


def test_a_follower_refuses_another_version_and_says_so_once() -> None:
    async def run(check: str) -> tuple[int, int]:
        machine = Machine()
        storage = await opened(machine.disk)
        options = {"log": "wal", "apply": "serial", "version-check": check}
        follower = Follower(cast(Env, machine), options, storage, WriteAheadShipping(storage))
        for _ in range(2):
            await follower.take({"first": 1, "records": records(2, 2)})
        return follower.position, len(machine.events)

    assert asyncio.run(run("on")) == (0, 1)
    assert asyncio.run(run("off")) == (2, 0)


@pytest.mark.parametrize("apply", [serial, parallel])
def test_parts_of_one_key_are_applied_in_order(apply: Any) -> None:
    done: list[tuple[str, int]] = []

    def part(key: str, number: int) -> Part:
        return Part(key, lambda: done.append((key, number)))

    parts = [part(key, number) for number in range(20) for key in ("orders/1", "orders/2", "seats/1")]
    asyncio.run(apply(Machine(), parts, "stream"))
    assert len(done) == len(parts)
    for key in ("orders/1", "orders/2", "seats/1"):
        assert [number for which, number in done if which == key] == list(range(20))


def test_parts_without_a_key_are_dealt_out_and_all_are_applied() -> None:
    done: list[int] = []

    def part(number: int) -> Part:
        return Part(None, lambda: done.append(number))

    asyncio.run(parallel(cast(Env, Machine()), [part(number) for number in range(40)], "stream"))
    assert sorted(done) == list(range(40))
    assert done != sorted(done)
    for worker in range(WORKERS):
        assert [number for number in done if number % WORKERS == worker] == list(range(worker, 40, WORKERS))


def test_the_change_table_has_chosen_tables_in_order_without_gaps() -> None:
    async def run() -> None:
        tables = (await opened()).tables
        for tag in range(3):
            for table in ("orders", "visits"):
                tables.insert(table, {"tag": tag})
            capture(tables, tables.take_row_changes())
        tables.put(RowChange("orders", 2, None))
        capture(tables, tables.take_row_changes()[-1:])
        assert changes_after(tables, 1) == [["orders", 2, {"tag": 1}], ["orders", 3, {"tag": 2}], ["orders", 2, None]]
        assert changes_after(tables, 4) == []
        assert len(tables.rows(CHANGES)) == 4

    asyncio.run(run())


def test_a_target_takes_each_change_once_and_none_before_its_turn() -> None:
    async def run() -> None:
        disk = CrashDisk()
        target = Target(await opened(disk))
        one, two, three = (["orders", key, {"tag": key}] for key in (1, 2, 3))
        assert await target.take({"first": 2, "changes": [two]}) == {"number": 0}
        assert await target.take({"first": 1, "changes": [one, two]}) == {"number": 2}
        storage = await opened(disk.after_crash(Random(1)))
        again = Target(storage)
        assert await again.take({"first": 1, "changes": [["orders", 1, None], two, three]}) == {"number": 3}
        assert [key for key, _ in storage.tables.rows("orders")] == [1, 2, 3], "the first was not taken again"

    asyncio.run(run())


class Answers:
    """A ClientEnv whose calls bring what was laid out, each after 10 ms; the last one again and again."""

    name, nodes, timeout_ms = "c1", ("n1", "n2"), 400.0

    def __init__(self, *answers: Any) -> None:
        self.answers, self.asked, self.time_ns = list(answers), list[tuple[str, Message]](), 0

    def now(self) -> int:
        return self.time_ns

    async def call(self, node: str, message: Message, timeout_ms: float) -> Message:
        self.asked.append((node, message))
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        self.time_ns += round((timeout_ms if isinstance(answer, Timeout) else 10) * 1e6)
        if isinstance(answer, CallError):
            raise answer
        reply: Message = answer
        return reply

    async def sleep(self, ms: float) -> None:
        self.time_ns += round(ms * 1e6)


SAID: dict[str, Any] = {"value": {"row": {"tag": 1}, "id": 7}}


@pytest.mark.parametrize(
    ("answers", "type_", "error"),
    [
        ([SAID], "ok", None),
        ([Refused("down"), SAID], "ok", None),
        ([Timeout("silent"), Refused("down"), SAID], "ok", None),
        ([Refused("down")], "fail", "refused"),
        ([Timeout("silent")], "info", "timeout"),
        ([Timeout("silent"), Refused("down")], "info", "timeout"),
        ([Closed("gone"), {"error": "unsupported"}], "info", "closed"),
        ([{"error": "unsupported"}], "fail", "unsupported"),
        ([{}], "info", "malformed"),
    ],
)
def test_a_client_asks_the_leader_until_it_has_answered(answers: list[Any], type_: str, error: str | None) -> None:
    env = Answers(*answers)
    op = Op("invoke", 0, "insert", {"row": {"tag": 1}}, key="orders", node="n2")
    done = asyncio.run(RowsClient(cast(Any, env), {}).invoke(op))
    assert (done.type, done.error, done.node) == (type_, error, "n1")
    assert done.value == (SAID["value"] if type_ == "ok" else op.value)
    assert {(node, message["sequence"]) for node, message in env.asked} == {("n1", 1)}
    assert env.time_ns <= 400e6 + 11e6


def test_a_dump_is_asked_of_its_own_node_once() -> None:
    env = Answers(Refused("down"))
    done = asyncio.run(RowsClient(cast(Any, env), {}).invoke(Op("invoke", 0, "dump", node="n2")))
    assert (done.type, done.error, done.node, len(env.asked)) == ("fail", "refused", "n2", 1)
