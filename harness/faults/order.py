"""Orders that an operator gives to a node, as by a tool: what the faults have in common that consist of one.

The order goes by the control channel to the leader or, of a shape that ends with "-its-node", to the node that sets the
fault off. Only systems that show ``members``, ``leader`` and ``term`` in their status can be given one.
"""

from __future__ import annotations

from collections.abc import Mapping
from random import Random
from typing import Final

from harness.cluster import Cluster
from harness.fault import Action, FaultSpec, FaultSyntaxError
from harness.faults.target import ITS_NODE, LEADER, no_size, shuffled
from harness.node import Message

ASK_MS: Final = 500.0
"""How much longer than a node's patience its answer may take."""


def shapes_of_order(wanted: Mapping[str, str]) -> Mapping[str, str]:
    """What may be ordered, by shape with one line of help, to either node."""
    plain = {shape: f"{text}; the order goes to the leader" for shape, text in wanted.items()}
    there = {f"{shape}-{ITS_NODE}": f"{text}; the order goes to the node of the event" for shape, text
             in wanted.items()}  # fmt: skip
    return plain | there


def choose_order(spec: FaultSpec, wanted: Mapping[str, object], nodes: tuple[str, ...], random: Random) -> Action:
    """The default mix is any shape, drawn each turn. Raises FaultSyntaxError on one node."""
    no_size(spec)
    if len(nodes) < 2:
        raise FaultSyntaxError(f"--faults: read {spec} on one node; expected at least 2 nodes; raise --nodes")
    shape = random.choice(list(wanted)) if spec.shape is None else spec.shape
    asked = ITS_NODE if shape.endswith(ITS_NODE) else LEADER
    return {"shape": shape, "nodes": [asked], "order": shuffled(nodes, random)}


def ordered(action: Action) -> str:
    """What is ordered, whoever is asked."""
    return str(action["shape"]).removesuffix(f"-{ITS_NODE}")


async def program_status(cluster: Cluster, node: str) -> Message | None:
    """What the program says; None if it does not answer, or has not started."""
    status = await cluster.status(node, ASK_MS)
    program: Message | None = None if status is None else status.get("program", status)
    return program or None


async def program_statuses(cluster: Cluster) -> dict[str, Message]:
    """Of all who answer."""
    return {node: told for node in cluster.nodes if (told := await program_status(cluster, node)) is not None}
