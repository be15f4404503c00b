"""The mistakes that ``--bug`` seeds into ``chain``: what each is, what exposes it, how it shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harness.system import Bug

HEAD_ANSWERS_READS: Final = "head-answers-reads"
REPAIR_DOES_NOT_RESEND: Final = "repair-does-not-resend"
DIRTY_VERSION_WITHOUT_ASKING_TAIL: Final = "dirty-version-without-asking-tail"

SHORT_CHAIN_CUT: Final = "partition=isolate-n2, partition=isolate-n2, partition=isolate-n3"
MANY_READERS: Final = {"nodes": 3, "concurrency": 15, "rate_hz": 60.0}
"""While an update waits before a gap, a read must see it and another one, on the other side, must not. Clients spread
over the replicas: the fewer these are, the more clients read at each."""

BUGS: Final[Mapping[str, Bug]] = {
    HEAD_ANSWERS_READS: Bug(
        row=10,
        summary="the head answers reads itself, from updates that have not reached the tail",
        faults=SHORT_CHAIN_CUT,
        workloads=("register",),
        shows_as=("LIN",),
        sizes=MANY_READERS,
    ),
    REPAIR_DOES_NOT_RESEND: Bug(
        row=11,
        summary="when a replica of the middle fails, its predecessor does not resend what was in flight",
        faults="kill=n2, kill=n3",
        workloads=("set", "register"),
        shows_as=("SET", "DIV", "LIN"),
    ),
    DIRTY_VERSION_WITHOUT_ASKING_TAIL: Bug(
        row=12,
        summary="a replica answers with a version that is still dirty, without asking the tail which one is committed",
        faults=f"delay=n3, {SHORT_CHAIN_CUT}",
        workloads=("register",),
        shows_as=("LIN",),
        options={"reads": "apportioned"},
        sizes=MANY_READERS,
    ),
}
