"""What is published of locks that are leases, etcd's among them, and of what makes them safe."""

from __future__ import annotations

from typing import Final

from harness.claim import Claim, Experiment, Holds, Source, Thresholds, Variant, Violates

FENCING: Final = "fencing"
LOST: Final = ("lost",)

STOPPED: Final = Experiment("set", faults="pause=role-worker:1", windows=((3.0, 8.0),), nodes=3,
                            concurrency=20, rate_hz=60.0, time_limit_s=12.0, client_timeout_s=8.0)  # fmt: skip
"""A worker is stopped for longer than its lease lasts (2 s), and goes on, while its clients still wait: either it
overwrites what the next holder has written, or that one overwrites it, and in both cases a client was told "ok"."""

RUNS: Final = Thresholds(runs=10)

CLAIMS: Final = (
    Claim(
        "EL-1",
        "An etcd lock alone does not protect what it guards: a holder that was stopped for longer than its lease "
        "overwrites what the next one has done.",
        Source("Kingsbury 2020, Jepsen: etcd 3.4.3", "announcement of 2020-01-29", None,
               "Locks, however, were fundamentally unsafe: they did not, and can not, guarantee mutual exclusion in "
               "asynchronous networks."),
        STOPPED,
        Violates(LOST),
        thresholds=RUNS,
        providers=("local", "docker"),
    ),
    Claim(
        "EL-2",
        "With fencing tokens it does: the storage refuses who comes with an older one than it has seen.",
        Source("DDIA", "ch. 8, Fencing tokens", 303,
               "every time a client sends a write request to the storage service, it must include its current fencing "
               "token"),
        STOPPED.varied(Variant("fenced", {FENCING: "on"})),
        Holds(LOST),
        control=Variant("no token is checked", {FENCING: "off"}),
        thresholds=RUNS,
        providers=("local", "docker"),
    ),
)  # fmt: skip
