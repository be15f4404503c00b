"""What the books say of single-leader replication, by theme."""

from __future__ import annotations

from typing import Final

from harness.claim import Claim

from systems_under_test.single_leader.claims import detection, durability, failover, order, reads, regions, scaling

CLAIMS: Final[tuple[Claim, ...]] = (
    *durability.CLAIMS,
    *failover.CLAIMS,
    *order.CLAIMS,
    *detection.CLAIMS,
    *reads.CLAIMS,
    *regions.CLAIMS,
    *scaling.CLAIMS,
)
