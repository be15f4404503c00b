"""Faults on whole messages: twice, overtaken, lost, late; counted, and gone with the next order."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from random import Random
from typing import Any

import pytest

from harness.node.disk import HostDisk
from harness.node.message_faults import MessageFaults

Faults = dict[str, Any]


def one(kind: str, amount: Mapping[str, float], heard: tuple[str, ...] = ("n2",), told: tuple[str, ...] = ()) -> Faults:
    return {kind: [{"amount": dict(amount), "heard": list(heard), "told": list(told)}]}


def arrivals(
    faults: Faults, count: int = 200, source: str = "n2", wait_s: float = 0.1
) -> tuple[list[int], dict[str, int]]:
    """The order in which numbered messages are taken up, and what was counted."""
    taken: list[int] = []

    async def run() -> dict[str, int]:
        messages = MessageFaults(3, ("n1", "n2"), Random(1))
        assert messages.ask({"type": "messages", "faults": faults}) == {"incarnation": 3, "met": {}}
        for number in range(count):
            messages.arrive(source, partial(taken.append, number))
        await asyncio.sleep(wait_s)
        return dict(messages.ask({"type": "messages"})["met"])

    return taken, asyncio.run(run())


def test_without_faults_nothing_waits() -> None:
    assert arrivals({}, wait_s=0) == (list(range(200)), {})


def test_some_come_twice_and_none_is_lost() -> None:
    taken, met = arrivals(one("duplicate", {"probability": 0.3}))
    assert set(taken) == set(range(200))
    assert met == {"duplicate": len(taken) - 200}
    assert 30 < met["duplicate"] < 90


def test_some_are_overtaken_and_none_is_lost() -> None:
    taken, met = arrivals(one("reorder", {"probability": 0.3, "delay_ms": 20}))
    assert sorted(taken) == list(range(200))
    assert taken != sorted(taken)
    assert 30 < met["reorder"] < 90


def test_some_are_lost() -> None:
    taken, met = arrivals(one("loss-messages", {"probability": 0.3}))
    assert taken == sorted(taken)
    assert met == {"loss-messages": 200 - len(taken)}
    assert 30 < met["loss-messages"] < 90


def test_only_the_links_that_were_named_are_touched() -> None:
    assert arrivals(one("loss-messages", {"probability": 1}), source="n1") == (list(range(200)), {})
    assert arrivals(one("loss-messages", {"probability": 1}), source="c4") == (list(range(200)), {})
    assert arrivals(one("loss-messages", {"probability": 1}, heard=("clients",)), source="c4")[0] == []


def test_a_slow_node_takes_all_up_late_and_in_order() -> None:
    taken, met = arrivals({"slow-node": {"factor": 4, "delay_ms": 60}}, wait_s=0)
    assert (taken, met) == ([], {"slow-node": 200})
    taken, met = arrivals({"slow-node": {"factor": 4, "delay_ms": 30}}, wait_s=0.3)
    assert taken == list(range(200))


def test_work_is_drawn_out_by_the_factor_and_only_while_it_is_slow() -> None:
    messages = MessageFaults(1, ("n1",), Random(1))
    assert messages.drawn_out_ms(10) == 0
    messages.ask({"faults": {"slow-node": {"factor": 4, "delay_ms": 0}}})
    assert messages.drawn_out_ms(10) == 30
    assert messages.met == {"slow-node": 1}
    messages.ask({"faults": {}})
    assert messages.drawn_out_ms(10) == 0


def test_the_next_order_replaces_the_one_before_and_late_messages_are_taken_up_at_once() -> None:
    async def run() -> list[int]:
        taken: list[int] = []
        messages = MessageFaults(1, ("n1", "n2"), Random(1))
        messages.ask({"faults": {"slow-node": {"factor": 1, "delay_ms": 5000}, **one("duplicate", {"probability": 1})}})
        for number in range(5):
            messages.arrive("n1", partial(taken.append, number))
        assert taken == []
        assert messages.in_force
        messages.ask({"faults": {}})
        assert not messages.in_force
        return taken

    assert asyncio.run(run()) == [0, 1, 2, 3, 4]


def test_what_clients_hear_is_a_link_too() -> None:
    messages = MessageFaults(1, ("n1", "n2"), Random(1))
    messages.ask({"faults": one("loss-messages", {"probability": 1}, heard=(), told=("clients",))})
    told: list[str] = []
    messages.leave("c1", partial(told.append, "client"))
    messages.leave("n2", partial(told.append, "node"))
    assert told == ["node"]


@pytest.mark.parametrize("faults", [{"gravity": []}, [1], "x"])
def test_an_order_that_cannot_be_read_is_refused_in_words(faults: Any) -> None:
    messages = MessageFaults(1, ("n1",), Random(1))
    with pytest.raises(ValueError, match=r"read the faults .* expected some of duplicate"):
        messages.ask({"faults": faults})


def test_syncs_are_drawn_out_on_a_slow_node(tmp_path: Path) -> None:
    took_ms: list[float] = []

    async def seconds() -> float:
        disk = HostDisk(str(tmp_path / "data"))
        disk.drawn_out_ms = lambda ms: took_ms.append(ms) or 150.0
        disk.append("log", b"line")
        begin = time.monotonic()
        await disk.sync("log")
        await disk.sync_dir()
        return time.monotonic() - begin

    assert asyncio.run(seconds()) >= 0.3
    assert len(took_ms) == 2, "both are told how long they took by themselves"
    assert all(ms > 0 for ms in took_ms)
