"""AWDIT's text form of register transactions: ``w key value`` and ``r key value``, a rule of ``-`` between the
transactions of a session, a rule of ``=`` between sessions. (Møldrup, Pavlogiannis: AWDIT, PLDI 2025.)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

from harness.formats.record import Claims, Recording, record
from harness.formats.sessions import Transaction, integer, operations
from harness.formats.source import FormatError, Mismatch, shown

FORMAT: Final = "awdit-test"
OPERATION: Final = re.compile(r"\s*([rw])\s+(\S+)\s+(\S+)\s*")
_NEXT_TRANSACTION: Final = re.compile(r"\s*-{3,}\s*")
_NEXT_SESSION: Final = re.compile(r"\s*={3,}\s*")


def read(lines: Iterable[str], path: str = "history", *, independent: bool = False) -> Recording:
    """Read a history. Raises :class:`FormatError`."""
    claims = Claims(realtime=False)
    return record(operations(_transactions(lines, path)), path, FORMAT, independent=independent, claims=claims)


def _transactions(lines: Iterable[str], path: str) -> Iterator[Transaction]:
    session = 0
    current: Transaction | None = None
    for number, line in enumerate(lines, 1):
        if line.isspace():
            continue
        ends_session = _NEXT_SESSION.fullmatch(line) is not None
        if ends_session or _NEXT_TRANSACTION.fullmatch(line):
            if current is not None:
                yield current
            current = None
            session += ends_session
            continue
        try:
            micro = _micro(line)
        except Mismatch as error:
            raise FormatError(path, number, error.read, error.expected) from None
        current = current or Transaction(number, session, [])
        current.micros.append(micro)
    if current is not None:
        yield current


def _micro(line: str) -> list[Any]:
    match = OPERATION.fullmatch(line)
    if match is None:
        raise Mismatch(shown(line.strip()), "w key value, r key value, a rule of - or a rule of =")
    return [match[1], integer(match[2]), integer(match[3])]
