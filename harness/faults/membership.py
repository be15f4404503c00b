"""The fault ``membership``: an operator changes who the members of the system are, while it is in use.

Servers are added, replaced and removed all the time where machines fail, and it is where consensus protocols have had
mistakes in their published form. The order goes to one node by the control channel, as from an operator's tool::

    {"type": "members", "members": ["n1", "n2", ...], "patience_ms": ...}  ->  {"value": members} or {"error": ...}

The system itself decides whether and when it is done. Only systems that know this order and show, in their status,
``members``, ``first_members`` and ``changing``, can have this fault; they say that they withstand it
(``System.withstands``). Healing brings the first members back.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import Any, Final

from harness.cluster import Cluster, ClusterError, Observation
from harness.fault import Action, Effect, FaultSpec
from harness.faults.effect import seconds
from harness.faults.order import ASK_MS, choose_order, ordered, program_status, program_statuses, shapes_of_order
from harness.faults.target import concrete_nodes
from harness.node import Message

PATIENCE_MS: Final = 600.0
"""An order that was not carried out after so long is left to the system: it may be later, or never."""

BACK_MS: Final = 2500.0


@dataclass(frozen=True, slots=True)
class Members:
    """Who the members are when the order is given, who leads, and all nodes in the order drawn."""

    now: Sequence[str]
    leader: str
    order: Sequence[str]

    @property
    def others(self) -> list[str]:
        return [node for node in self.order if node in self.now and node != self.leader]

    @property
    def spares(self) -> list[str]:
        return [node for node in self.order if node not in self.now]


def _without(gone: Collection[str], members: Members, come: Sequence[str] = ()) -> list[str]:
    """The members without some, and with others. Never nobody."""
    left = [*(node for node in members.now if node not in gone), *come]
    return sorted(left) if left else list(members.now)


WANTED: Final[Mapping[str, tuple[Callable[[Members], list[str]], str]]] = {
    "remove-leader": (lambda m: _without([m.leader], m), "the leader is removed"),
    "remove-one": (lambda m: _without(m.others[:1], m), "one follower is removed"),
    "replace-one": (lambda m: _without(m.others[:1], m, m.spares[:1]), "a spare node takes the place of a follower"),
    "replace-leader": (lambda m: _without([m.leader], m, m.spares[:1]), "a spare node takes the leader's place"),
    "replace-majority": (
        lambda m: _without(m.others[: len(m.spares)], m, m.spares),
        "as many followers as there are spare nodes are replaced, all at once",
    ),
    "grow": (lambda m: _without((), m, m.spares), "all spare nodes are added"),
    "shrink-grow": (
        lambda m: _without(m.others[: max(1, len(m.now) // 2)], m),
        "half of the members are removed, and come back when it is healed",
    ),
}
"""Shape -> the members that it wants, and one line of help."""


@dataclass(frozen=True, slots=True)
class Membership:
    name: str = "membership"
    summary: str = "order the system to change its members, then to take the first ones back"
    needs: frozenset[str] = frozenset({"membership"})
    unless_withstood: str = "it takes no order to change its members"

    @property
    def shapes(self) -> Mapping[str, str]:
        return shapes_of_order({shape: text for shape, (_, text) in WANTED.items()})

    def choose(self, spec: FaultSpec, turn: int, nodes: tuple[str, ...], random: Random) -> Action:
        return choose_order(spec, WANTED, nodes, random)

    async def apply(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        """Give the order; it may be refused, or take longer than this waits."""
        asked = concrete_nodes(action)[0]
        status = await program_status(cluster, asked)
        if status is None:
            raise ClusterError(f"{asked} does not answer, so it cannot be told to change the members")
        members = Members(status["members"], asked, action["order"])
        wanted = WANTED[ordered(action)][0](members)
        answer = await _order(cluster, asked, wanted, PATIENCE_MS)
        return {**action, "members": {"before": list(members.now), "wanted": wanted}, "answer": answer}

    async def heal(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        """The first members are back when this returns. Raises ClusterError if they are not: nobody leads, perhaps."""
        statuses = await program_statuses(cluster)
        seen = {node: {"members": status["members"], "term": status["term"]} for node, status in statuses.items()}
        if asked := _who_leads(statuses):
            answer = await _order(cluster, asked, statuses[asked]["first_members"], BACK_MS)
            if answer is not None and "value" in answer:
                return {"nodes": [asked], "seen": seen, "members": answer["value"]}
        raise ClusterError(f"the first members are not back: {asked or 'nobody'} was asked, of {sorted(statuses)}")

    def effect(
        self, done: Mapping[str, Any], quiet: tuple[Observation, Observation], window: tuple[Observation, Observation]
    ) -> Effect:
        """It bit if some node had other members in its status, by the end, than at the beginning."""
        before = set(done["members"]["before"])
        seen = done.get("healed", {}).get("seen", {})
        changed = [node for node, told in seen.items() if set(told["members"]) != before]
        answer = done["answer"] or {}
        carried_out = "value" in answer and set(answer["value"]) != before
        measured = {"nodes_with_other_members": float(len(changed)), "orders_carried_out": float(carried_out)}
        told = f"members were changed from {', '.join(sorted(before))}; {len(changed)} nodes had others in the end"
        if not changed and not carried_out:
            told = "no node had other members than before"
        return Effect(bool(changed) or carried_out, measured, told, absent_outside=seconds(quiet) > 0)


async def _order(cluster: Cluster, node: str, members: Sequence[str], patience_ms: float) -> Message | None:
    order = {"type": "members", "members": list(members), "patience_ms": patience_ms}
    return await cluster.ask(node, order, patience_ms + ASK_MS)


def _who_leads(statuses: Mapping[str, Message]) -> str | None:
    """The node that believes to lead the latest term; if none does, whom the latest news names, or who has it."""
    leads = [(status["term"], node) for node, status in statuses.items() if status["leader"] == node]
    latest = [(status["term"], node) for node, status in statuses.items()]
    return max(leads or latest, default=(0, None))[1]


FAULT: Final = Membership()
