"""The fault ``bandwidth``: links so narrow that messages wait in line, and are lost where the line is full."""

from __future__ import annotations

from random import Random
from typing import Final

from harness.faults.degradation import Amount, Degradation, log_uniform


def _amount(random: Random) -> Amount:
    """From hardly enough for heartbeats to what a busy system just fills."""
    return {"rate_kbit_s": log_uniform(random, 16, 512)}


FAULT: Final = Degradation(
    name="bandwidth",
    summary="let no more than so many kbit/s over a link",
    noun="messages squeezed",
    amount=_amount,
    needs=frozenset({"bandwidth"}),
)
