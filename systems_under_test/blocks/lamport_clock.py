"""Lamport clock: a counter that is passed along with messages, so that an effect is always numbered above its cause
(Lamport, "Time, Clocks, and the Ordering of Events in a Distributed System", 1978; *Patterns of Distributed Systems*,
"Lamport Clock"; Kleppmann, "Designing Data-Intensive Applications", ch. 9, "Lamport timestamps").

The order is total and agrees with causality. The reverse does not hold: of two timestamps the lower one need not have
been a cause of the higher, nor even earlier.
"""

from __future__ import annotations

from typing import NamedTuple


class LamportTimestamp(NamedTuple):
    """Ordered by the counter; the node's name decides between equals, which are never cause and effect."""

    counter: int
    node: str


class LamportClock:
    """One node's counter. What it has told must not be told again after a restart: begin at a durable ``floor``."""

    def __init__(self, node: str, floor: int = 0) -> None:
        self._node = node
        self.counter = floor

    def tick(self) -> LamportTimestamp:
        """The timestamp of an event here: a write, or the sending of a message. No other has it."""
        self.counter += 1
        return LamportTimestamp(self.counter, self._node)

    def receive(self, timestamp: LamportTimestamp) -> LamportTimestamp:
        """The timestamp of the arrival of a message that was sent at ``timestamp``."""
        self.counter = max(self.counter, timestamp.counter)
        return self.tick()
