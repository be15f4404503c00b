"""What is claimed of chain replication (SL-24): whoever in the chain fails, one replica, the tail, orders everything.

The faults have their times, so that it is known whom they meet. The chain is n1 to n5; a replica that was taken out
comes back behind the tail: once n1 was killed the chain is n2, n3, n4, n5, n1. The masters tell of each replica that
they remove what it was, and a run in which that was not as planned does not count.
"""

from __future__ import annotations

from typing import Final

from harness.claim import Claim, Experiment, Holds, Source, Variant, Violates

from systems_under_test.chain.bug import DIRTY_VERSION_WITHOUT_ASKING_TAIL, REPAIR_DOES_NOT_RESEND

CHAIN: Final = "van Renesse and Schneider 2004"
CRAQ: Final = "Terrace and Freedman 2009"

NOT_LINEARIZABLE: Final = ("non-linearizable",)

HEAD_MIDDLE_TAIL: Final = "kill=n1, kill=n4, kill=n4"
HEAD_MIDDLE_TAIL_S: Final = ((1.5, 3.0), (4.5, 6.0), (7.5, 9.0))
"""n1 is the head; then n4 is third of n2, n3, n4, n5, n1; and then it is the last one, having come back."""

MIDDLE: Final = "kill=n2, kill=n3"
MIDDLE_S: Final = ((1.5, 3.5), (5.5, 7.5))

CUT_OFF_TAIL: Final = "partition=isolate-n5"
CUT_OFF_TAIL_S: Final = ((2.0, 6.0),)

GAPS: Final = "delay=n3, partition=isolate-n2, partition=isolate-n3"
GAPS_S: Final = ((1.0, 3.0), (4.0, 5.5), (7.0, 8.5))
"""Of a chain of three: a slow tail; a gap before n2; and one before n3, or behind it."""

NOT_RESENT: Final = Variant("what was in flight is not resent", bugs=(REPAIR_DOES_NOT_RESEND,))
ANY_EPOCH: Final = Variant("a tail answers for its old epoch", {"tail-reads": "any-epoch"})
NOT_ASKED: Final = Variant("the tail is not asked", bugs=(DIRTY_VERSION_WITHOUT_ASKING_TAIL,))

CLAIMS: Final[tuple[Claim, ...]] = (
    Claim(
        id="SL-24a",
        sentence="Chain replication is linearizable when the head, one in the middle, and the tail are killed.",
        source=Source(
            CHAIN, "3 Chain Replication Protocol", None,
            "query requests and update requests are all processed serially at a single server (the tail)",
        ),
        experiment=Experiment("register", faults=HEAD_MIDDLE_TAIL, windows=HEAD_MIDDLE_TAIL_S),
        expect=Holds(NOT_LINEARIZABLE),
        control=NOT_RESENT,
        told=("head-removed", "middle-removed", "tail-removed"),
    ),
    Claim(
        id="SL-24b",
        sentence="A tail that is cut off, and not dead, answers stale reads where it need not be of the present epoch.",
        source=Source(
            CHAIN, "3 Chain Replication Protocol", None, "a server's halted state can be detected by the environment"
        ),
        experiment=Experiment("register", {"tail-reads": "any-epoch"}, faults=CUT_OFF_TAIL, windows=CUT_OFF_TAIL_S),
        expect=Violates(NOT_LINEARIZABLE),
        told=("tail-removed",),
    ),
    Claim(
        id="SL-24c",
        sentence="A tail that holds a lease from the masters, who wait until it has run out, answers no stale read.",
        source=Source(
            CHAIN, "3.2 Coping with Server Failures", None,
            "informs clients which server is the head and which is the tail of the chain",
        ),
        experiment=Experiment("register", faults=CUT_OFF_TAIL, windows=CUT_OFF_TAIL_S),
        expect=Holds(NOT_LINEARIZABLE),
        control=ANY_EPOCH,
        told=("tail-removed",),
    ),
    Claim(
        id="SL-24d",
        sentence="Apportioned queries: any replica answers, linearizably, if it asks the tail about dirty objects.",
        source=Source(
            CRAQ, "2.2 Chain Replication with Apportioned Queries", None,
            "allowing any node in the chain to handle read operations while still providing strong consistency "
            "guarantees",
        ),
        experiment=Experiment("register", {"reads": "apportioned"}, faults=GAPS, windows=GAPS_S, nodes=3,
                              concurrency=15, rate_hz=60.0),
        expect=Holds(NOT_LINEARIZABLE),
        control=NOT_ASKED,
        told=("reconfigured",),
    ),
    Claim(
        id="SL-24e",
        sentence="When one in the middle fails, its predecessor resends what was in flight, and nothing is lost.",
        source=Source(
            "DDIA", "ch. 5, Research on Replication", 155,
            "replication methods that do not lose data but still provide good performance and availability",
        ),
        experiment=Experiment("set", faults=MIDDLE, windows=MIDDLE_S),
        expect=Holds(("lost",)),
        control=NOT_RESENT,
        told=("middle-removed",),
    ),
)  # fmt: skip
