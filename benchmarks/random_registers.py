"""Random histories of transactions on registers: those on lists, each read of which shows only the last element, and
others whose reads are of anything that was written.

A store of lists that keeps an isolation level keeps it so, too: a version of a list is a version of a register.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from random import Random
from typing import Any

from benchmarks import random_transactions
from benchmarks.random_transactions import Draft, Micro, Shape, interleaved
from harness.history import Op


def small(random: Random, transactions: int = 5) -> list[Op]:
    """Up to that many transactions; in some, values are written several times, begin otherwise than null, are told by
    operations of their own (``read``, ``write``), or are not told."""
    kind = random.random()
    if kind < 0.5:
        lists = random_transactions.unread if random.random() < 0.2 else random_transactions.small
        lines = _last_elements(lists(random, transactions), random, wild=0.2 * (random.random() < 0.3))
    else:
        lines = interleaved(random, _drafts(random, random.randint(2, transactions)), random.choice((0.0, 0.5, 1.0)))
    if random.random() < 0.1:
        lines = [replace(line, value=[_repeated(micro) for micro in line.value]) for line in lines]
    return [_plain(line) for line in lines] if random.random() < 0.1 else lines


def stored(random: Random, level: str, shape: Shape | None = None) -> list[Op]:
    """The history that a store of that level (one of random_transactions.LEVELS) left."""
    return list(_last_elements(random_transactions.stored(random, level, shape), random, wild=0.0))


def _last_elements(lines: Iterable[Op], random: Random, wild: float) -> list[Op]:
    """A read shows the last element of what it showed; or, with the probability ``wild``, any."""
    lines = list(lines)
    written = [micro[2] for line in lines for micro in line.value if micro[0] == "append"]

    def told(line: Op) -> Iterator[Micro]:
        for f, key, value in line.value:
            if f == "append":
                yield ["w", key, value]
            elif line.type != "ok":
                yield ["r", key, None]
            else:
                last = value[-1] if value else None
                yield ["r", key, random.choice([*written, None]) if random.random() < wild else last]

    return [replace(line, value=list(told(line))) for line in lines]


def _drafts(random: Random, count: int) -> list[Draft]:
    """Any reads of anything: half of the transactions are read-modify-writes, reads are mostly of what was written."""
    keys = ["x", "y", "z"][: random.randint(1, 3)]
    drafts: list[Draft] = []
    written: dict[str, list[int]] = {key: [] for key in keys}
    for number in range(count):
        micros: list[Micro] = []
        for _ in range(random.choice((1, 2, 2, 3))):
            key = random.choice(keys)
            f = random.choice(("r", "w", "rw"))
            if "r" in f:
                micros.append(["r", key, None])
            if "w" in f:
                value = 10 * number + len(micros)
                written[key].append(value)
                micros.append(["w", key, value])
        outcome = random.choices(("ok", "info", "fail"), (14, 2, 1))[0]
        process = random.randrange(3) if outcome != "info" else 10 + number
        drafts.append(Draft(process, outcome, micros))
    whole = random.choice((0.0, 0.0, 0.3))
    for draft in drafts:
        own: dict[str, int] = {}
        for micro in draft.micros:
            if micro[0] == "w":
                own[micro[1]] = micro[2]
            else:
                others = [each for each in written[micro[1]] if each // 10 != drafts.index(draft)]
                micro[2] = own.get(micro[1], random.choice([*others, None]) if random.random() > whole else None)
    return drafts


def _repeated(micro: Sequence[Any]) -> Micro:
    """With values of which there are three."""
    return [micro[0], micro[1], micro[2] % 3 if isinstance(micro[2], int) else micro[2]]


def _plain(line: Op) -> Op:
    """A transaction of one micro-operation as an operation of its own; a read that another one cannot tell apart."""
    if len(line.value) != 1:
        return line
    f, key, value = line.value[0]
    return replace(line, f="read" if f == "r" else "write", key=key, value=value)
