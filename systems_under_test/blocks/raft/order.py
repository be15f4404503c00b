"""What an operator wants of the leader, hand over or change the members: one order at a time, each answered once."""

from __future__ import annotations

from dataclasses import dataclass

from harness.node import Future, Message

from systems_under_test.blocks.raft.core import ChangeMembers, HandOver
from systems_under_test.blocks.raft.membership import may_begin_change
from systems_under_test.blocks.raft.pending import UNAVAILABLE, not_leader
from systems_under_test.blocks.raft.state import Role, State
from systems_under_test.blocks.raft.transfer import transfer_target


@dataclass(frozen=True, slots=True)
class Order:
    """``reply`` is for the operator, when it is over."""

    event: HandOver | ChangeMembers
    reply: Future[Message]


class OrderUnderWay:
    """The order that the leader has taken on, if there is one."""

    def __init__(self) -> None:
        self._order: Order | None = None

    def take(self, order: Order, state: State) -> bool:
        """Whether to give it to the core now. Otherwise its operator has been told why not: this server does not lead,
        an order has not been answered yet, or the core would refuse it."""
        if state.role is not Role.LEADER:
            order.reply.set_result(not_leader(state))
            return False
        if self._order is not None or not _is_accepted(order, state):
            order.reply.set_result(UNAVAILABLE)
            return False
        self._order = order
        return True

    def settle(self, state: State) -> None:
        """Say what came of it, if it is over."""
        order = self._order
        if order is None or _is_under_way(order, state):
            return
        self._order = None
        order.reply.set_result(_transferred(state) if isinstance(order.event, HandOver) else _changed(state))


def _is_accepted(order: Order, state: State) -> bool:
    if isinstance(order.event, HandOver):
        return transfer_target(state, order.event.to) is not None
    return may_begin_change(state, order.event.voters)


def _is_under_way(order: Order, state: State) -> bool:
    return (state.transfer if isinstance(order.event, HandOver) else state.change) is not None


def _transferred(state: State) -> Message:
    """What came of a transfer: ``leader`` is who leads now, as far as this server has heard."""
    if state.role is Role.LEADER:
        return {"error": "aborted"}
    return {"value": "handed over", "leader": state.leader_hint}


def _changed(state: State) -> Message:
    """What came of a change of members: it is done, given up, or another's, who may go on."""
    latest = state.configurations[-1]
    went = state.name not in latest.configuration.members
    if latest.index > state.commit or not (went or state.role is Role.LEADER):
        return not_leader(state)
    return {"value": list(latest.configuration.members)}
