"""The configuration of the chain: which replicas are in it, in which order, under which epoch; and how it may change.

A pure state machine. The masters replicate it by consensus and nobody else decides on it; what it decides about is the
one thing that chain replication itself cannot agree on, who belongs to the chain.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Configuration:
    """``chain`` from head to tail is never empty. ``joining`` is a replica that stores all that the tail stores, so as
    to become the new tail, or None. Every change makes a new ``epoch``: an epoch names one configuration."""

    epoch: int
    chain: tuple[str, ...]
    joining: str | None = None

    @property
    def head(self) -> str:
        return self.chain[0]

    @property
    def tail(self) -> str:
        return self.chain[-1]

    def place(self, node: str) -> str:
        """What a replica is: head, middle, tail, joining, or outside. One that is alone is head and tail: "alone"."""
        if node not in self.chain:
            return "joining" if node == self.joining else "outside"
        if self.head == self.tail:
            return "alone"
        return {self.head: "head", self.tail: "tail"}.get(node, "middle")

    def predecessor(self, node: str) -> str | None:
        """Who sends updates to that replica; the joining one is sent them by the tail."""
        line = self._line
        return line[line.index(node) - 1] if node in line[1:] else None

    def successor(self, node: str) -> str | None:
        """Whom that replica sends updates to."""
        line = self._line
        return line[line.index(node) + 1] if node in line[:-1] else None

    @property
    def _line(self) -> tuple[str, ...]:
        return self.chain if self.joining is None else (*self.chain, self.joining)

    def as_json(self) -> dict[str, Any]:
        """As it stands in messages."""
        return {"epoch": self.epoch, "chain": list(self.chain), "joining": self.joining}


def from_json(message: Mapping[str, Any]) -> Configuration:
    """What ``as_json`` made."""
    return Configuration(message["epoch"], tuple(message["chain"]), message["joining"])


def remove(configuration: Configuration, nodes: Sequence[str]) -> dict[str, Any]:
    """The command that takes replicas out."""
    return {"change": "remove", "epoch": configuration.epoch, "nodes": list(nodes)}


def join(configuration: Configuration, node: str) -> dict[str, Any]:
    """The command that lets a replica catch up with the tail."""
    return {"change": "join", "epoch": configuration.epoch, "nodes": [node]}


def extend(configuration: Configuration, node: str) -> dict[str, Any]:
    """The command that makes the joining replica, which has caught up, the new tail."""
    return {"change": "extend", "epoch": configuration.epoch, "nodes": [node]}


def changed(configuration: Configuration, command: Mapping[str, Any]) -> Configuration:
    """The configuration after a command; the same if it was decided about another one, or makes no sense of this.

    The last replica of the chain is never removed: nobody else is sure to have what was acknowledged.
    """
    nodes = command["nodes"]
    if command["epoch"] != configuration.epoch:
        return configuration
    match command["change"]:
        case "remove":
            return _without(configuration, nodes)
        case "join" if configuration.joining is None and configuration.place(nodes[0]) == "outside":
            return Configuration(configuration.epoch + 1, configuration.chain, nodes[0])
        case "extend" if configuration.joining == nodes[0]:
            return Configuration(configuration.epoch + 1, (*configuration.chain, nodes[0]))
    return configuration


def _without(configuration: Configuration, nodes: Sequence[str]) -> Configuration:
    chain = tuple(node for node in configuration.chain if node not in nodes)
    joining = None if configuration.joining in nodes else configuration.joining
    if not chain or (chain, joining) == (configuration.chain, configuration.joining):
        return configuration
    return Configuration(configuration.epoch + 1, chain, joining)
