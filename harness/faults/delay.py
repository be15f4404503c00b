"""The fault ``delay``: messages take longer, each by a time of its own, and keep their order."""

from __future__ import annotations

from random import Random
from typing import Final

from harness.faults.degradation import Amount, Degradation, log_uniform


def _amount(random: Random) -> Amount:
    """About the time of a disk sync, up to that of an election; jitter as is found on busy and on wireless networks."""
    delay_ms = log_uniform(random, 5, 200)
    return {"delay_ms": delay_ms, "jitter_ms": round(delay_ms * random.choice((0, 0.2, 1)))}


FAULT: Final = Degradation(
    name="delay",
    summary="make messages take longer, in order",
    noun="messages delayed",
    amount=_amount,
    needs=frozenset({"delay"}),
)
