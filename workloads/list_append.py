"""``list-append``: transactions that append to lists and read them; must be strictly serializable.

A list tells its own history: a read shows in which order everything was appended that is there (Elle). So this is the
sharpest of all workloads of transactions, and every anomaly that it finds is certain.
"""

from __future__ import annotations

from typing import Final

from harness.workload import Workload
from workloads.transactions import workload

WORKLOAD: Final[Workload] = workload(
    "list-append", "append", "transactions that append to lists and read them; must be strictly serializable"
)
