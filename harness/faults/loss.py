"""The fault ``loss``: messages are lost, each with the same probability."""

from __future__ import annotations

from random import Random
from typing import Final

from harness.faults.degradation import MESSAGES, Amount, Degradation, log_uniform


def _amount(random: Random) -> Amount:
    """From a bad line to one that hardly works."""
    return {"probability": log_uniform(random, 0.05, 0.7, digits=2)}


FAULT: Final = Degradation(
    name="loss",
    summary="lose some of the messages",
    noun="messages lost",
    amount=_amount,
    needs=frozenset({"loss"}),
    level=MESSAGES,
)
