"""What logs of transactions in sessions have in common: they say who did what in which order, and nothing of time.

A history needs one order of lines, so the sessions stand one after the other; what one session did before another means
nothing then, which ``Recording.realtime`` says: no model may be judged by it that is about real time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Any, NamedTuple

from harness.formats.record import operation
from harness.formats.source import Mismatch, shown
from harness.history import Op

_INT64_MAX = 2**63 - 1


class Transaction(NamedTuple):
    """``micros``: micro-operations ``["w", key, value]`` and ``["r", key, value]``; ``line`` is the first one's."""

    line: int
    session: int
    micros: list[list[Any]]


def operations(transactions: Iterable[Transaction]) -> Iterator[tuple[int, Op]]:
    """Each transaction as an invocation, in which nothing is read yet, and its completion; all are committed."""
    for transaction in transactions:
        asked = [[f, key, value if f == "w" else None] for f, key, value in transaction.micros]
        call = {"process": transaction.session, "f": "txn"}
        yield transaction.line, operation({**call, "type": "invoke", "value": asked})
        yield transaction.line, operation({**call, "type": "ok", "value": transaction.micros})


def without_starts(lines: Iterable[tuple[int, Op]]) -> Iterator[tuple[int, Op]]:
    """The completions of transactions of which nobody says when they began, each invoked before all others completed.
    Nothing is then known of their order, not even inside a process: each is a process of its own."""
    ended = [(line, replace(op, process=number, index=-1)) for number, (line, op) in enumerate(
        (line, op) for line, op in lines if op.type != "invoke" and isinstance(op.process, int)
    )]  # fmt: skip
    for line, op in ended:
        yield line, replace(op, type="invoke")
    yield from ended


def integer(word: str) -> int:
    """A key, a value or a number of such a log. Raises :class:`Mismatch`."""
    digits = word.removeprefix("-")
    if not (digits.isascii() and digits.isdigit()) or len(digits) > 19 or int(digits) > _INT64_MAX:
        raise Mismatch(shown(word), "an integer of at most 64 bits")
    return int(word)
