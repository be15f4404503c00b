"""In order, once, without a gap: under loss, repetition and overtaking; and across a restart a new channel."""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Any

import pytest

from harness.node import Env, Message
from systems_under_test.blocks.single_socket_channel import (
    TYPE,
    ChannelFull,
    Incoming,
    Outgoing,
    SingleSocketChannel,
)
from tests.systems_under_test.blocks.bench import ALIVE, Bare, bench
from tests.systems_under_test.simulated import Scene, play


class Wire:
    """Two ends, and between them whatever the test likes: each request and reply ever made may arrive at any time."""

    def __init__(self) -> None:
        self.sender_lives = self.receiver_lives = 1
        self.sender, self.receiver = Outgoing("s1"), Incoming("r1")
        self.requests: list[dict[str, Any]] = []
        self.replies: list[tuple[Outgoing, Message]] = []
        self.sent: list[list[int]] = [[]]  # by life of the sender
        self.taken: list[list[int]] = [[]]  # by life of the receiver
        self.lost: list[int] = []
        self.number = 0

    def step(self, kind: str, which: int) -> None:
        match kind:
            case "send":
                self.number += 1
                self.sent[-1].append(self.number)
                self.sender.waiting.append({"n": self.number})
            case "delayed":
                self.requests.append(self.sender.next())
            case "request" | "exchange":
                self.requests.append(self.sender.next())
                self._serve(self.requests[-1])
                if kind == "exchange":
                    self.step("reply", 0)
            case "again" if self.requests:
                self._serve(self.requests[which % len(self.requests)])
            case "reply" if self.replies:
                to, reply = self.replies.pop()  # a call has one reply, and only the present call is listened to
                self.replies.clear()
                if to is self.sender:
                    self.lost += [body["n"] for body in self.sender.answered(reply)]
            case "restart-sender":
                self.sender_lives += 1
                self.sender = Outgoing(f"s{self.sender_lives}")
                self.sent.append([])
            case "restart-receiver":
                self.receiver_lives += 1
                self.receiver = Incoming(f"r{self.receiver_lives}")
                self.taken.append([])

    def _serve(self, request: dict[str, Any]) -> None:
        latest = request is self.requests[-1]
        if request["part"] == "open":
            reply = self.receiver.open(request["channel"])
        else:
            bodies, reply = self.receiver.take(request, room=3)
            self.taken[-1] += [body["n"] for body in bodies]
        if latest:
            self.replies.append((self.sender, reply))


KINDS = ("send", "send", "exchange", "exchange", "exchange", "request", "delayed", "again", "again", "restart-sender",
         "restart-receiver")  # fmt: skip
SEEDS = range(1500)
"""A random walk of a hundred steps each: a search that must get deep, rather than small, is not Hypothesis's."""


def run(seed: int, *without: str) -> Wire:
    wire, random = Wire(), Random(seed)
    for _ in range(100):
        kind = random.choice(KINDS)
        if kind not in without:
            wire.step(kind, random.randrange(100))
    return wire


def test_what_is_taken_rises_in_number_and_never_twice() -> None:
    """Numbers rise over all lives of the sender: whatever a straggler brings, no receiver sees one behind a later."""
    for seed in SEEDS:
        taken = [number for life in run(seed).taken for number in life]
        assert taken == sorted(set(taken)), seed


def test_no_gap_within_a_channel_and_all_arrives_in_the_end() -> None:
    for seed in SEEDS:
        wire = run(seed)
        for _ in range(60):
            wire.step("exchange", 0)
        assert not wire.sender.waiting, seed
        taken = {number for life in wire.taken for number in life}
        assert taken | set(wire.lost) >= set(wire.sent[-1]), "what is not taken, the sender was told of"
        if len(wire.taken) == 1:  # no restart but the sender's: the beginning of what each life sent
            for life in wire.sent:
                arrived = [number for number in life if number in taken]
                assert arrived == life[: len(arrived)], seed


def test_nothing_is_given_up_unless_the_receiver_restarts() -> None:
    for seed in SEEDS:
        assert run(seed, "restart-receiver").lost == [], seed


class Node(Bare):
    """Sends what it is told to, and keeps what arrives."""

    def __init__(self, env: Env, options: Mapping[str, str]) -> None:
        super().__init__(env, options)
        self.got: list[tuple[str, int]] = []
        self.lost: list[int] = []
        self.busy = False
        self.pause_ms = 0.0
        self.channel = SingleSocketChannel(env, self._deliver, self._broken, bound=300)

    async def start(self) -> None:
        self.channel.start()

    async def handle(self, source: str, message: Message) -> Message | None:
        return self.channel.handle(source, message) if message["type"] == TYPE else None

    async def _deliver(self, source: str, body: Message) -> None:
        assert not self.busy or self.pause_ms == 0, "one at a time"
        self.busy = True
        if self.pause_ms:
            await self.env.sleep(self.pause_ms)
        self.got.append((source, body["n"]))
        self.busy = False

    def _broken(self, peer: str, bodies: list[Message]) -> None:
        self.lost += [body["n"] for body in bodies]


SYSTEM = bench(f"{__name__}:Node")
LINKS = [("n1", "n2"), ("n2", "n1")]


@pytest.mark.parametrize("seed", range(3))
def test_a_bad_link_and_a_partition(seed: int) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.cluster.degrade("loss", LINKS, {"probability": 0.3})
        await scene.cluster.degrade("duplicate", LINKS, {"probability": 0.4})
        await scene.cluster.degrade("reorder", LINKS, {"probability": 0.5, "delay_ms": 400})
        for number in range(200):
            ALIVE["n1"].channel.send("n2", {"n": number})
            ALIVE["n2"].channel.send("n1", {"n": -number})
            await scene.runtime.sleep(10)
            if number == 100:
                await scene.cluster.partition({"n2": ["n1"]})
            if number == 150:
                await scene.cluster.heal()
        await scene.runtime.sleep(10_000)
        assert ALIVE["n2"].got == [("n1", number) for number in range(200)]
        assert ALIVE["n1"].got == [("n2", -number) for number in range(200)]
        assert not ALIVE["n1"].lost + ALIVE["n2"].lost

    play(SYSTEM, scenario, nodes=2, seed=seed)


@pytest.mark.parametrize("seed", range(4))
def test_either_side_restarts(seed: int) -> None:
    async def scenario(scene: Scene) -> None:
        await scene.cluster.degrade("duplicate", LINKS, {"probability": 0.4})
        await scene.cluster.degrade("reorder", LINKS, {"probability": 0.5, "delay_ms": 600})
        number, taken = 0, []
        for restarted in ("n2", "n1", "n2", "n1"):
            for _ in range(30):
                number += 1
                ALIVE["n1"].channel.send("n2", {"n": number})
                await scene.runtime.sleep(7)
            if restarted == "n2":
                taken += ALIVE["n2"].got
            await scene.cluster.kill([restarted])
            await scene.cluster.start([restarted])
        sent_last = range(number + 1, number + 31)
        for last in sent_last:
            ALIVE["n1"].channel.send("n2", {"n": last})
        await scene.runtime.sleep(5000)
        numbers = [each for _, each in taken + ALIVE["n2"].got]
        assert numbers == sorted(set(numbers))
        assert numbers[-30:] == list(sent_last), "the present channel has no gap"

    play(SYSTEM, scenario, nodes=2, seed=seed)


def refused(channel: SingleSocketChannel, number: int) -> bool:
    try:
        channel.send("n2", {"n": number})
    except ChannelFull:
        return True
    return False


def test_a_slow_receiver_holds_the_sender_back() -> None:
    async def scenario(scene: Scene) -> None:
        ALIVE["n2"].pause_ms = 50.0
        channel, sent = ALIVE["n1"].channel, 0
        while not refused(channel, sent):
            sent += 1
            await scene.runtime.sleep(2)
        delivered = len(ALIVE["n2"].got)
        assert 600 <= sent - delivered <= 602, "300 wait at each end; one is being delivered"
        await scene.runtime.sleep(60_000)
        assert ALIVE["n2"].got == [("n1", number) for number in range(sent)]

    play(SYSTEM, scenario, nodes=2)
