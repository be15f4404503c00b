"""What the books say of the order in which an observer sees writes that caused each other."""

from __future__ import annotations

from typing import Final

from harness.claim import Claim, Experiment, Holds, Source, Variant, Violates

PREFIX: Final = "ch. 5, Consistent Prefix Reads"
REPLY_FIRST: Final = ("effect-before-cause",)

ONE_REPLICA: Final = Experiment("consistent-prefix", {"failover": "none", "reads": "sticky"}, faults="slow-link")
TWO_PARTITIONS: Final = Variant("two partitions", {"partitions": "2"})

CLAIMS: Final = (
    Claim(
        id="SL-9a",
        sentence="Where question and reply are in different partitions, an observer may see the reply first.",
        source=Source(
            "DDIA",
            PREFIX,
            165,
            "If some partitions are replicated slower than others, "
            "an observer may see the answer before they see the question",
        ),
        experiment=ONE_REPLICA.varied(TWO_PARTITIONS),
        expect=Violates(REPLY_FIRST),
    ),
    Claim(
        id="SL-9b",
        sentence="Who asks one follower for the replies and another for the questions may see the reply first.",
        source=Source("DDIA", PREFIX, 166, "anyone reading those writes will see them appear in the same order"),
        experiment=ONE_REPLICA.varied(Variant("any follower", {"reads": "any"})),
        expect=Violates(REPLY_FIRST),
    ),
    Claim(
        id="SL-9c",
        sentence="In one partition, on one replica, nobody sees a reply without its question, however late.",
        source=Source(
            "DDIA",
            PREFIX,
            166,
            "If the database always applies writes in the same order, reads always see a consistent prefix",
        ),
        experiment=ONE_REPLICA,
        expect=Holds(),
        control=TWO_PARTITIONS,
    ),
)
