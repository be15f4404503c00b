"""``sequential-per-key``: every key sequentially consistent by itself (cache coherence, in a memory of registers)."""

from __future__ import annotations

from typing import Any, Literal

from checkers.linearizable.decide import Method
from checkers.linearizable.model import Model
from checkers.sequential.verdict import PER_KEY, judged
from harness.history import History
from harness.result import Result


def check(
    history: History,
    *,
    model: str | Model | type = "cas-register",
    initial: Any = None,
    nil_reads: Literal["value", "unknown"] = "value",
    method: Method = "auto",
    time_limit_s: float | None = None,
    certify: bool = False,
) -> Result:
    """Whether of each key by itself one order of its operations explains all results and keeps every session's order.

    This is weaker than sequential consistency, which is not compositional: every key may be sequential, and all of them
    together not (Herlihy & Wing 1990, section 3.3). All else is as in :func:`checkers.sequential.check`; there is one
    anomaly per invalid key, and one of the ``orders`` per key.
    """
    return judged(history, PER_KEY, model, initial, nil_reads, method, time_limit_s, certify=certify)
