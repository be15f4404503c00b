"""Following nodes' events: nothing is lost between answers and incarnations, and rubbish is thrown away."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from harness.cluster import EventSource, NodeEvent
from harness.clusters import node_events
from harness.clusters.node_events import Cursor, follow, news
from harness.node import Message
from tests.harness.node.cluster import echo_cluster, until

GOOD = {"incarnation": 2, "next": 5, "lost": 0, "events": [{"kind": "event", "name": "voted", "fields": {"term": 1}}]}


def test_an_answer_moves_the_cursor() -> None:
    cursor, events = news("n1", GOOD, Cursor(2, 4))
    assert cursor == Cursor(2, 5)
    assert events == [NodeEvent("event", "n1", 2, "voted", {"term": 1})]
    assert cursor.question() == {"type": "events", "incarnation": 2, "after": 5}
    assert news("n1", {**GOOD, "incarnation": 3, "next": 1}, cursor)[0] == Cursor(3, 1)


EVENT = GOOD["events"][0]  # type: ignore[index]


@pytest.mark.parametrize(
    "answer",
    [
        {},
        {**GOOD, "incarnation": 1},
        {**GOOD, "incarnation": "2"},
        {**GOOD, "incarnation": True},
        {**GOOD, "incarnation": 1 << 80},
        {**GOOD, "next": 3},
        {**GOOD, "next": None},
        {**GOOD, "events": None},
        {**GOOD, "events": {"0": EVENT}},
        {**GOOD, "events": [EVENT] * 257},
        {**GOOD, "events": [7]},
        {**GOOD, "events": [{**EVENT, "kind": "rumour"}]},
        {**GOOD, "events": [{**EVENT, "kind": ["event"]}]},
        {**GOOD, "events": [{**EVENT, "name": 7}]},
        {**GOOD, "events": [{**EVENT, "name": "x" * 201}]},
        {**GOOD, "events": [{**EVENT, "fields": []}]},
        {"reason": "read the type 'events'"},
    ],
)
def test_rubbish_is_no_news(answer: Message) -> None:
    with pytest.raises(ValueError, match=r"read .*; expected"):
        news("n1", answer, Cursor(2, 4))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["kind", "name", "fields"]), inner),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.too_slow])  # the first draw is slow on a busy machine
@given(st.dictionaries(st.sampled_from(["incarnation", "next", "lost", "events"]), values))
def test_any_answer_is_read_or_refused(answer: dict[str, Any]) -> None:
    try:
        cursor, events = news("n1", answer, Cursor())
    except ValueError:
        return
    assert cursor.incarnation is not None
    assert all(event.node == "n1" for event in events)


def test_after_silence_and_rubbish_it_goes_on_where_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(node_events, "RUBBISH_S", 0.01)
    answers = iter([None, {"events": "what"}, {**GOOD, "next": 1, "events": []}, None, GOOD])
    asked: list[Message] = []
    heard: list[NodeEvent] = []

    async def ask(question: Message) -> Message | None:
        asked.append(question)
        try:
            return next(answers)  # type: ignore[return-value]
        except StopIteration:
            await asyncio.sleep(60)
            return None

    async def scenario() -> None:
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(follow("n1", ask, heard.append), 0.3)

    asyncio.run(scenario())
    assert [question["after"] for question in asked] == [None, None, None, 1, 1, 5]
    assert [event.name for event in heard] == ["voted"]


def test_real_nodes_are_heard_at_once_over_all_their_incarnations(tmp_path: Path) -> None:
    heard: list[NodeEvent] = []

    async def scenario() -> None:
        async with echo_cluster(tmp_path, 2) as cluster:
            source: EventSource = cluster
            client = cluster.client_env(0, "c0")

            async def announce(node: str, value: int) -> float:
                begin, count = time.monotonic(), len(heard)
                await client.call(node, {"type": "announce", "value": value}, 1000)
                await until(lambda: len(heard) > count)
                return time.monotonic() - begin

            await client.call("n1", {"type": "announce", "value": 0}, 1000)
            source.watch(heard.append)
            await asyncio.sleep(0.3)  # the watchers have begun; what was told before is not news
            assert heard == []
            assert min([await announce("n1", 1), await announce("n2", 2), await announce("n1", 3)]) < 0.1
            await cluster.kill(["n1"])
            await cluster.start(["n1"])
            await announce("n1", 4)
            await cluster.pause(["n2"])
            await asyncio.sleep(0.05)
            await cluster.resume(["n2"])
            await announce("n2", 5)

    asyncio.run(scenario())
    told = [(event.node, event.incarnation, event.name, event.fields.get("value")) for event in heard]
    assert [line for line in told if line[2] != "start"] == [
        ("n1", 1, "announced", 1), ("n2", 1, "announced", 2), ("n1", 1, "announced", 3), ("n1", 2, "announced", 4),
        ("n2", 1, "announced", 5),
    ]  # fmt: skip
    assert ("n1", 2, "start", None) in told


def test_failpoints_are_told_while_somebody_listens(tmp_path: Path) -> None:
    heard: list[NodeEvent] = []

    async def scenario() -> None:
        async with echo_cluster(tmp_path) as cluster:
            client = cluster.client_env(0, "c0")
            await client.call("n1", {"type": "pass", "failpoint": "early"}, 1000)
            cluster.watch(heard.append)
            await asyncio.sleep(0.3)
            await client.call("n1", {"type": "pass", "failpoint": "before-sync"}, 1000)
            await until(lambda: bool(heard))

    asyncio.run(scenario())
    assert heard == [NodeEvent("failpoint", "n1", 1, "before-sync", {})]
