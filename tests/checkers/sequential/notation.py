"""A short way to write histories: what each process did, one process after the other in real time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from harness.history import History, Op


@dataclass(frozen=True, slots=True)
class Did:
    """A call; the value of a read is its result. ``outcome`` None: it never completed."""

    f: str
    value: Any = None
    key: Any = None
    outcome: str | None = "ok"
    session: Any = None


def of(*processes: list[Did]) -> History:
    """Each process has ended before the next one begins."""
    lines: list[Op] = []
    for process, calls in enumerate(processes):
        for did in calls:
            given = None if did.f == "read" else did.value
            lines.append(Op("invoke", process, did.f, given, key=did.key, session=did.session))
            if did.outcome is not None:
                lines.append(Op(did.outcome, process, did.f, did.value, key=did.key))  # type: ignore[arg-type]
    return History(lines)


def write(value: Any, key: Any = None, outcome: str | None = "ok", session: Any = None) -> Did:
    return Did("write", value, key, outcome, session)


def read(value: Any, key: Any = None, outcome: str | None = "ok", session: Any = None) -> Did:
    return Did("read", value, key, outcome, session)
