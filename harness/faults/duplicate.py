"""The fault ``duplicate``: messages arrive twice, each with the same probability."""

from __future__ import annotations

from random import Random
from typing import Final

from harness.faults.degradation import PACKETS, Amount, Degradation, log_uniform


def _amount(random: Random) -> Amount:
    """Up to every single message."""
    return {"probability": log_uniform(random, 0.05, 1, digits=2)}


FAULT: Final = Degradation(
    name="duplicate",
    summary="deliver some of the messages twice",
    noun="messages duplicated",
    amount=_amount,
    needs=frozenset({"duplicate"}),
    level=PACKETS,
)
