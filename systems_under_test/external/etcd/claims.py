"""What is published of etcd's keys and transactions, and what it says itself of reads that ask nobody."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from harness.claim import Claim, Experiment, Holds, Source, Thresholds, Variant, Violates

from systems_under_test.external.etcd.client import ISOLATION, READS, THINK_MS
from systems_under_test.external.etcd.transaction import SNAPSHOT

JEPSEN: Final = "Kingsbury 2020, Jepsen: etcd 3.4.3"
RUNS: Final = Thresholds(runs=10)

LOCAL_READS: Final = {READS: "serializable"}
DISTURBED: Final = Experiment(
    "register",
    faults="partition=isolate-followers:1, partition=isolate-leader, kill=leader, pause=one",
    windows=((2.0, 5.0), (6.5, 9.5), (11.0, 13.0), (14.5, 17.0)),
    nodes=3,
    concurrency=15,
    time_limit_s=18.0,
    rate_hz=100.0,
)
"""A follower that is cut off costs nobody anything, so that the others go on writing what it does not hear of; for a
leader there is an election first."""

CLAIMS: Final = (
    Claim(
        "ET-1",
        "Reads, writes and compare-and-sets of a key are linearizable while nodes are cut off, killed and paused.",
        Source(JEPSEN, "Discussion", None,
               "we observed nothing but strict-serializable consistency for reads, writes, and even multi-key "
               "transactions"),
        DISTURBED,
        Holds(),
        control=Variant("reads that ask nobody", LOCAL_READS),
        thresholds=RUNS,
        providers=("local", "docker"),
    ),
    Claim(
        "ET-2",
        "Transactions that compare all that they have read are strictly serializable, under the same faults.",
        Source(JEPSEN, "announcement of 2020-01-29", None,
               "kv operations, including multi-key transactions, appeared to be strict serializable"),
        replace(DISTURBED, workload="list-append", options={THINK_MS: "5"}),
        Holds(),
        control=Variant("they compare only what they write", {ISOLATION: SNAPSHOT}),
        thresholds=RUNS,
        providers=("local", "docker"),
    ),
    Claim(
        "ET-3",
        "Reads that ask nobody (\"serializable\" ones) return what is no longer true.",
        Source("etcd", "API reference, RangeRequest.serializable", None,
               "in exchange for possible stale reads, a serializable range request is served locally"),
        DISTURBED.varied(Variant("local", LOCAL_READS)),
        Violates(("non-linearizable",)),
        thresholds=RUNS,
        providers=("local", "docker"),
    ),
)  # fmt: skip
