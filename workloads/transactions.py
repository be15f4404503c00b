"""What the workloads of transactions share: short transactions on a few keys, which are left after a while.

After Elle's generator (Kingsbury and Alvaro, VLDB 2020): a transaction has one to four micro-operations; some keys are
in use at a time, the newer the more; a key that was written WRITES_PER_KEY times is replaced by a new one, so that no
value grows without bound; and every write to a key has a value of its own, so that a read tells whose write it saw.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from harness.generator import PENDING, Answer, Context, Generator, clients, fill, invoke, rate
from harness.history import History, Op
from harness.result import Result
from harness.workload import Thresholds, Workload, WorkloadOptions
from workloads.final import dumps

EXPECT: Final = "strict-serializable"
READ: Final = "r"
STEPS_MAX: Final = 4
KEYS: Final = 6
WRITES_PER_KEY: Final = 32

PROBE_KEY: Final = -1
"""The key of the probes, which no other transaction touches."""


@dataclass(frozen=True, slots=True)
class _Key:
    """A key in use, and how often it was written."""

    key: int
    written: int = 0


_FIRST: Final = tuple(_Key(key) for key in range(KEYS))


@dataclass(frozen=True, slots=True)
class _Transactions:
    """``write`` is the micro-operation that writes; ``keys`` those in use, the oldest first."""

    write: str
    position: int = 0
    keys: tuple[_Key, ...] = _FIRST
    next_key: int = KEYS

    def op(self, context: Context) -> Answer:
        draws = context.draws(self.position)
        keys, next_key = list(self.keys), self.next_key
        steps: list[list[Any]] = []
        for _ in range(1 + draws.below(STEPS_MAX)):
            place = draws.weighted(range(1, KEYS + 1))
            used = keys[place]
            if draws.below(2):
                steps.append([READ, used.key, None])
                continue
            steps.append([self.write, used.key, used.written + 1])
            keys[place] = _Key(used.key, used.written + 1)
            if used.written + 1 == WRITES_PER_KEY:
                keys = [*keys[:place], *keys[place + 1 :], _Key(next_key)]
                next_key += 1
        op = fill(invoke("txn", steps), context)
        return (
            (PENDING, self)
            if op is PENDING
            else (op, _Transactions(self.write, self.position + 1, tuple(keys), next_key))
        )

    def update(self, context: Context, event: Op) -> Generator:
        return self


def transactions(write: str, options: WorkloadOptions) -> Generator:
    """Random transactions of reads and of ``write`` ("append" or "w"), at the plan's rate, without end."""
    return clients(rate(options.rate_hz, _Transactions(write)))


def touched(value: Sequence[Sequence[Any]]) -> Iterator[tuple[Any, bool]]:
    """The keys of a transaction, each with whether it is written there."""
    for f, key, _ in value:
        yield key, f != READ


THRESHOLDS: Final = Thresholds(counted=("txn",), writes=("txn",), touched=touched)


def workload(name: str, write: str, summary: str) -> Workload:
    """The workload whose transactions read, and write by the micro-operation ``write`` ("append" or "w")."""
    return Workload(
        name=name,
        summary=summary,
        operations=frozenset({"txn"}),
        expect=EXPECT,
        model=None,
        generator=lambda options: transactions(write, options),
        final_generator=lambda options: clients(dumps(options)),
        probe=lambda attempt: invoke("txn", [[write, PROBE_KEY, attempt + 1]]),
        check=check,
        thresholds=THRESHOLDS,
    )


def check(history: History, time_limit_s: float | None) -> Result:
    from checkers.transactional import check as check_transactional

    return check_transactional(history, expect=EXPECT, time_limit_s=time_limit_s)
