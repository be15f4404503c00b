"""The fault ``corrupt``: some messages are spoiled on their way, and their receivers throw them away."""

from __future__ import annotations

from random import Random
from typing import Final

from harness.faults.degradation import Amount, Degradation, log_uniform


def _amount(random: Random) -> Amount:
    """From a bad cable to one that hardly works."""
    return {"probability": log_uniform(random, 0.05, 0.7, digits=2)}


FAULT: Final = Degradation(
    name="corrupt",
    summary="spoil some of the messages on their way",
    noun="messages corrupted",
    amount=_amount,
    needs=frozenset({"corrupt"}),
)
