"""The fixed baseline of benchmarks/transactions.py: one level of each kind of data in plain Python, as first written.

    python -m benchmarks.plain_transactions list|register HISTORY.jsonl

Of lists strict serializability: the version order is the longest read, the graph has ww, wr, rw and real time, and no
cycle. Of registers read atomic: what a reader could have seen of a transaction from which it read came earlier. It is
not to be improved: what is measured is told in multiples of it. Only dictionaries, lists and json are used; no
witness is looked for. Printed: whether the level holds, and the CPU seconds it took to read and to decide.
"""

from __future__ import annotations

import gc
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from time import process_time
from typing import Any

INITIAL = -1


@dataclass(slots=True)
class Plain:
    """A transaction: lines of its invocation and completion (None: nobody knows), and what it did."""

    invoke: int
    complete: int | None
    micros: list[list[Any]]


def read(path: Path) -> list[Plain]:
    """Those that did not fail."""
    running: dict[int, Plain] = {}
    found: list[Plain] = []
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            op = json.loads(line)
            if op["type"] == "invoke":
                running[op["process"]] = Plain(number, None, op["value"])
                continue
            each = running.pop(op["process"])
            if op["type"] == "ok":
                each.complete, each.micros = number, op["value"]
            if op["type"] != "fail":
                found.append(each)
    found += running.values()
    return sorted(found, key=lambda each: each.invoke)


def acyclic(after: Sequence[Sequence[int]]) -> bool:
    """Kahn 1962."""
    waiting = [0] * len(after)
    for targets in after:
        for target in targets:
            waiting[target] += 1
    order = [node for node, count in enumerate(waiting) if not count]
    for node in order:
        for target in after[node]:
            waiting[target] -= 1
            if not waiting[target]:
                order.append(target)
    return len(order) == len(after)


def external(micros: Sequence[Sequence[Any]]) -> Iterator[tuple[Any, Any]]:
    """(key, what was read) before the transaction wrote the key itself."""
    own = set()
    for f, key, value in micros:
        if f != "r":
            own.add(key)
        elif key not in own:
            yield key, value


def strict_serializable(transactions: Sequence[Plain]) -> bool:
    """Of lists; each element is appended once."""
    longest: dict[Any, list[Any]] = {}
    writers: dict[tuple[Any, Any], int] = {}
    for number, each in enumerate(transactions):
        for f, key, value in each.micros:
            if f == "append":
                writers[key, value] = number
        for key, value in external(each.micros) if each.complete is not None else ():
            if len(value or ()) > len(longest.get(key, ())):
                longest[key] = value
    after: list[list[int]] = [[] for _ in transactions]
    orders = {key: [writers.get((key, element), INITIAL) for element in seen] for key, seen in longest.items()}
    if any(INITIAL in order for order in orders.values()):
        return False
    happened = {writer for order in orders.values() for writer in order}
    for (key, element), writer in writers.items():
        if element not in (seen := longest.get(key, [])) and transactions[writer].complete is not None:
            orders.setdefault(key, []).append(writer)
            longest.setdefault(key, seen)
    for order in orders.values():
        for first, second in pairwise(order):
            if first != second:
                after[first].append(second)
    for number, each in enumerate(transactions):
        for key, value in external(each.micros) if each.complete is not None else ():
            seen = value or []
            if seen != longest.get(key, [])[: len(seen)]:
                return False
            order = orders.get(key, [])
            if seen and order[len(seen) - 1] != number:
                after[order[len(seen) - 1]].append(number)
            following = next((writer for writer in order[len(seen) :] if writer != number), None)
            if following is not None:
                after[number].append(following)
    add_real_time(transactions, happened, after)
    return acyclic(after)


def add_real_time(transactions: Sequence[Plain], happened: set[int], after: list[list[int]]) -> None:
    """A joint for each completion, from one to the next."""
    ends = sorted((each.complete, number) for number, each in enumerate(transactions) if each.complete is not None)
    first, done = len(after), 0
    for place, (_, number) in enumerate(ends):
        after[number].append(first + place)
    after.extend([first + place + 1] if place + 1 < len(ends) else [] for place in range(len(ends)))
    for number, each in enumerate(transactions):
        while done < len(ends) and ends[done][0] < each.invoke:
            done += 1
        if done and (each.complete is not None or number in happened):
            after[first + done - 1].append(number)


def read_atomic(transactions: Sequence[Plain]) -> bool:
    """Of registers; each value is written once, and null is the initial one."""
    writers: dict[tuple[Any, Any], int] = {}
    wrote: list[set[Any]] = [set() for _ in transactions]
    for number, each in enumerate(transactions):
        last = {key: value for f, key, value in each.micros if f == "w"}
        wrote[number] = set(last)
        writers.update(((key, value), number) for key, value in last.items())
    after: list[list[int]] = [[] for _ in transactions]
    for number, each in enumerate(transactions):
        sources = []
        for key, value in external(each.micros) if each.complete is not None else ():
            source = INITIAL if value is None else writers.get((key, value))
            if source is None:
                return False
            sources.append((key, source))
            if source not in (INITIAL, number):
                after[source].append(number)
        for key, source in sources:
            for _, seen in sources:
                if seen not in (INITIAL, source) and key in wrote[seen]:
                    if source == INITIAL:
                        return False
                    after[seen].append(source)
    return acyclic(after)


DECIDE = {"list": strict_serializable, "register": read_atomic}


def main(arguments: Sequence[str]) -> int:
    """Decide one history."""
    data, path = arguments
    gc.disable()  # as the checker does
    began = process_time()
    valid = DECIDE[data](read(Path(path)))
    print(json.dumps({"valid": valid, "seconds": process_time() - began}))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
