"""What replicas said of themselves: were they seen to differ, and how soon after the last heal did they agree?"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from harness.claims.timed import Timed
from harness.history import DUMP

Said = tuple[Timed, int, Any]
"""a dump, how much was applied there, what it held"""


def differed(operations: Sequence[Timed], main_end_ns: int) -> bool:
    """Whether, with the load still on, a replica was asked after another one had answered, and had applied less; or as
    much, and held something else."""
    seen: list[Said] = []
    for said in _dumps(operations):
        dump, applied, state = said
        if dump.begun_ns > main_end_ns:
            return False
        before = [(more, other) for earlier, more, other in seen if earlier.done_ns < dump.begun_ns]
        if any(more > applied or (more == applied and other != state) for more, other in before):
            return True
        seen.append(said)
    return False


def agreed_s(operations: Sequence[Timed], since_ns: int) -> float | None:
    """Seconds from ``since_ns`` until every replica that ever answered had said, later than that, what all the others
    said too. None if that never was."""
    dumps = list(_dumps(operations))
    nodes = {dump.node for dump, _, _ in dumps}
    last: dict[str | None, Any] = {}
    for dump, _, state in dumps:
        if dump.begun_ns < since_ns:
            continue
        last[dump.node] = state
        if len(last) == len(nodes) > 1 and all(other == state for other in last.values()):
            return round((dump.done_ns - since_ns) / 1e9, 3)
    return None


def _dumps(operations: Sequence[Timed]) -> Iterator[Said]:
    for operation in operations:
        if operation.f == DUMP and operation.ok and isinstance(operation.value, Mapping):
            yield operation, operation.value.get("applied", 0), operation.value.get("state")
