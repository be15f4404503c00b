"""What the faults that make links worse have in common: ``delay``, ``loss``, ``duplicate``, ... differ in data only."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any, Final, cast

from harness.cluster import Cluster, Observation
from harness.cluster_faults import LinkFaults
from harness.fault import Action, Effect, FaultSpec
from harness.faults.effect import judge_met
from harness.faults.links import ALL, CLIENTS, SHAPES, choose_links, links_of
from harness.faults.target import LEADER

Amount = dict[str, float]

PACKETS: Final = "packets"
MESSAGES: Final = "messages"
LEVELS: Final = {
    PACKETS: "packets instead of messages, on every link between nodes; TCP hides it",
    MESSAGES: "whole messages, so that nothing sends them again, on every link between nodes",
}

MIX: Final = (ALL, LEADER, ALL, "leader-one-way", ALL, "one")


@dataclass(frozen=True, slots=True)
class Degradation:
    """A fault that makes links worse (``LinkFaults.degrade``) in the way of its own name.

    ``amount`` draws by how much; ``noun`` is what a message is that met it. The default mix goes through ``mix``, one
    shape a turn; a single node has no links but those to its clients. ``level`` is a shape that does the same to every
    link between nodes, but to "packets" instead of messages, or to "messages" instead of packets. What is done to
    packets alone never bites: the connection hides it from the program.
    """

    name: str
    summary: str
    noun: str
    amount: Callable[[Random], Amount]
    needs: frozenset[str]
    mix: tuple[str, ...] = MIX
    level: str | None = None

    @property
    def shapes(self) -> Mapping[str, str]:
        return SHAPES if self.level is None else {**SHAPES, self.level: LEVELS[self.level]}

    def choose(self, spec: FaultSpec, turn: int, nodes: tuple[str, ...], random: Random) -> Action:
        mixed = self.mix[turn % len(self.mix)] if len(nodes) > 1 else CLIENTS
        shape = mixed if spec.shape is None else spec.shape
        links = choose_links(replace(spec, shape=ALL if shape == self.level else shape), turn, nodes, random)
        return {**links, "shape": shape, "amount": self.amount(random)}

    async def apply(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        links = links_of(action, cluster.nodes)
        await cast(LinkFaults, cluster).degrade(self._kind(action), links, action["amount"])
        return {**action, "links": [list(link) for link in links]}

    async def heal(self, cluster: Cluster, action: Action) -> Mapping[str, Any]:
        await cast(LinkFaults, cluster).restore(self._kind(action))
        return {"shape": action["shape"]}

    def effect(
        self, done: Mapping[str, Any], quiet: tuple[Observation, Observation], window: tuple[Observation, Observation]
    ) -> Effect:
        effect = judge_met(self._kind(done), quiet, window, self.noun)
        if done.get("shape") != PACKETS:
            return effect
        measured = {name.replace("messages", PACKETS): figure for name, figure in effect.measured.items()}
        words = effect.explanation.replace("messages", PACKETS)
        return replace(effect, bit=False, measured=measured, explanation=f"{words}; absorbed=tcp: no program met it")

    def _kind(self, action: Mapping[str, Any]) -> str:
        shape = action.get("shape")
        return self.name if shape is None or shape != self.level else f"{self.name}-{shape}"


def log_uniform(random: Random, low: float, high: float, digits: int = 0) -> float:
    """A draw from ``low`` to ``high`` that favours no order of magnitude, rounded to be read in a plan."""
    drawn: float = low * (high / low) ** random.random()
    return round(drawn, digits)
