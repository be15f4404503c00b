"""Who owns a node: of the faults that start, stop or pause its program, one at a time, until that one is healed.

Two of them on one node would undo each other: the heal of a ``kill`` starts what a ``power-off`` holds down, and
neither could say what it did. So what strikes later leaves out nodes that are another's, and takes others in their
place where its action has spares. A node that was meant exactly, a leader or the node of an event, has none: then the
fault is not applied, and says why.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final

from harness.fault import Action, Fault
from harness.faults.target import ITS_NODE, LEADER

OWNING: Final = frozenset({"kill", "pause", "stop", "power-off", "upgrade", "power-loss", "disk-full", "read-only",
                           "eio", "disk-stall", "slow-fsync", "bit-flip", "snapshot", "memory"})  # fmt: skip
"""Who needs one of these starts or stops programs, or has a disk to itself: ``disk_heal`` ends all that ails a disk."""

Owners = Mapping[str, str]
"""Node -> the application that owns it, in words: "kill (application 3)"."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What is left of an action: the ``action`` itself, None if nothing is; which nodes were ``left_out`` since they
    were whose; and in words why nothing is left."""

    action: Action | None
    left_out: Mapping[str, str] = field(default_factory=dict)
    refusal: str = ""


def owns_nodes(fault: Fault) -> bool:
    """Whether the nodes of the fault's actions are its own while it is in force. A fault may say so by an attribute
    ``owns_nodes``; what it needs decides otherwise."""
    declared: bool | None = getattr(fault, "owns_nodes", None)
    return bool(fault.needs & OWNING) if declared is None else declared


def claim(action: Action, owners: Owners, resolve: Callable[[Action], Action]) -> Claim:
    """The action with concrete nodes (``resolve`` looks up what it waits for), none of them another's."""
    try:
        wished = resolve(action)
    except ValueError as error:
        return Claim(None, refusal=str(error))
    left_out = {node: owners[node] for node in wished.get("nodes", ()) if node in owners}
    if not left_out:
        return Claim(wished)
    exact = [wished[word] for word in (LEADER, ITS_NODE) if word in action["nodes"] and wished.get(word) in owners]
    free = [] if exact else _free(action, owners, resolve)
    if free:
        return Claim({**wished, "nodes": free}, left_out)
    held = {node: owners[node] for node in exact} or left_out
    return Claim(None, left_out, "; ".join(f"{node} is held by {owner}" for node, owner in held.items()))


def _free(action: Action, owners: Owners, resolve: Callable[[Action], Action]) -> list[str]:
    """The nodes that nobody owns, spares in the place of others."""
    if "spares" in action:
        action = {**action, "spares": [spare for spare in action["spares"] if spare not in owners]}
    try:
        nodes = resolve(action)["nodes"]
    except ValueError:  # a role of which no node is free
        return []
    return [node for node in nodes if node not in owners]
