"""The fault ``slow-link``: one link, or one node's links, so slow that others take it for cut, and then it delivers."""

from __future__ import annotations

from random import Random
from typing import Final

from harness.faults.degradation import Amount, Degradation, log_uniform


def _amount(random: Random) -> Amount:
    """Beyond the timeouts of most systems, and well below a window, so that what was sent still arrives in it."""
    delay_ms = log_uniform(random, 200, 1000)
    return {"delay_ms": delay_ms, "jitter_ms": round(delay_ms * random.choice((0, 0.1)))}


FAULT: Final = Degradation(
    name="slow-link",
    summary="make one link, or one node's links, slower than timeouts",
    noun="messages delayed",
    amount=_amount,
    needs=frozenset({"delay"}),
    mix=("leader-one-way", "leader", "link", "one-one-way"),
)
