"""A copy of the applied state as rows in the order of their names, for a new follower: all at once, or piece by piece.

*Designing Data-Intensive Applications*, ch. 5, "Setting Up New Followers": a snapshot that belongs to an exact position
in the leader's log can be followed by the log from there. Files copied while clients write to them are of different
points in time, and no position fits them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from systems_under_test.blocks.client_session import ClientSessions
from systems_under_test.blocks.key_value import KeyValue, canonical

Row = Sequence[Any]
"""[name, kind, ...]: a register, an element of a set with its place in it, a client's latest reply with its place in
the order in which they expire, or what else is known of sessions, once one was registered or forgotten."""

REGISTER: Final = "register"
ELEMENT: Final = "element"
CLIENT: Final = "client"
SESSIONS: Final = "sessions"


def rows_of(state: KeyValue, clients: ClientSessions) -> list[Row]:
    """The whole state, sorted by name."""
    held, sessions = state.snapshot(), clients.snapshot()
    rows: list[list[Any]] = [[REGISTER, key, value] for key, value in held["registers"]]
    rows += [[ELEMENT, key, place, each] for key, all_ in held["sets"] for place, each in enumerate(all_)]
    rows += [[CLIENT, name, place, *latest] for place, (name, *latest) in enumerate(sessions["latest"])]
    if sessions["registered"] or sessions["forgets"]:
        rows.append([SESSIONS, "", sessions["registered"], sessions["forgets"]])
    return sorted(([_name(row), *row] for row in rows), key=lambda row: str(row[0]))


def _name(row: Sequence[Any]) -> str:
    kind, key, *rest = row
    return canonical([kind, key, rest[1]] if kind == ELEMENT else [kind, key])


def restore(state: KeyValue, clients: ClientSessions, rows: Sequence[Row]) -> None:
    """Replace both by what the rows are of. Where they are of no one point in time, what comes of them all the same."""
    latest = {row[0]: row[1:] for row in rows}.values()
    sets: dict[str, tuple[Any, list[tuple[int, Any]]]] = {}
    for kind, key, *rest in latest:
        if kind == ELEMENT:
            sets.setdefault(canonical(key), (key, []))[1].append((rest[0], rest[1]))
    state.restore({
        "registers": [[key, rest[0]] for kind, key, *rest in latest if kind == REGISTER],
        "sets": [[key, [each for _, each in sorted(elements, key=_place)]] for key, elements in sets.values()],
    })  # fmt: skip
    sessions = sorted(([*rest, key] for kind, key, *rest in latest if kind == CLIENT), key=_place)
    registered, forgets = next((rest for kind, _, *rest in latest if kind == SESSIONS), (0, False))
    clients.restore({"latest": [[key, sequence, reply] for _, sequence, reply, key in sessions],
                     "registered": registered, "forgets": forgets})  # fmt: skip


def _place(element: Sequence[Any]) -> int:
    return int(element[0])


def piece(rows: Sequence[Row], after: str | None, count: int) -> Mapping[str, Any]:
    """The next rows behind a name, {"rows", "done"}."""
    rest = [row for row in rows if after is None or row[0] > after]
    return {"rows": rest[:count], "done": len(rest) <= count}
