"""What is published of Redis with Sentinel: what its own documentation says, and what Jepsen found in 2013."""

from __future__ import annotations

from typing import Final

from harness.claim import Claim, Experiment, Holds, Source, Thresholds, Variant, Violates

ON_NODES: Final = ("local",)
BUDGET: Final = Thresholds(runs=10)

JEPSEN: Final = "Kingsbury 2013"
DOCS: Final = "redis.io"
SENTINEL: Final = Source(
    DOCS, "High availability with Redis Sentinel", None,
    "does not guarantee that acknowledged writes are retained during failures, since Redis uses asynchronous "
    "replication",
)  # fmt: skip

ISOLATED: Final = Experiment(
    "set", faults="partition=isolate-leader", windows=((2.0, 7.0),), nodes=3, time_limit_s=13.0
)
"""The clients that were there stay with the old master, on its side; the others elect another within three seconds."""

MINORITY: Final = Experiment(
    "set", {"wait": "1"}, faults="partition=isolate-leader:2", windows=((2.0, 7.0),), time_limit_s=13.0
)
"""The old master keeps one replica of four."""

LAGGING: Final = Experiment(
    "register", faults="delay", windows=((1.0, 9.0),), nodes=3, rate_hz=200.0, time_limit_s=10.0
)
"""Often enough that operations on a key overlap: the master answers in less than a millisecond."""

POWER_LOSS: Final = Experiment(
    "set", {"appendfsync": "always"}, faults="power-loss", windows=((3.0, 5.0),), nodes=1, time_limit_s=8.0
)

NO_WAIT: Final = Variant("wait=0", {"wait": "0"})
FROM_ANY: Final = Variant("reads=any", {"reads": "any"})
EVERY_SECOND: Final = Variant("appendfsync=everysec", {"appendfsync": "everysec"})


def _other(workload: str, rate_hz: float = 40.0) -> Experiment:
    """The same partition under another workload."""
    return ISOLATED.varied(Variant(workload, sizes={"workload": workload, "rate_hz": rate_hz}))


CLAIMS: Final = (
    Claim(
        "REDIS-1",
        "After a partition that leaves the master with its clients, most of what it acknowledged is gone.",
        Source(JEPSEN, "Jepsen: Redis", None, "we demonstrate Redis losing 56% of writes during a partition"),
        ISOLATED,
        Violates(("lost",)),
        thresholds=BUDGET,
        providers=ON_NODES,
    ),
    Claim(
        "REDIS-2",
        "A master that refuses writes when it hears of no replica loses fewer, and still loses some.",
        Source(DOCS, "Redis replication: Allow writes only with N attached replicas", None,
               "consistency is not ensured for a given write, but at least the time window for data loss is "
               "restricted"),
        ISOLATED.varied(Variant("min-replicas=1", {"min-replicas": "1"})),
        Violates(("lost",)),
        thresholds=BUDGET,
        providers=ON_NODES,
    ),
    Claim(
        "REDIS-3a",
        "With WAIT a write that two servers have is lost all the same, if the other three elect one of themselves.",
        Source(DOCS, "WAIT: Consistency and WAIT", None, "WAIT does not make Redis a strongly consistent store"),
        MINORITY,
        Violates(("lost",)),
        thresholds=BUDGET,
        providers=ON_NODES,
    ),
    Claim(
        "REDIS-3b",
        "With WAIT for one of two replicas nothing is acknowledged by a master that is cut off from both.",
        Source(DOCS, "Redis replication", None,
               "the probability of losing a write after a failure event is greatly reduced to certain hard to trigger "
               "failure modes"),
        ISOLATED.varied(Variant("wait=1", {"wait": "1"})),
        Holds(("lost",)),
        control=NO_WAIT,
        thresholds=BUDGET,
        providers=ON_NODES,
    ),
    Claim(
        "REDIS-4a",
        "While no failover comes, reads and writes of the master are linearizable.",
        Source(JEPSEN, "Jepsen: Redis", None,
               "This is still a CP system, so long as we never read from the secondaries."),
        LAGGING,
        Holds(),
        control=FROM_ANY,
        thresholds=BUDGET,
        providers=ON_NODES,
    ),
    Claim(
        "REDIS-4b",
        "Who reads from any node may not find what he has just written, or see it and then not.",
        Source(JEPSEN, "Jepsen: Redis", None, "If you do read from the secondaries, it’s possible to read stale data."),
        LAGGING.varied(Variant("sessions", {"reads": "any"}, sizes={"workload": "sessions"})),
        Violates(("read-your-writes", "monotonic-reads")),
        thresholds=BUDGET,
        providers=ON_NODES,
    ),
    Claim(
        "REDIS-4c",
        "While no failover comes, transactions (MULTI) of the master are strictly serializable.",
        Source(JEPSEN, "Jepsen: Redis", None,
               "There’s also support for basic transactions, which are atomic and isolated from one another."),
        LAGGING.varied(Variant("list-append", sizes={"workload": "list-append"})),
        Holds(),
        control=FROM_ANY,
        thresholds=BUDGET,
        providers=ON_NODES,
    ),
    Claim(
        "REDIS-5a",
        "With two masters at a time, and the writes of one of them thrown away, a register is not linearizable.",
        SENTINEL,
        _other("register", rate_hz=20.0),  # a key is in use for as long as the run
        Violates(("non-linearizable",)),
        thresholds=BUDGET,
        providers=ON_NODES,
    ),
    Claim(
        "REDIS-5b",
        "Numbers that were given out by INCR are given out again.",
        SENTINEL,
        _other("unique-ids"),
        Violates(("duplicate",)),
        thresholds=BUDGET,
        providers=ON_NODES,
    ),
    Claim(
        "REDIS-5c",
        "Transactions (MULTI) that were acknowledged are undone.",
        SENTINEL,
        _other("list-append"),
        Violates(("incompatible-order",)),
        thresholds=BUDGET,
        providers=ON_NODES,
    ),
    Claim(
        "REDIS-6",
        "A log that is synced before every answer loses nothing in a power loss; once a second is not enough.",
        Source(DOCS, "Redis persistence: How durable is the append only file?", None,
               "you may lose 1 second of data if there is a disaster"),
        POWER_LOSS,
        Holds(("lost",)),
        control=EVERY_SECOND,
        thresholds=BUDGET,
        providers=ON_NODES,
    ),
)  # fmt: skip
