"""What the book says of nodes that shut each other down, of people who do failover by hand (SL-14), and of a cache that
outlives the ids of a database (SL-11)."""

from __future__ import annotations

from typing import Final

from harness.claim import (
    Available,
    Claim,
    Curve,
    Experiment,
    Holds,
    Measured,
    Shape,
    Source,
    Thresholds,
    Unavailable,
    Variant,
    Violates,
)

FAILOVER: Final = "ch. 5, Leader failure: Failover"
BUDGET: Final = Thresholds(runs=10)
OBEDIENT: Final = Variant("an obedient switch", {"switch": "obedient"})
ARBITER: Final = Variant("a fencing arbiter", {"switch": "arbiter"})
CUT: Final = Experiment("register", {"operator-ms": "0"}, faults="partition=between-n1+n2", windows=((3.0, 8.0),),
                        concurrency=20, rate_hz=60.0, time_limit_s=12.0)  # fmt: skip
"""The two do not hear each other; the clients and the switch hear both. No operator comes."""

STUCK: Final = Variant("a switch that is stuck", {"switch": "stuck"})
OPERATOR: Final = Variant("an operator comes", {"operator-ms": "6000"}, sizes={"time_limit_s": 15.0, "concurrency": 30})
"""After the partition has healed: nobody serves from 3.5 s on, and that long he takes to come."""

IMPATIENT: Final = Variant("impatient clients", {"operator-ms": "2000"}, sizes={"client_timeout_s": 0.5})
"""They ask the other node while the first one waits for the switch; and an operator brings back who was switched off,
so that both are asked in the end what they hold."""

ASYNC: Final = Variant("asynchronous", {"replication": "async"})
CACHED: Final = Experiment("cached-rows", faults="partition=between-n1+n2, kill=leader", rate_hz=80.0)


def by_hand(operator_ms: int) -> Variant:
    return Variant(f"by hand, {operator_ms} ms", {"failover": "manual", "operator-ms": str(operator_ms)})


CLAIMS: Final[tuple[Claim, ...]] = (
    Claim(
        "SL-14a",
        "Two nodes, each ordering the other off: after a partition between them none is left until somebody acts.",
        Source("DDIA", FAILOVER, 158,
               "if this mechanism is not carefully designed, you can end up with both nodes being shut down"),
        CUT.varied(OBEDIENT),
        Unavailable("write", permanent=True),
        control=ARBITER,
        thresholds=BUDGET,
    ),
    Claim(
        "SL-14d",
        "When both are down an operator looks at the switch, has the last one switched on again, and writes go on.",
        Source("DDIA", FAILOVER, 158,
               "some operations teams prefer to perform failovers manually, even if the software supports automatic "
               "failover"),
        CUT.varied(OBEDIENT).varied(OPERATOR),
        Unavailable("write"),
        control=ARBITER,
        thresholds=BUDGET,
    ),
    Claim(
        "SL-14b",
        "Where an arbiter grants one of two orders, one node is shut down and the other goes on.",
        Source("DDIA", FAILOVER, 158,
               "some systems have a mechanism to shut down one node if two leaders are detected"),
        CUT,
        Available("write"),
        control=OBEDIENT,
        thresholds=BUDGET,
    ),
    Claim(
        "SL-14e",
        "With one of the two off for certain the other is linearizable; where the order does nothing, two lead.",
        Source("DDIA", FAILOVER, 158,
               "some systems have a mechanism to shut down one node if two leaders are detected"),
        CUT.varied(IMPATIENT),
        Holds(("non-linearizable", "divergence")),
        control=STUCK,
        thresholds=BUDGET,
        told=("switched-off",),
    ),
    Claim(
        "SL-14c",
        "When the primary dies and a person does the failover, nobody takes writes until that person has come.",
        Source("DDIA", FAILOVER, 158,
               "some operations teams prefer to perform failovers manually, even if the software supports automatic "
               "failover"),
        Experiment("register", faults="kill=n1", windows=((3.0, 11.0),), time_limit_s=12.0),
        Measured(
            "who does the failover",
            (Variant("automatic"), by_hand(1000), by_hand(2000), by_hand(4000)),
            (Curve("outage-s:write", Shape("rises", ratio=4.0, tolerance=0.1)),),
        ),
        thresholds=BUDGET,
    ),
    Claim(
        "SL-11c",
        "A standby that is behind takes over and reuses ids: a cache that knows the ids shows another user's data.",
        Source("DDIA", FAILOVER, 158,
               "inconsistency between MySQL and Redis, which caused some private data to be disclosed to the wrong "
               "users"),
        CACHED.varied(ASYNC),
        Violates(("mismatch",)),
    ),
    Claim(
        "SL-11d",
        "Where the standby has everything that was acknowledged, the cache shows everybody his own.",
        Source("DDIA", FAILOVER, 158, "These primary keys were also used in a Redis store"),
        CACHED,
        Holds(("mismatch", "duplicate")),
        control=ASYNC,
    ),
)  # fmt: skip
