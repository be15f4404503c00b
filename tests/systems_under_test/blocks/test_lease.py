"""At most one holder at a time, by true time, whatever is late, lost, paused or restarted; and no lease for ever."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.node import CallError, Env, Message
from systems_under_test.blocks.lease import Grant, HeldLease, LeaseTable
from tests.systems_under_test.blocks.bench import ALIVE, Bare, bench
from tests.systems_under_test.blocks.hand_clock import HandClock
from tests.systems_under_test.simulated import Scene, play

TTL_MS = 300.0
DRIFT = 0.1
RATES = st.floats(1 - DRIFT, 1 + DRIFT)
HOLDERS = ("a", "b")


class World:
    """One granter and two holders, each with a clock of its own rate. Requests and replies are under way for as long
    as the test likes, and may arrive twice, in any order, or never."""

    def __init__(self, rates: list[float]) -> None:
        self.clocks = [HandClock(rate) for rate in rates]
        self.granter = LeaseTable(self.clocks[0].monotonic, TTL_MS)
        self.leases = {
            name: HeldLease(clock.monotonic, DRIFT) for name, clock in zip(HOLDERS, self.clocks[1:], strict=True)
        }
        self.incarnation = 1
        self.requests: list[tuple[Any, ...]] = []
        self.replies: list[tuple[str, int, Grant]] = []

    def step(self, kind: str, name: str, number: int) -> None:
        lease, clock = self.leases[name], self.clocks[1 + HOLDERS.index(name)]
        match kind:
            case "pass":
                for each in self.clocks:
                    each.advance(number * 10)
            case "ask" | "exchange":
                self.requests.append(("acquire", name, lease.token, clock.monotonic()))
                if kind == "exchange" and self._serve(*self.requests[-1]):
                    self.leases[name].granted(*self.replies[-1][1:])
            case "release" if lease.token is not None:
                token = lease.token
                lease.give_up()
                self.requests.append(("release", name, token, 0))
            case "request" if self.requests:
                self._serve(*self.requests[number % len(self.requests)])
            case "reply" if self.replies:
                to, asked_ns, grant = self.replies[number % len(self.replies)]
                self.leases[to].granted(asked_ns, grant)
            case "restart":
                self.incarnation += 1
                self.granter = LeaseTable(self.clocks[0].monotonic, TTL_MS, self.incarnation)

    def _serve(self, what: str, name: str, token: int | None, asked_ns: int) -> bool:
        """Whether that was a request which is granted."""
        if what == "release":
            assert token is not None
            self.granter.release("r", name, token)
        elif (grant := self.granter.acquire("r", name, token)) is not None:
            self.replies.append((name, asked_ns, grant))
            return True
        return False


KINDS = ("pass", "pass", "exchange", "exchange", "ask", "release", "request", "request", "reply", "restart")
STEPS = st.lists(
    st.tuples(st.sampled_from(KINDS), st.sampled_from(HOLDERS), st.integers(0, 40)), min_size=15, max_size=40
)


@given(st.tuples(RATES, RATES, RATES), STEPS)
def test_two_never_hold_it_at_once(rates: tuple[float, float, float], steps: list[tuple[str, str, int]]) -> None:
    world = World(list(rates))
    tokens = [0]
    for kind, name, number in steps:
        world.step(kind, name, number)
        holders = [name for name, lease in world.leases.items() if lease.held]
        assert len(holders) <= 1
        if holders:
            token = world.leases[holders[0]].token
            assert token is not None
            assert token >= tokens[-1], "tokens rise from holder to holder"
            tokens.append(token)


GRANTED = "ask a, request 0, reply 0"


def held(rates: list[float], script: str) -> list[str]:
    """Who believes to hold the lease after these steps. Requests and replies are numbered as they were made."""
    world = World(rates)
    for step in script.split(", "):
        kind, what = step.split()
        holder, number = (what, 0) if what in HOLDERS else ("a", int(what))
        world.step(kind, holder, number)
    return [name for name, lease in world.leases.items() if lease.held]


def test_the_slowest_clock_against_the_fastest() -> None:
    """Within the bound the holder stops in time; further apart it does not, so the bound is no ornament."""
    taken_over = f"{GRANTED}, pass 28, ask b, request 1, reply 1"
    assert held([1 + DRIFT, 1 - DRIFT, 1.0], taken_over) == ["b"]
    assert held([1 + DRIFT, 0.5, 1.0], taken_over) == ["a", "b"]


@pytest.mark.parametrize(
    "script",
    [
        "release a, pass 1, ask a, request 2, reply 1, request 1, ask b, request 3, reply 2",  # a release, late
        "pass 1, ask a, request 1, release a, request 2, reply 1, ask b, request 3, reply 2",  # a renewal, late
    ],
)
def test_what_comes_late_frees_nothing_and_revives_nothing(script: str) -> None:
    assert len(held([1.0, 1.0, 1.0], f"{GRANTED}, pass 1, {script}")) == 1


def test_a_lease_ends_and_another_gets_it_under_a_higher_token() -> None:
    clock = HandClock()
    granter = LeaseTable(clock.monotonic, TTL_MS)
    first = granter.acquire("r", "a")
    assert first is not None
    assert granter.acquire("r", "b") is None
    assert granter.holder("r") == "a"
    clock.advance(TTL_MS - 1)
    assert granter.acquire("r", "a", first.token) == first, "a renewal keeps the token"
    clock.advance(TTL_MS)
    assert granter.holder("r") is None
    second = granter.acquire("r", "b")
    assert second is not None
    assert second.token > first.token
    assert not granter.release("r", "a", first.token)
    assert granter.release("r", "b", second.token)
    assert granter.holder("r") is None


def test_a_granter_that_restarted_waits_and_its_tokens_are_higher() -> None:
    clock = HandClock()
    before = LeaseTable(clock.monotonic, TTL_MS).acquire("r", "a")
    again = LeaseTable(clock.monotonic, TTL_MS, incarnation=2)
    assert again.acquire("r", "b") is None
    clock.advance(TTL_MS)
    after = again.acquire("r", "b")
    assert before is not None
    assert after is not None
    assert after.token > before.token


def test_a_holder_counts_from_when_it_asked() -> None:
    clock = HandClock()
    lease = HeldLease(clock.monotonic, drift_max=0)
    clock.advance(200)
    lease.granted(0, Grant(1, TTL_MS))
    clock.advance(99)
    assert lease.held
    clock.advance(1)
    assert not lease.held


class Node(Bare):
    """n1 grants; the others want the lease, always, and write down each moment at which they believe to hold it."""

    def __init__(self, env: Env, options: Mapping[str, str]) -> None:
        super().__init__(env, options)
        self.table = LeaseTable(env.clock.monotonic, TTL_MS, env.incarnation)
        self.lease = HeldLease(env.clock.monotonic)

    async def start(self) -> None:
        if self.env.name != "n1":
            self.env.spawn(self.lease.keep(self.env, self._acquire, lambda: True), "keep")
            self.env.spawn(self._use(), "use")

    async def handle(self, source: str, message: Message) -> Message:
        grant = self.table.acquire("r", message["holder"], message["token"])
        return {"grant": None if grant is None else [grant.token, grant.ttl_ms]}

    async def _acquire(self, token: int | None) -> Grant | None:
        holder = f"{self.env.name}/{self.env.incarnation}"
        try:
            reply = await self.env.call("n1", {"type": "acquire", "holder": holder, "token": token}, 100)
        except CallError:
            return None
        return None if reply["grant"] is None else Grant(*reply["grant"])

    async def _use(self) -> None:
        while True:
            await self.env.sleep(7)
            if self.lease.held:
                self.env.event("holds", token=self.lease.token)


def uses(scene: Scene) -> list[tuple[str, int]]:
    return [(node, fields["token"]) for node, fields in scene.events("holds")]


@pytest.mark.parametrize("seed", range(3))
def test_holders_are_cut_off_killed_and_paused(seed: int) -> None:
    """In true order the tokens of those who believe to hold the lease never fall: no two of them at a time."""

    async def scenario(scene: Scene) -> None:
        for round_ in range(6):
            await scene.runtime.sleep(1000)
            holder, _ = uses(scene)[-1]
            await scene.cluster.degrade("duplicate", [(holder, "n1")], {"probability": 0.5})
            match round_ % 3:
                case 0:
                    await scene.cluster.partition({"n1": [holder], holder: ["n1"]})
                case 1:
                    await scene.cluster.kill([holder])
                case 2:
                    await scene.cluster.pause([holder])
            await scene.runtime.sleep(1000)
            assert uses(scene)[-1][0] != holder, "another one has it: it ended by itself"
            await scene.cluster.heal()
            await scene.cluster.resume([holder])
            await scene.cluster.start([holder])
        await scene.cluster.kill(["n1"])
        await scene.cluster.start(["n1"])
        await scene.runtime.sleep(1000)
        tokens = [token for _, token in uses(scene)]
        assert tokens == sorted(tokens)
        assert len({node for node, _ in uses(scene)}) > 1
        assert tokens[-1] >> 32 == ALIVE["n1"].env.incarnation == 2

    play(bench(f"{__name__}:Node"), scenario, nodes=4, seed=seed)


def test_a_paused_holder_does_not_know_what_it_missed() -> None:
    """Between the check and the act a holder may be paused: what no clock can close, and a fence must."""

    async def scenario(scene: Scene) -> None:
        await scene.runtime.sleep(1000)
        holder, token = uses(scene)[-1]
        lease = ALIVE[holder].lease
        assert lease.held  # it decides to act ...
        await scene.cluster.pause([holder])
        await scene.runtime.sleep(2 * TTL_MS + 200)
        other, newer = uses(scene)[-1]  # ... and by the time that it does so
        assert other != holder
        assert newer > token == lease.token

    play(bench(f"{__name__}:Node"), scenario, nodes=3)
