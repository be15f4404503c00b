"""The mistakes that ``--bug`` seeds into ``chain``: what each is, what exposes it, how it shows."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from harness.system import Bug

HEAD_ANSWERS_READS: Final = "head-answers-reads"
REPAIR_DOES_NOT_RESEND: Final = "repair-does-not-resend"
DIRTY_VERSION_WITHOUT_ASKING_TAIL: Final = "dirty-version-without-asking-tail"

BUGS: Final[Mapping[str, Bug]] = {
    HEAD_ANSWERS_READS: Bug(
        row=10,
        summary="the head answers reads itself, from updates that have not reached the tail",
        faults="partition=isolate-n2, partition=isolate-n3, partition=isolate-n4",
        workloads=("register",),
        shows_as=("LIN",),
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
        faults="delay=n5, delay=n5, partition=isolate-n5",
        workloads=("register",),
        shows_as=("LIN",),
        options={"reads": "apportioned"},
    ),
}
