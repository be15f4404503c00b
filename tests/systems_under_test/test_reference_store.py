"""The reference store, scene by scene: which anomaly each isolation level lets happen (after Kleppmann's Hermitage)."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any

import pytest

from harness.history import Op
from harness.node import Message, Timeout
from systems_under_test.reference_store import SYSTEM
from systems_under_test.reference_store.level import LEVELS
from tests.systems_under_test.simulated import Scene, play

STEP_MS = 40
"""Longer than a request and its reply take together: what is not answered by then waits for somebody."""

PATIENCE_MS = 2000.0

Step = tuple[Any, ...]
"""Who asks (a client's name), what, and its arguments."""

RU, RC, RR, SI = "read-uncommitted", "read-committed", "repeatable-read", "snapshot-isolation"
PSI, SERIALIZABLE = "parallel-snapshot-isolation", "serializable"


class Hands:
    """Clients who ask by hand, each one thing at a time; the others go on while one of them waits."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._sequences: dict[str, int] = {}

    async def ask(self, who: str, type_: str, *arguments: Any) -> Message:
        fields = {
            "begin": ["patience_ms"],
            "read": ["key"],
            "select": ["first", "last"],
            "update": ["key", "f", "value"],
        }
        self._sequences[who] = sequence = self._sequences.get(who, 0) + 1
        named = dict(zip(fields.get(type_, []), arguments, strict=True))
        request = {"type": type_, "client": who, "sequence": sequence, **named}
        return await self._scene.cluster.client_env(0, who).call("n1", request, 10_000)

    async def play(self, steps: Sequence[Step]) -> list[Any]:
        """The values of the steps, or their errors; a transaction that was told an error does nothing more."""
        replies: list[Any] = [None] * len(steps)
        last: dict[str, Any] = {}
        over: set[str] = set()

        async def one(place: int, who: str, before: Any) -> None:
            if before is not None:
                await before
            if who in over:
                replies[place] = "over"
                return
            reply = await self.ask(*steps[place])
            if "error" in reply:
                over.add(who)
            replies[place] = reply.get("error", reply.get("value"))

        for place, (who, *_) in enumerate(steps):
            last[who] = self._scene.runtime.spawn(one(place, who, last.get(who)), f"step {place}")
            await self._scene.runtime.sleep(STEP_MS)
        for task in last.values():
            await task
        return replies


def scene(steps: Sequence[Step], isolation: str) -> list[Any]:
    """What the steps are told, after ``x`` = 10, ``y`` = 20 and the list ``list`` = [1] were committed, and what is
    there at the end."""
    replies: list[Any] = []

    async def scenario(scene: Scene) -> None:
        hands = Hands(scene)
        await hands.play([("setup", "begin", PATIENCE_MS), ("setup", "update", "x", "w", 10),
                          ("setup", "update", "y", "w", 20), ("setup", "update", "list", "append", 1),
                          ("setup", "commit")])  # fmt: skip
        await scene.runtime.sleep(1000)  # until all sites have it
        replies.extend(await hands.play(steps))
        await scene.runtime.sleep(1000)
        end = await hands.play([("end", "begin", PATIENCE_MS), ("end", "read", "x"), ("end", "read", "y"),
                                ("end", "read", "list")])  # fmt: skip
        replies.append(end[1:])

    options: Any = {"isolation": isolation, "replication-ms": "400"}
    play(SYSTEM, scenario, nodes=1, **options)
    return replies


def begins(*who: str) -> list[Step]:
    return [(name, "begin", PATIENCE_MS) for name in who]


def write(who: str, key: Any, value: Any) -> Step:
    return (who, "update", key, "w", value)


ANOMALIES: dict[str, tuple[list[Step], Callable[[list[Any]], bool], list[str]]] = {
    "G0, dirty write": (
        [*begins("a", "b"), write("a", "x", 11), write("b", "x", 12), write("b", "y", 22), ("b", "commit"),
         write("a", "y", 21), ("a", "commit")],
        lambda told: told[-1][:2] == [12, 21],
        [RU],
    ),
    "G1a, aborted read": (
        [*begins("a", "b"), write("a", "x", 11), ("b", "read", "x"), ("a", "abort"), ("b", "commit")],
        lambda told: told[3] == 11 and told[-1][0] == 10,
        [RU],
    ),
    "G1b, intermediate read": (
        [*begins("a", "b"), write("a", "x", 11), ("b", "read", "x"), write("a", "x", 12), ("a", "commit"),
         ("b", "commit")],
        lambda told: told[3] == 11 and told[-1][0] == 12,
        [RU],
    ),
    "G1c, circular information flow": (
        [*begins("a", "b"), write("a", "x", 11), write("b", "y", 22), ("a", "read", "y"), ("b", "read", "x"),
         ("a", "commit"), ("b", "commit")],
        lambda told: (told[4], told[5]) == (22, 11),
        [RU],
    ),
    "P4, lost update": (
        [*begins("a", "b"), ("a", "read", "x"), ("b", "read", "x"), write("a", "x", 11), write("b", "x", 12),
         ("a", "commit"), ("b", "commit")],
        lambda told: told[2:] == [10, 10, None, None, None, None, [12, 20, [1]]],
        [RU, RC],
    ),
    "G-single, read skew": (
        [*begins("a", "b"), ("a", "read", "x"), write("b", "x", 12), write("b", "y", 18), ("b", "commit"),
         ("a", "read", "y"), ("a", "commit")],
        lambda told: (told[2], told[6]) == (10, 18),
        [RU, RC],
    ),
    "G2-item, write skew": (
        [*begins("a", "b"), ("a", "read", "x"), ("a", "read", "y"), ("b", "read", "x"), ("b", "read", "y"),
         write("a", "x", 11), write("b", "y", 21), ("a", "commit"), ("b", "commit")],
        lambda told: told[2:] == [10, 20, 10, 20, None, None, None, None, [11, 21, [1]]],
        [RU, RC, SI, PSI],
    ),
    "PMP, phantom": (
        [*begins("a", "b"), ("a", "select", 1, 9), write("b", 5, 50), ("b", "commit"), ("a", "select", 1, 9),
         ("a", "commit")],
        lambda told: (told[2], told[5]) == ([], [[5, 50]]),
        [RU, RC, RR],
    ),
    "G2, write skew by phantoms": (
        [*begins("a", "b"), ("a", "select", 1, 9), ("b", "select", 1, 9), write("a", 3, 30), write("b", 4, 40),
         ("a", "commit"), ("b", "commit")],
        lambda told: told[2:-1] == [[], [], None, None, None, None],
        [RU, RC, RR, SI, PSI],
    ),
    "long fork": (  # "a" and "b" have homes of their own
        [*begins("a", "b"), write("a", "x", 11), write("b", "y", 21), ("a", "commit"), ("b", "commit"),
         *begins("a", "b"), ("a", "read", "x"), ("a", "read", "y"), ("b", "read", "x"), ("b", "read", "y")],
        lambda told: told[8:12] == [11, 20, 10, 21],
        [PSI],
    ),
}  # fmt: skip


@pytest.mark.parametrize("anomaly", ANOMALIES)
def test_a_level_lets_happen_what_it_permits_and_nothing_else(anomaly: str) -> None:
    steps, happened, permitting = ANOMALIES[anomaly]
    seen = [level for level in LEVELS if happened(scene(steps, level))]
    assert seen == [level for level in LEVELS if level in permitting]


@pytest.mark.parametrize("level", LEVELS)
def test_an_aborted_transaction_leaves_nothing_and_takes_nothing_of_others_with_it(level: str) -> None:
    steps = [*begins("a"), ("a", "update", "list", "append", 2), write("a", "x", 11),
             *begins("b"), ("b", "update", "list", "append", 3), ("a", "abort"), ("b", "commit")]  # fmt: skip
    assert scene(steps, level)[-1] == [10, 20, [1, 3]]


@pytest.mark.parametrize("level", LEVELS)
def test_updates_read_their_own_and_change_each_type(level: str) -> None:
    steps = [*begins("a"), ("a", "update", "list", "append", 2), ("a", "read", "list"), ("a", "update", 1, "inc", 5),
             ("a", "update", 1, "inc", -2), ("a", "update", 2, "add", "e"), ("a", "update", 2, "add", "e"),
             ("a", "select", 0, 9), ("a", "read", "none"), ("a", "commit"), *begins("b"),
             ("b", "update", "x", "append", 1), ("b", "commit")]  # fmt: skip
    told = scene(steps, level)
    assert told[2] == [1, 2]
    assert told[7:9] == [[[1, 3], [2, ["e"]]], None]
    assert told[11:] == ["wrong-type", "over", [10, 20, [1, 2]]]


@pytest.mark.parametrize("level", [RC, RR, SERIALIZABLE])
def test_of_a_deadlock_one_is_aborted_and_the_other_goes_on(level: str) -> None:
    steps = [*begins("a", "b"), write("a", "x", 11), write("b", "y", 22), write("a", "y", 21), write("b", "x", 12),
             ("a", "commit"), ("b", "commit")]  # fmt: skip
    assert scene(steps, level)[2:] == [None, None, None, "deadlock", None, "over", [11, 21, [1]]]


@pytest.mark.parametrize("level", [SI, PSI])
def test_the_first_committer_wins(level: str) -> None:
    steps = [*begins("a", "b"), write("a", "x", 11), write("b", "x", 12), ("b", "commit"), ("a", "commit")]
    assert scene(steps, level)[-3:] == [None, "write-conflict", [12, 20, [1]]]


def test_a_client_that_vanished_is_waited_for_as_long_as_it_said() -> None:
    async def scenario(scene: Scene) -> None:
        hands = Hands(scene)
        await hands.ask("a", "begin", 500.0)
        await hands.ask("a", "update", "x", "w", 1)
        await hands.ask("b", "begin", 5000.0)
        began_ns = scene.runtime.now()
        assert await hands.ask("b", "read", "x") == {"value": None}
        assert 300 < (scene.runtime.now() - began_ns) / 1e6 < 700
        assert await hands.ask("a", "commit") == {"error": "no-transaction"}

    play(SYSTEM, scenario, nodes=1)


def test_a_client_that_begins_anew_has_left_its_transaction() -> None:
    async def scenario(scene: Scene) -> None:
        hands = Hands(scene)
        for _ in range(2):
            await hands.ask("a", "begin", 5000.0)
            await hands.ask("a", "update", "x", "append", 1)
        await hands.ask("a", "commit")
        assert await hands.ask("b", "begin", 5000.0) == {"value": None}
        assert await hands.ask("b", "read", "x") == {"value": [1]}

    play(SYSTEM, scenario, nodes=1)


def test_a_copy_of_a_request_is_answered_and_not_executed_again() -> None:
    async def scenario(scene: Scene) -> None:
        client = scene.cluster.client_env(0, "a")
        begin = {"type": "begin", "client": "a", "sequence": 1, "patience_ms": 5000}
        inc = {"type": "update", "client": "a", "sequence": 2, "key": "x", "f": "inc", "value": 1}
        read = {"type": "read", "client": "a", "sequence": 3, "key": "x"}
        commit = {"type": "commit", "client": "a", "sequence": 4}
        for request, reply in [(begin, None), (inc, None), (inc, None), (read, 1), (commit, None), (commit, None)]:
            assert await client.call("n1", request, 100) == {"value": reply}
        await no_reply(scene, inc)  # a copy that was overtaken: nobody waits for it
        assert await client.call("n1", {**read, "sequence": 5}, 100) == {"error": "no-transaction"}

    play(SYSTEM, scenario, nodes=1)


async def no_reply(scene: Scene, request: Message) -> None:
    with pytest.raises(Timeout):
        await scene.cluster.client_env(0, "a").call("n1", request, 100)


def test_a_request_that_is_none() -> None:
    async def scenario(scene: Scene) -> None:
        hands = Hands(scene)
        for request in (
            ("sing",),
            ("read", True),
            ("read", [1]),
            ("update", "x", "sing", 1),
            ("update", "x", "inc", "1"),
        ):
            await hands.ask("a", "begin", 5000.0)
            assert (await hands.ask("a", *request)).get("error") in ("unsupported", "wrong-type")

    play(SYSTEM, scenario, nodes=1)


def test_a_node_that_was_killed_has_forgotten_all_and_says_so() -> None:
    async def scenario(scene: Scene) -> None:
        assert (await scene.ask("txn", [["w", "x", 1]])).type == "ok"
        await scene.cluster.kill(["n1"])
        await scene.cluster.start(["n1"])
        done = await scene.ask("txn", [["r", "x", None]])
        assert (done.type, done.error) == ("fail", "unavailable")
        statuses = await scene.statuses()
        assert not SYSTEM.ready(statuses)
        assert SYSTEM.leader(statuses) is None

    told = play(SYSTEM, scenario, nodes=1).told
    assert [event.name for event in told if event.name == "data-lost"] == ["data-lost"]


def test_the_client_runs_a_transaction_and_fills_in_its_reads() -> None:
    async def scenario(scene: Scene) -> None:
        done: Awaitable[Op] = scene.ask("txn", [["append", 1, 7], ["r", 1, None], ["w", 2, 5], ["rp", [1, 2], None]])
        assert (await done).value == [["append", 1, 7], ["r", 1, [7]], ["w", 2, 5], ["rp", [1, 2], [[1, [7]], [2, 5]]]]
        assert (await scene.ask("sing")).error == "unsupported"

    play(SYSTEM, scenario, nodes=1)
