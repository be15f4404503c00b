"""What is known of PostgreSQL's isolation levels and replication (Kingsbury 2020; its documentation; DDIA ch. 7)."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from harness.claim import Claim, Experiment, Holds, Source, Thresholds, Variant, Violates

PROVIDERS: Final = ("local", "docker")
RUNS: Final = Thresholds(runs=10)

READ_COMMITTED: Final = Variant("read committed", {"isolation": "read-committed"})
REPEATABLE_READ: Final = Variant("repeatable read", {"isolation": "repeatable-read"})
ASYNC: Final = Variant("asynchronous", {"replication": "async"})

DOCUMENTATION: Final = "PostgreSQL 15 documentation"
JEPSEN: Final = "Kingsbury 2020, Jepsen: PostgreSQL 12.3"
TRANSACTIONS: Final = "13.2 Transaction Isolation"
REPLICATION: Final = "27.2.8 Synchronous Replication"


def _alone(workload: str, isolation: str) -> Experiment:
    """One server, nothing broken."""
    return Experiment(workload, {"isolation": isolation}, nodes=1, rate_hz=100.0, time_limit_s=10.0)


def _failover(replication: str) -> Experiment:
    """The primary is cut off from the others and not from the clients, and somebody else is promoted."""
    return Experiment("set", {"replication": replication, "failover": "controller"}, faults="partition=isolate-leader",
                      windows=((3.0, 11.0),), nodes=3, rate_hz=100.0, time_limit_s=16.0)  # fmt: skip


CLAIMS: Final = (
    Claim(
        "PG-1a",
        "Repeatable read is snapshot isolation: two who each saw the other on call both leave (write skew).",
        Source(JEPSEN, "Abstract", None, "PostgreSQL “repeatable read” is actually snapshot isolation"),
        _alone("write-skew", "repeatable-read"),
        Violates(("write-skew",)),
        thresholds=RUNS,
        providers=PROVIDERS,
    ),
    Claim(
        "PG-1b",
        "Repeatable read shows cycles of antidependencies (G2-item).",
        Source(JEPSEN, "Abstract", None, "we found frequent instances of G2-item under PostgreSQL “repeatable read”"),
        _alone("list-append", "repeatable-read"),
        Violates(("G2-item", "write-skew")),
        thresholds=RUNS,
        providers=PROVIDERS,
    ),
    Claim(
        "PG-2",
        "Repeatable read shows no read skew (G-single).",
        Source(JEPSEN, "Abstract", None, "PostgreSQL “repeatable read” is actually snapshot isolation"),
        _alone("list-append", "repeatable-read"),
        Holds(("G-single",)),
        control=READ_COMMITTED,
        thresholds=RUNS,
        providers=PROVIDERS,
    ),
    Claim(
        "PG-3a",
        "Serializable shows no anomaly at all.",
        Source(DOCUMENTATION, TRANSACTIONS, None,
               "guaranteed to produce the same effect as running them one at a time in some order"),
        _alone("list-append", "serializable"),
        Holds(),
        control=REPEATABLE_READ,
        thresholds=RUNS,
        providers=PROVIDERS,
    ),
    Claim(
        "PG-3b",
        "Serializable: somebody stays on call.",
        Source(DOCUMENTATION, TRANSACTIONS, None,
               "guaranteed to produce the same effect as running them one at a time in some order"),
        _alone("write-skew", "serializable"),
        Holds(),
        control=REPEATABLE_READ,
        thresholds=RUNS,
        providers=PROVIDERS,
    ),
    Claim(
        "PG-4a",
        "Read committed loses updates: of two who read, decide and write, one is overwritten.",
        Source("DDIA", "ch. 7, Preventing Lost Updates", 243,
               "one of the modifications can be lost, because the second write does not include the first"),
        replace(_alone("rw-register", "read-committed"), time_limit_s=4.0),  # a short history's anomalies are all named
        Violates(("lost-update", "G-cursor")),
        thresholds=RUNS,
        providers=PROVIDERS,
    ),
    Claim(
        "PG-4b",
        "Read committed shows read skew: each statement sees a database of its own moment.",
        Source(DOCUMENTATION, "13.2.1 Read Committed Isolation Level", None,
               "two successive SELECT commands can see different data"),
        _alone("bank", "read-committed"),
        Violates(("wrong-total",)),
        thresholds=RUNS,
        providers=PROVIDERS,
    ),
    Claim(
        "PG-5",
        "Asynchronous replication and failover: acknowledged writes are lost.",
        Source(DOCUMENTATION, REPLICATION, None,
               "some transactions that were committed may not have been replicated to the standby server"),
        _failover("async"),
        Violates(("lost",)),
        thresholds=RUNS,
        providers=PROVIDERS,
    ),
    Claim(
        "PG-6",
        "Synchronous replication to a majority: what was acknowledged survives a failover.",
        Source(DOCUMENTATION, REPLICATION, None,
               "all changes made by a transaction have been transferred to one or more synchronous standby servers"),
        _failover("sync"),
        Holds(("lost",)),
        control=ASYNC,
        thresholds=RUNS,
        providers=PROVIDERS,
    ),
    Claim(
        "PG-7",
        "A replica shows who has just written something what was there before, though nothing is broken.",
        Source(DOCUMENTATION, "27.4.1 User's Overview", None,
               "there will be a measurable delay between primary and standby"),
        Experiment("sessions", {"replication": "async", "reads": "replica"}, nodes=3, rate_hz=100.0),
        Violates(("read-your-writes",)),
        thresholds=RUNS,
        providers=PROVIDERS,
    ),
)  # fmt: skip
