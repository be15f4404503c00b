"""The fault ``reorder``: some messages are held back, and others overtake them."""

from __future__ import annotations

from random import Random
from typing import Final

from harness.faults.degradation import PACKETS, Amount, Degradation, log_uniform


def _amount(random: Random) -> Amount:
    """Held back by the time of a few messages, up to that of a few heartbeats."""
    return {"probability": log_uniform(random, 0.05, 0.8, digits=2), "delay_ms": log_uniform(random, 2, 200)}


FAULT: Final = Degradation(
    name="reorder",
    summary="let messages overtake each other",
    noun="messages held back",
    amount=_amount,
    needs=frozenset({"reorder"}),
    level=PACKETS,
)
