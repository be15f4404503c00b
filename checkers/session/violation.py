"""What breaks a guarantee: which operations show it, and by how much."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from checkers.session.operation import Atom, Operation

READ_YOUR_WRITES: Final = "read-your-writes"
MONOTONIC_READS: Final = "monotonic-reads"
MONOTONIC_WRITES: Final = "monotonic-writes"
WRITES_FOLLOW_READS: Final = "writes-follow-reads"
PRAM: Final = "pram"
GUARANTEES: Final = (READ_YOUR_WRITES, MONOTONIC_READS, MONOTONIC_WRITES, WRITES_FOLLOW_READS, PRAM)

GARBAGE_READ, ABORTED_READ, FUTURE_READ = "garbage-read", "G1a", "future-read"
DUPLICATE_ELEMENTS, INCOMPATIBLE_ORDER = "duplicate-elements", "incompatible-order"


@dataclass(frozen=True, slots=True)
class Step:
    """Why ``first`` comes before ``second``. ``reason``: "session" (the same session did them in this order), "read"
    (``reads`` show it under the guarantee), "shown" (``reads[0]`` shows them in this order)."""

    first: Operation
    second: Operation
    reason: str
    reads: tuple[Operation, ...] = ()


@dataclass(frozen=True, slots=True)
class Violation:
    """``witness``: a 1-minimal set of operations that break the guarantee, as ``checkers.session`` says.

    ``earlier`` is what should have been seen or come first (a write, or a read and what it saw: ``seen``), ``later``
    the read or write that contradicts, ``reader`` who saw the order of two writes. ``steps``: what else the story
    needs. ``staleness_versions``: how many versions the read was behind.
    """

    type: str
    key: Atom
    session: int
    witness: tuple[Operation, ...]
    earlier: Operation | None = None
    later: Operation | None = None
    seen: Operation | None = None
    reader: Operation | None = None
    steps: tuple[Step, ...] = ()
    staleness_versions: int | None = None
