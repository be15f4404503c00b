"""The feed of a node's events: what is kept, what is held, and what it says to those who ask amiss."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from typing import Any, cast

import pytest

from harness.node import feed as module
from harness.node.feed import BATCH_MAX, KEPT_MAX, WAITING_MAX, Feed
from harness.node.listener import Answer


class Caller:
    """Keeps what it is answered."""

    def __init__(self) -> None:
        self.replies: list[Mapping[str, Any]] = []
        self.refusals: list[str] = []

    def reply(self, message: Mapping[str, Any]) -> None:
        self.replies.append(message)

    def refuse(self, reason: str) -> None:
        self.refusals.append(reason)


def ask(feed: Feed, after: Any, incarnation: Any = 2) -> Caller:
    caller = Caller()
    feed.ask({"type": "events", "incarnation": incarnation, "after": after}, cast(Answer, caller))
    return caller


def names(caller: Caller) -> list[str]:
    (reply,) = caller.replies
    return [event["name"] for event in reply["events"]]


def test_who_begins_learns_where_and_then_gets_what_follows_at_once() -> None:
    async def scenario() -> None:
        feed = Feed(2)
        feed.event("early", {})
        assert not feed.watched
        (begin,) = ask(feed, None, None).replies
        assert begin == {"incarnation": 2, "next": 1, "lost": 0, "events": []}
        assert feed.watched
        waiting = [ask(feed, 1), ask(feed, 1)]
        assert [caller.replies for caller in waiting] == [[], []]
        feed.event("voted", {"term": 3})
        for caller in waiting:
            (reply,) = caller.replies
            assert reply == {"incarnation": 2, "next": 2, "lost": 0,
                             "events": [{"kind": "event", "name": "voted", "fields": {"term": 3}}]}  # fmt: skip
        feed.failpoint("synced")
        assert names(ask(feed, 1)) == ["voted", "synced"]
        assert names(ask(feed, 2)) == ["synced"]

    asyncio.run(scenario())


def test_another_incarnation_is_told_from_its_beginning() -> None:
    async def scenario() -> None:
        feed = Feed(2)
        feed.event("start", {})
        feed.event("voted", {})
        assert names(ask(feed, 77, incarnation=1)) == ["start", "voted"]

    asyncio.run(scenario())


def test_an_answer_is_held_for_a_while_only(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "HOLD_S", 0.05)

    async def scenario() -> None:
        feed = Feed(2)
        caller = ask(feed, 0)
        await asyncio.sleep(0.01)
        assert caller.replies == []
        await asyncio.sleep(0.1)
        assert names(caller) == []
        feed.event("late", {})
        assert len(caller.replies) == 1, "a question has one answer"

    asyncio.run(scenario())


def test_nobody_waits_beside_too_many_others() -> None:
    async def scenario() -> None:
        feed = Feed(2)
        callers = [ask(feed, 0) for _ in range(WAITING_MAX + 1)]
        assert [len(caller.replies) for caller in callers] == [0] * WAITING_MAX + [1]

    asyncio.run(scenario())


def test_the_oldest_are_lost_and_counted_and_batches_are_bounded() -> None:
    async def scenario() -> None:
        feed = Feed(2)
        for number in range(KEPT_MAX + 10):
            feed.event(f"e{number + 1}", {})
        (reply,) = ask(feed, 3).replies
        assert reply["lost"] == 7
        assert reply["events"][0]["name"] == "e11"
        assert len(reply["events"]) == BATCH_MAX
        assert reply["next"] == 10 + BATCH_MAX
        seen, after = 0, 0
        while after < KEPT_MAX + 10:
            (reply,) = ask(feed, after).replies
            seen, after = seen + len(reply["events"]), reply["next"]
        assert seen == KEPT_MAX

    asyncio.run(scenario())


def test_long_fields_are_left_out() -> None:
    async def scenario() -> None:
        feed = Feed(2)
        feed.event("long", {"text": "x" * 5000})
        (reply,) = ask(feed, 0).replies
        assert reply["events"] == [{"kind": "event", "name": "long", "fields": {}}]

    asyncio.run(scenario())


@pytest.mark.parametrize("after", ["1", -1, 1.5, True, [], 1 << 70])
def test_what_is_no_number_is_refused(after: Any) -> None:
    async def scenario() -> None:
        caller = ask(Feed(2), after)
        assert "expected a number or null" in caller.refusals[0]
        assert caller.replies == []

    asyncio.run(scenario())


def test_a_number_to_come_waits() -> None:
    async def scenario() -> None:
        assert ask(Feed(2), 99).replies == []

    asyncio.run(scenario())


def test_nobody_watches_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WATCHED_S", 0.03)

    async def scenario() -> None:
        feed = Feed(2)
        ask(feed, None)
        await asyncio.sleep(0.02)
        ask(feed, None)
        await asyncio.sleep(0.02)
        assert feed.watched
        await asyncio.sleep(0.05)
        assert not feed.watched

    asyncio.run(scenario())


def test_telling_costs_next_to_nothing_where_nobody_asks() -> None:
    feed = Feed(2)
    fields = {"term": 1}
    began = time.process_time()
    for _ in range(100_000):
        feed.event("voted", fields)
    assert time.process_time() - began < 0.5, "5 us each, on a busy machine; it is about 0.15"


def logs(feed: Feed, after: Any, texts: Any, incarnation: Any = 2) -> Caller:
    caller = Caller()
    feed.ask({"type": "events", "incarnation": incarnation, "after": after, "logs": texts}, cast(Answer, caller))
    return caller


def test_log_lines_are_told_under_the_texts_that_are_looked_for_and_no_others() -> None:
    async def scenario() -> None:
        feed = Feed(2)
        feed.log("a.c before anybody asked")
        logs(feed, None, ["a.c", "lost"])
        feed.log("abc: no pattern, but the very text")
        feed.log("a.c was lost")
        (reply,) = logs(feed, 0, ["a.c", "lost"]).replies
        assert reply["events"] == [
            {"kind": "log", "name": name, "fields": {"line": "a.c was lost"}} for name in ("a.c", "lost")
        ]

    asyncio.run(scenario())


def test_whoever_followed_an_earlier_incarnation_misses_no_first_lines() -> None:
    async def scenario() -> None:
        feed = Feed(2)
        feed.log("serving")
        assert names(logs(feed, 77, ["serv"], incarnation=1)) == ["serv"]
        feed.log("serving still")
        assert names(logs(feed, 1, ["serv"])) == ["serv"], "the first lines are told once"

    asyncio.run(scenario())


def test_nobody_looks_for_texts_when_the_watcher_is_gone(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WATCHED_S", 0.02)

    async def scenario() -> None:
        feed = Feed(2)
        logs(feed, None, ["x"])
        await asyncio.sleep(0.1)
        feed.log("x")
        assert feed._told == 0

    asyncio.run(scenario())


@pytest.mark.parametrize("texts", [["x"] * 33, [""], ["x" * 201], [7], "x", {"x": 1}, None])
def test_what_is_looked_for_is_bounded(texts: Any) -> None:
    async def scenario() -> None:
        (refusal,) = logs(Feed(2), None, texts).refusals
        assert "expected up to 32 texts" in refusal

    asyncio.run(scenario())
