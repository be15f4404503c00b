"""The conformance body: what every cluster promises to node programs and to the harness, as statements that run on any.

A system that passes on one provider and fails on another is a bug in us. So one body runs on simulated, loopback and
local clusters, and on every provider to come; ``test_conformance.py`` has what differs between them.
"""

from __future__ import annotations

from typing import Final

from tests.harness.conformance import delivery, durability, environment, network, recovery, refusal
from tests.harness.conformance.world import Statement

STATEMENTS: Final[tuple[Statement, ...]] = (
    *delivery.STATEMENTS,
    *refusal.STATEMENTS,
    *recovery.STATEMENTS,
    *durability.STATEMENTS,
    *environment.STATEMENTS,
    *network.STATEMENTS,
)
