"""The fault ``transfer``: an operator orders the leader to hand over to another node, while the system is in use.

Leaders are moved all the time where machines are taken out of service or load is spread, and a leader that is made has
less time to learn what it must know than one that has waited for an election. The order goes to one node by the control
channel, as from an operator's tool (``to`` is None: whoever suits best)::

    {"type": "transfer", "to": "n2"}  ->  {"value": "handed over"} or {"error": ...}

The leader may refuse it, or give it up ("aborted") when the other does not take over in time. Only systems that know
this order, and show ``members``, ``leader`` and ``term`` in their status, can have this fault; they say that they
withstand it (``System.withstands``). What has moved stays there: healing only joins again whom the fault has cut off.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from harness.cluster import Cluster, ClusterError, Observation
from harness.fault import Action, Effect, FaultSpec
from harness.faults.effect import seconds
from harness.faults.order import choose_order, ordered, program_status, program_statuses, shapes_of_order
from harness.faults.target import concrete_nodes
from harness.node import Message

ANSWER_MS: Final = 1500.0
"""A leader that gives up says so after an election timeout or two; later answers are not waited for."""

ANY: Final = "any"
FRESHEST: Final = "freshest"
CUT_OFF: Final = "cut-off"

TO: Final[Mapping[str, str]] = {
    ANY: "to any other member",
    FRESHEST: "to whom it likes best: the member with the longest log",
    CUT_OFF: "to a member that nobody hears by then, nor it them, until it is healed",
}
"""Shape -> to whom the leader is told to hand over."""


@dataclass(frozen=True, slots=True)
class LeaderTransfer:
    name: str = "transfer"
    summary: str = "order the leader to hand over to another node"
    needs: frozenset[str] = frozenset({"membership", "partition"})
    unless_withstood: str = "it takes no order to hand over"

    @property
    def shapes(self) -> Mapping[str, str]:
        return shapes_of_order(TO)

    def choose(self, spec: FaultSpec, turn: int, nodes: tuple[str, ...], random: Random) -> Action:
        return choose_order(spec, TO, nodes, random)

    async def apply(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        """Give the order, and wait for what comes of it. Raises ClusterError if the node does not answer at all."""
        asked, shape = concrete_nodes(action)[0], ordered(action)
        status = await program_status(cluster, asked)
        if status is None:
            raise ClusterError(f"{asked} does not answer, so it cannot be told to hand over")
        to = next((node for node in action["order"] if node in status["members"] and node != asked), None)
        if shape == CUT_OFF and to is not None:
            await cluster.partition(_alone(to, cluster))
        order = {"type": "transfer", "to": None if shape == FRESHEST else to}
        answer = await cluster.ask(asked, order, ANSWER_MS)
        return {**action, "to": order["to"], "term": status["term"], "answer": answer}

    async def heal(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        if ordered(action) == CUT_OFF:
            await cluster.heal()
        statuses = await program_statuses(cluster)
        seen = {node: {"leader": status["leader"], "term": status["term"]} for node, status in statuses.items()}
        return {"nodes": concrete_nodes(action), "seen": seen}

    def effect(
        self, done: Mapping[str, Any], quiet: tuple[Observation, Observation], window: tuple[Observation, Observation]
    ) -> Effect:
        """It bit if the leader obeyed: it ceased to lead, or served nobody until it gave up. Where it never answered,
        somebody else must be seen to lead a later term."""
        asked, answer = concrete_nodes(done)[0], done["answer"]
        handed_over, aborted = (answer or {}).get("value") is not None, (answer or {}).get("error") == "aborted"
        seen = done.get("healed", {}).get("seen", {}).values()
        moved = any(told["term"] > done["term"] and told["leader"] not in (None, asked) for told in seen)
        bit = handed_over or aborted or (answer is None and moved)
        measured = {"handed_over": float(handed_over), "aborted": float(aborted), "another_leads": float(moved)}
        return Effect(bit, measured, _told(asked, done["to"], answer), absent_outside=seconds(quiet) > 0)


def _alone(node: str, cluster: Cluster) -> Mapping[str, list[str]]:
    """No other node hears it, nor it them."""
    others = [other for other in cluster.nodes if other != node]
    return {node: others} | {other: [node] for other in others}


def _told(asked: str, to: str | None, answer: Message | None) -> str:
    order = f"{asked} was told to hand over to {to or 'whom it likes best'}"
    if answer is None:
        return f"{order}, and did not answer"
    if "value" in answer:
        return f"{order}, and ceased to lead"
    gave_up = answer.get("error") == "aborted"
    return f"{order}, and gave it up after a while" if gave_up else f"{order}, and refused: {answer.get('error')}"


FAULT: Final = LeaderTransfer()
