"""The triggers of the databases: each order leaves a line in the audit table, written where the order is."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from systems_under_test.blocks.statement import Trigger

TRIGGERS: Final[Mapping[str, tuple[Trigger, ...]]] = {
    "none": (),
    "deterministic": (
        Trigger("orders", {"insert": "audit", "row": {"order": {"new": "id"}, "tag": {"new": "tag"}}}),
    ),
    "nondeterministic": (
        Trigger("orders", {"insert": "audit", "row": {"order": {"new": "id"}, "seen": {"call": "NOW"}}}),
    ),
}  # fmt: skip
"""What ``triggers`` says."""
