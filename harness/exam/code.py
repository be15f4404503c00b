"""The codes by which the table of seeded bugs says how each shows: what a checker found, in three letters.

An assertion that fails inside a node is "assertion": the node noticed, and not the checker, so it never counts as one.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harness.claims.finding import Finding
from harness.node.failure import ASSERTION

CODES: Final[Mapping[str, str]] = {
    "LIN": "linearizability",
    "SET": "acknowledged elements lost or resurrected",
    "CNT": "counter",
    "MTX": "mutual exclusion",
    "BNK": "conserved total",
    "TXN": "dependency anomaly",
    "Q": "queue",
    "LOG": "offsets, lost or duplicated entries",
    "UID": "unique ids",
    "DIV": "replicas differ after all is quiet",
    "SES": "session guarantees",
    "AVL": "no progress",
    "IDX": "index disagrees with its table",
    "EV": "what nodes told: two leaders in one term, two values chosen",
}

BY_ANOMALY: Final[Mapping[str, str]] = {"divergence": "DIV", "two-leaders": "EV", ASSERTION: ASSERTION}
"""Anomalies that may show in any workload."""

BY_WORKLOAD: Final[Mapping[str, str]] = {
    "register": "LIN",
    "set": "SET",
    "set-full": "SET",
    "counter": "CNT",
    "sessions": "SES",
    "devices": "SES",
    "consistent-prefix": "SES",
    "bank": "BNK",
    "list-append": "TXN",
    "rw-register": "TXN",
    "write-skew": "TXN",
    "booking": "TXN",
    "long-fork": "TXN",
    "unique-ids": "UID",
    "cached-rows": "UID",
    "rows": "SET",
}
"""What every other anomaly is, by the workload that asked."""


def codes(finding: Finding, workload: str, gap_s: float | None = None) -> frozenset[str]:
    """What the run shows; nothing if it is not invalid, but for AVL: that somebody waited ``gap_s`` for an answer."""
    shown = {BY_ANOMALY.get(kind) or BY_WORKLOAD[workload] for kind in finding.anomalies if finding.valid is False}
    if gap_s is not None and finding.longest_gap_s >= gap_s:
        shown.add("AVL")
    return frozenset(shown)
