"""What the books say of users who change region."""

from __future__ import annotations

from typing import Final

from harness.claim import Claim, Experiment, Holds, Source, Variant, Violates

TWO_REGIONS: Final = {"regions": {"eu": ["n1", "n2", "n3"], "us": ["n4", "n5"]}, "latency_ms": {"eu us": 40}}
"""The leader is in the first one: it is the first node, and nobody takes its place."""

CUT_OFF: Final = Experiment(
    "sessions",
    {"failover": "none", "reads": "any", "travel": "on"},
    faults="partition=isolate-region-us",
    topology=TWO_REGIONS,
)
RYW: Final = ("read-your-writes",)

CLAIMS: Final = (
    Claim(
        id="SL-27a",
        sentence="A user who has written and changes region does not find there what he has written.",
        source=Source(
            "DDIA", "ch. 5, Reading Your Own Writes", 164,
            "no guarantee that connections from different devices will be routed to the same datacenter",
        ),
        experiment=CUT_OFF,
        expect=Violates(RYW),
    ),
    Claim(
        id="SL-27b",
        sentence="Who takes the position of his last write along finds it in every region, or is refused.",
        source=Source(
            "DDIA", "ch. 5, Reading Your Own Writes", 163,
            "reflects updates at least until that timestamp",
        ),
        experiment=CUT_OFF.varied(Variant("reads=position", {"reads": "position"})),
        expect=Holds(RYW),
        control=Variant("reads=any", {"reads": "any"}),
    ),
)  # fmt: skip
