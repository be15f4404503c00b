"""What the books say of single-leader replication, by theme."""

from __future__ import annotations

from typing import Final

from harness.claim import Claim

from systems_under_test.single_leader.claims import durability, failover, order, reads

CLAIMS: Final[tuple[Claim, ...]] = (*durability.CLAIMS, *failover.CLAIMS, *order.CLAIMS, *reads.CLAIMS)
