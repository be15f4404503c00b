"""How long a silence means that the leader is dead: false failovers against outages (DDIA 5)."""

from __future__ import annotations

from typing import Final

from harness.claim import Claim, Curve, Experiment, Measured, Shape, Source, Thresholds, Variant

FAILOVER: Final = "ch. 5, Leader failure: Failover"
BUDGET: Final = Thresholds(runs=10)
PAUSES: Final = ((1.0, 1.3), (2.5, 3.0), (4.0, 4.8))
SLOW_LEADER: Final = ", ".join(("pause=leader",) * len(PAUSES))
"""A leader that stops for a while, as on a full machine or in a garbage collection, and is not dead."""


def after(*timeouts_ms: int) -> tuple[Variant, ...]:
    return tuple(Variant(f"{timeout_ms} ms", {"failover-ms": str(timeout_ms)}) for timeout_ms in timeouts_ms)


CLAIMS: Final = (
    Claim(
        "SL-15a",
        "The longer the timeout before the leader is declared dead, the fewer failovers are false.",
        Source("DDIA", FAILOVER, 158, "if the timeout is too short, there could be unnecessary failovers"),
        Experiment("register", {"replication": "majority"}, faults=SLOW_LEADER, windows=PAUSES, time_limit_s=8.0),
        Measured(
            "failover-ms",
            after(100, 200, 400, 800),
            (Curve("leader-changes", Shape("falls", ratio=3.0, tolerance=0.2)),),
        ),
        thresholds=BUDGET,
    ),
    Claim(
        "SL-15b",
        "The longer that timeout, the longer nobody takes writes when the leader really is dead.",
        Source("DDIA", FAILOVER, 158,
               "A longer timeout means a longer time to recovery in the case where the leader fails."),
        Experiment(
            "register", {"replication": "majority"}, faults="kill=leader", windows=((3.0, 11.0),), time_limit_s=12.0
        ),
        Measured(
            "failover-ms",
            after(200, 400, 800, 1600, 3200),
            (Curve("outage-s:write", Shape("rises", ratio=4.0, tolerance=0.1)),),
        ),
        thresholds=BUDGET,
    ),
)  # fmt: skip
