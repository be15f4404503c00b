"""``rw-register``: transactions that write registers and read them; must be strictly serializable.

Every value is written once, so a read tells whose write it saw, but not what had been there before: the order of the
writes is for the checker to find, which decides it exactly.
"""

from __future__ import annotations

from typing import Final

from harness.workload import Workload
from workloads.transactions import workload

WORKLOAD: Final[Workload] = workload(
    "rw-register", "w", "transactions that write registers and read them; must be strictly serializable"
)
