"""Plume's logs of register transactions, one micro-operation a line: ``r(key,value,session,transaction)``, ``w(...)``.

A session's lines stand in its order, those of a transaction together. A read of 0 that nobody wrote to the key is a
read of its initial value, here null. (Liu et al., Plume, OOPSLA 2024; PolySI's and Cobra's histories are in it, too.)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from harness.formats.record import Claims, Recording, record
from harness.formats.sessions import Transaction, integer, operations
from harness.formats.source import FormatError, Mismatch, shown

FORMAT: Final = "plume-txt"
INITIAL: Final = 0
OPERATION: Final = re.compile(r"\s*([rw])\(\s*([^,\s]+)\s*,\s*([^,\s]+)\s*,\s*([^,\s]+)\s*,\s*([^,)\s]+)\s*\)\s*")


def read(lines: Iterable[str], path: str = "history", *, independent: bool = False) -> Recording:
    """Read a history. Raises :class:`FormatError`."""
    transactions = list(_transactions(lines, path))
    _begin_with_null(transactions)
    claims = Claims(realtime=False)
    return record(operations(transactions), path, FORMAT, independent=independent, claims=claims)


def _transactions(lines: Iterable[str], path: str) -> Iterator[Transaction]:
    """By session, each in its order. A transaction whose lines do not stand together is refused."""
    sessions: dict[int, list[Transaction]] = {}
    seen: set[tuple[int, int]] = set()
    current: tuple[int, int] | None = None
    for number, line in enumerate(lines, 1):
        if line.isspace():
            continue
        try:
            micro, session, transaction = _micro(line)
            if (session, transaction) != current:
                if (session, transaction) in seen:
                    raise Mismatch(f"more of transaction {transaction} of session {session}, after others",
                                   "the lines of a transaction together")  # fmt: skip
                current = (session, transaction)
                seen.add(current)
                sessions.setdefault(session, []).append(Transaction(number, session, []))
        except Mismatch as error:
            raise FormatError(path, number, error.read, error.expected) from None
        sessions[session][-1].micros.append(micro)
    for of_session in sessions.values():
        yield from of_session


def _micro(line: str) -> tuple[list[Any], int, int]:
    match = OPERATION.fullmatch(line)
    if match is None:
        raise Mismatch(shown(line.strip()), "r(key,value,session,transaction) or w(key,value,session,transaction)")
    key, value, session, transaction = map(integer, match.groups()[1:])
    if session < 0:
        raise Mismatch(f"session {session}", "a number from 0 on")
    return [match[1], key, value], session, transaction


def _begin_with_null(transactions: Iterable[Transaction]) -> None:
    transactions = list(transactions)
    micros = [micro for each in transactions for micro in each.micros]
    written = {micro[1] for micro in micros if micro[0] == "w" and micro[2] == INITIAL}
    for micro in micros:
        if micro[0] == "r" and micro[2] == INITIAL and micro[1] not in written:
            micro[2] = None
