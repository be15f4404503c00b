"""Orders of operators: what is taken, what is refused, and that each one is answered once."""

from __future__ import annotations

import asyncio
from typing import Any

from harness.node import Message
from harness.node.task import HostFuture
from systems_under_test.blocks.raft import ChangeMembers, Configuration, Role, State, recover, step
from systems_under_test.blocks.raft.configuration import Placed
from systems_under_test.blocks.raft.core import HandOver
from systems_under_test.blocks.raft.order import Order, OrderUnderWay
from systems_under_test.blocks.raft.pending import UNAVAILABLE
from systems_under_test.blocks.raft.state import HardState
from tests.systems_under_test.blocks.raft.test_bug import THREE, leader

CHANGE = ChangeMembers(("n1", "n2"))


class Operator:
    """Whoever gives orders to one server whose ``state`` the test sets, and hears the replies."""

    def __init__(self, state: State) -> None:
        self.state, self.under_way = state, OrderUnderWay()

    def order(self, event: HandOver | ChangeMembers) -> HostFuture[Message]:
        reply: HostFuture[Message] = HostFuture(asyncio.get_running_loop())
        if self.under_way.take(Order(event, reply), self.state):
            self.state, _ = step(self.state, event)
        return reply

    def become(self, **changes: Any) -> None:
        self.state = self.state._replace(**changes)
        self.under_way.settle(self.state)


def test_one_order_at_a_time_until_it_is_answered() -> None:
    async def scenario() -> None:
        operator = Operator(leader(""))
        first = operator.order(CHANGE)
        assert operator.state.change is not None
        for event in (CHANGE, ChangeMembers(THREE), HandOver("n2")):
            assert await operator.order(event) == UNAVAILABLE
        operator.under_way.settle(operator.state)
        assert not first.done()
        operator.state = operator.state._replace(change=None)
        assert await operator.order(ChangeMembers(THREE)) == UNAVAILABLE, "the first one is over, but not answered"
        operator.become(commit=operator.state.configurations[-1].index)
        assert await first == {"value": list(THREE)}, "it was given up"
        assert not operator.order(HandOver("n2")).done(), "now there is room"

    asyncio.run(scenario())


def test_what_came_of_a_transfer() -> None:
    async def scenario() -> None:
        for role, reply in ((Role.LEADER, {"error": "aborted"}), (Role.FOLLOWER, {"value": "handed over"})):
            operator = Operator(leader(""))
            handed = operator.order(HandOver(None))
            operator.become(transfer=None, role=role, leader="n1" if role is Role.LEADER else None)
            assert await handed == {**reply, **({} if role is Role.LEADER else {"leader": None})}

    asyncio.run(scenario())


def test_what_is_refused() -> None:
    async def scenario() -> None:
        follower = Operator(recover("n2", THREE, HardState(), ()))
        assert await follower.order(HandOver(None)) == {"error": "not-leader", "leader": None}
        operator = Operator(leader(""))
        for event in (HandOver("n1"), HandOver("n9"), ChangeMembers(()), ChangeMembers(("n9",))):
            assert await operator.order(event) == UNAVAILABLE
        joint = Configuration(("n1", "n2"), ("n1", "n3"))  # its predecessor began it; all three are members now
        operator.become(configurations=(Placed(0, joint),))
        for event in (ChangeMembers(THREE), HandOver("n2")):
            assert await operator.order(event) == UNAVAILABLE

    asyncio.run(scenario())
