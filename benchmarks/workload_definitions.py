"""The definitions of bank, long fork, causal reverse and write skew, read exhaustively, for small histories.

Each says whether a history is right (True or False), and shares nothing with the checker that is compared with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations
from typing import Any

from harness.history import Call, History


def ok(history: History) -> list[Call]:
    """The calls that certainly happened, in order of completion."""
    return sorted((call for call in history.calls() if call.outcome == "ok"), key=lambda call: call.complete or 0)


def is_bank(history: History, options: dict[str, Any]) -> bool:
    reads = [call.result for call in ok(history) if call.f == "read"]
    for read in reads:
        total = sum(balance or 0 for balance in reads[0].values())
        if sum(balance or 0 for balance in read.values()) != options.get("total", total):
            return False
        if set(read) != set(reads[0]) or any(balance is None for balance in read.values()):
            return False
        if not options["negative_balances"] and any(balance < 0 for balance in read.values()):
            return False
    return True


def sees_prefixes(history: History, _: dict[str, Any]) -> bool:
    """Whether one order of all writers has a prefix for every reader, which ends before its own write."""
    calls = history.calls()
    writers = [call for call in calls if call.outcome != "fail" and any(f == "w" for f, *_ in call.argument)]
    readers = [call for call in calls if call.outcome == "ok" and any(f == "r" for f, *_ in call.argument)]
    return any(
        all(
            any(_fits(reader, order[:cut]) for cut in range(len(order) + 1) if reader not in order[:cut])
            for reader in readers
        )
        for order in permutations(writers)
    )


def _fits(reader: Call, before: tuple[Call, ...]) -> bool:
    state: dict[Any, Any] = {}
    came: dict[Any, int] = {}
    for writer in before:
        for f, key, value in writer.argument:
            if f == "w":
                state[key], came[key] = value, writer.invoke
    for f, key, value in reader.result:
        if f == "w":
            state[key], came[key] = value, -1
        elif state.get(key) != value or came.get(key, -1) > (reader.complete or 0):
            return False
    return True


def keeps_order(history: History, _: dict[str, Any]) -> bool:
    """Whether no read sees a write and misses one that had completed before it began, or sees what nobody had begun."""
    writes: dict[Any, list[Call]] = {}
    for call in history.calls():
        for value in _written(call):
            writes.setdefault(value, []).append(call)
    for read in ok(history):
        seen, missed = _seen(read, writes)
        for value in seen:
            begun = [write.invoke for write in writes.get(value, ()) if write.outcome != "fail"]
            if not begun or min(begun) > (read.complete or 0):
                return False
            for other in missed:
                ends = [write.complete or 0 for write in writes[other] if write.outcome == "ok"]
                if ends and min(ends) < min(begun):
                    return False
    return True


def _written(call: Call) -> Iterator[Any]:
    if call.f == "write":
        yield call.argument
    elif call.f == "txn":
        yield from (value for f, _, value in call.argument if f == "w")


def _seen(read: Call, writes: dict[Any, list[Call]]) -> tuple[list[Any], list[Any]]:
    """In these histories a transaction's key is k and the value's digits."""
    if read.f == "read":
        return read.result, [value for value in writes if value not in read.result]
    shown = [(key, value) for f, key, value in read.result if f == "r"] if read.f == "txn" else []
    nulls = {key for key, value in shown if value is None}
    return [value for _, value in shown if value is not None], [value for value in writes if f"k{value}" in nulls]


def is_serial(history: History, options: dict[str, Any]) -> bool:
    """Whether the transactions on doctors have a serial order, with any of the unknown ones in it."""
    calls = history.calls()
    sure = [call for call in calls if call.outcome == "ok"]
    unknown = [call for call in calls if call.outcome == "info"]
    return any(
        _runs(order, options.get("initial") or {})
        for count in range(len(unknown) + 1)
        for some in combinations(unknown, count)
        for order in permutations((*sure, *some))
    )


def _runs(order: tuple[Call, ...], initial: dict[str, bool]) -> bool:
    state = dict(initial)
    for call in order:
        for f, doctor, on in call.result if call.outcome == "ok" else call.argument:
            if f == "w":
                state[doctor] = on
            elif call.outcome == "ok" and state.get(doctor, True) != on:
                return False
    return True
