"""The campaign for consistent prefix, single decisions and ids: random small histories against the definitions.

    python -m benchmarks.single_object_fuzz [--histories 100000] [--seed 0] [--time-limit 600]

Each checker's verdict must be that of an exhaustive reading of its definition below, which shares nothing with it; each
anomaly must be one by itself: with only its operations (and what may help) the definition is violated. Exit status 0 if
all agree, 1 if anything does not (with the seed that shows it), 2 if the time limit came first.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import combinations, permutations
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

if __name__ == "__main__":  # run as a file, too
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from checkers.consistent_prefix import check as consistent_prefix
from checkers.decision import agreement, integrity, validity
from checkers.ordered_ids import check as ordered_ids
from checkers.unique_ids import check as unique_ids
from harness.history import Call, History, Op
from harness.result import Reason, Result


@dataclass(slots=True)
class Tally:
    """What was checked, by name; and what disagreed, in words."""

    counts: Counter[str] = field(default_factory=Counter)
    disagreements: list[str] = field(default_factory=list)


# Histories


def _interleaved(programs: Sequence[Sequence[tuple[Op, Op | None]]], random: Random) -> list[Op]:
    """Each program's calls in their order, all put together at random."""
    waiting = [[line for pair in program for line in pair if line is not None] for program in programs]
    lines: list[Op] = []
    while any(waiting):
        program = random.choice([each for each in waiting if each])
        lines.append(program.pop(0))
    return lines


def prefixes(random: Random) -> tuple[list[Op], Any]:
    """Appends and reads of lists (or writes and reads of a register), and the initial value."""
    lists = random.random() < 0.75
    initial = random.choice((None, None, [9] if lists else 9))
    distinct = random.random() < 0.8
    order = _elements(random, distinct=distinct)
    programs: list[list[tuple[Op, Op | None]]] = []
    for process in range(random.randint(1, 3)):
        programs.append([])
        for _ in range(random.randint(1, 3)):
            if random.random() < 0.6 and order:
                call = _write(random, process, "append" if lists else "write", order)
            else:
                call = _read(random, process, initial, lists=lists)
            programs[-1].append(call)
            if call[1] is None or call[1].type == "info":
                break
    lines = _interleaved(programs, random)
    if random.random() < 0.7:
        lines = _answered(lines, initial, random, lists=lists)
    if random.random() < 0.3:
        lines = [replace(op, session=f"s{int(op.process) % 2}") for op in lines]
    return lines, initial


def _elements(random: Random, *, distinct: bool) -> list[int]:
    elements = list(range(1, 7)) if distinct else [random.randint(1, 3) for _ in range(6)]
    random.shuffle(elements)
    return elements


def _write(random: Random, process: int, f: str, order: list[int]) -> tuple[Op, Op | None]:
    op = Op("invoke", process, f, order.pop())
    outcome = random.choice(("ok", "ok", "ok", "ok", "info", "fail", None))
    return op, None if outcome is None else replace(op, type=outcome)  # type: ignore[arg-type]


def _read(random: Random, process: int, initial: Any, *, lists: bool) -> tuple[Op, Op]:
    answer: Any = random.choice((initial, 1, 2, 3))
    if lists:
        answer = random.sample(range(1, 7), random.randint(0, 3))
    return Op("invoke", process, "read"), Op("ok", process, "read", answer)


def _answered(lines: Sequence[Op], initial: Any, random: Random, *, lists: bool) -> list[Op]:
    """The lines with reads that show a prefix of the writes, most of the time, in order of invocation or another."""
    written: list[Any] = list(initial or []) if lists else [initial]
    writes = [op.value for op in lines if op.type == "invoke" and op.f in ("append", "write")]
    if random.random() < 0.5:
        random.shuffle(writes)
    found = []
    begun = 0
    for op in lines:
        begun += op.type == "invoke" and op.f in ("append", "write")
        if op.type == "ok" and op.f == "read" and random.random() < 0.9:
            shown = written + writes[random.random() < 0.2 : random.randint(0, begun)]
            found.append(replace(op, value=shown if lists else [*shown, initial][-1 - bool(shown)]))
        else:
            found.append(op)
    return found


def decisions(random: Random) -> list[Op]:
    """Proposals and what was learnt, of one key or two; most often right."""
    favourite = random.randint(1, 3)
    error = random.choice((0.0, 0.2, 0.5, 0.8))
    programs: list[list[tuple[Op, Op | None]]] = []
    for process in range(random.randint(1, 4)):
        programs.append([])
        for _ in range(random.randint(1, 2)):
            f, key = random.choice(("propose", "propose", "learn")), random.choice((None, None, "y"))
            given = random.choice((favourite, random.randint(1, 3))) if f == "propose" else None
            told = random.choice((None, random.randint(1, 4))) if random.random() < error else favourite
            node = random.choice((None, "n1", "n2"))
            outcome = random.choice(("ok", "ok", "ok", "fail", "info"))
            op = Op("invoke", process, f, given, key=key, node=node)
            programs[-1].append((op, replace(op, type=outcome, value=told)))  # type: ignore[arg-type]
    return _interleaved(programs, random)


def ids(random: Random) -> list[Op]:
    """Ids given out: by a counter that now and then goes wrong."""
    shape = random.choice((lambda i: i, lambda i: i, lambda i: f"{i:03}", lambda i: [i // 3, i % 3]))
    programs: list[list[tuple[Op, Op | None]]] = []
    for process in range(random.randint(1, 4)):
        op = Op("invoke", process, "generate", key=random.choice((None, None, "y")))
        programs.append([(op, replace(op, type=random.choice(("ok", "ok", "ok", "fail", "info"))))
                         for _ in range(random.randint(1, 3))])  # fmt: skip
    lines = _interleaved(programs, random)
    error, found = random.choice((0.0, 0.2, 0.5)), []
    for i, op in enumerate(lines):
        number = random.randint(0, len(lines)) if random.random() < error else i
        found.append(replace(op, value=shape(number)) if op.type == "ok" else op)
    return found


# Definitions


def _by_key(history: History) -> Iterator[list[Call]]:
    calls = history.calls()
    for key in {repr(call.key): call.key for call in calls}.values():
        yield [call for call in calls if repr(call.key) == repr(key)]


def _session(history: History, call: Call) -> Any:
    return history.sessions[call.invoke] if history.sessions else call.process


def is_consistent_prefix(history: History, initial: Any) -> bool:
    """Whether some order of all ok writes and some of the unknown ones explains every read by one of its prefixes."""
    return all(_explained(history, calls, initial) for calls in _by_key(history))


def _explained(history: History, calls: Sequence[Call], initial: Any) -> bool:
    reads = [call for call in calls if call.f == "read" and call.outcome == "ok"]
    lists = any(call.f == "append" for call in calls)
    if all(call.f == "read" for call in calls):  # what nobody writes to is what it is read as
        lists = isinstance(initial, list | None) and any(isinstance(read.result, list) for read in reads)
    sure = [call for call in calls if call.f != "read" and call.outcome == "ok"]
    unsure = [call for call in calls if call.f != "read" and call.outcome == "info"]
    for count in range(len(unsure) + 1):
        for happened in combinations(unsure, count):
            for order in permutations([*sure, *happened]):
                if _keeps_sessions(history, order) and all(_shows_prefix(r, order, initial, lists) for r in reads):
                    return True
    return False


def _keeps_sessions(history: History, order: Sequence[Call]) -> bool:
    return not any(
        _session(history, a) == _session(history, b) and b.outcome == "ok" and (b.complete or 0) < a.invoke
        for a, b in combinations(order, 2)
    )


def _shows_prefix(read: Call, order: Sequence[Call], initial: Any, lists: bool) -> bool:
    for length in range(len(order) + 1):
        prefix = order[:length]
        values = [call.argument for call in prefix]
        shown = [*(initial or []), *values] if lists else (values[-1] if values else initial)
        if (read.result or []) == shown if lists else read.result == shown:
            return all(call.invoke < (read.complete or 0) for call in prefix)
    return False


def _told(calls: Iterable[Call]) -> list[Call]:
    return [call for call in calls if call.outcome == "ok" and call.result is not None]


def agrees(history: History) -> bool:
    return all(a.result == b.result for calls in _by_key(history) for a, b in combinations(_told(calls), 2))


def is_integral(history: History) -> bool:
    def teller(call: Call) -> Any:
        node = history.nodes[call.invoke] if history.nodes else None
        return ("process", call.process) if node is None else node

    pairs = ((a, b) for calls in _by_key(history) for a, b in combinations(_told(calls), 2))
    return all(a.result == b.result for a, b in pairs if teller(a) == teller(b))


def is_proposed(history: History) -> bool:
    return all(
        any(
            p.f == "propose" and p.outcome != "fail" and p.argument == told.result and p.invoke < (told.complete or 0)
            for p in calls
        )
        for calls in _by_key(history)
        for told in _told(calls)
    )


def _pairs_of_ids(history: History) -> Iterator[tuple[Call, Call]]:
    for calls in _by_key(history):
        yield from permutations([call for call in calls if call.outcome == "ok"], 2)


def is_unique(history: History) -> bool:
    return not any(a.result == b.result for a, b in _pairs_of_ids(history))


def is_ordered(history: History) -> bool:
    return all(a.result < b.result for a, b in _pairs_of_ids(history) if (a.complete or 0) < b.invoke)


# The comparison

Check = Callable[[History, Any], Result]
Define = Callable[[History, Any], bool]
CHECKS: dict[str, tuple[Check, Define]] = {
    "consistent-prefix": (lambda h, i: consistent_prefix(h, initial=i), is_consistent_prefix),
    "agreement": (lambda h, _: agreement.check(h), lambda h, _: agrees(h)),
    "integrity": (lambda h, _: integrity.check(h), lambda h, _: is_integral(h)),
    "validity": (lambda h, _: validity.check(h), lambda h, _: is_proposed(h)),
    "unique-ids": (lambda h, _: unique_ids(h), lambda h, _: is_unique(h)),
    "ordered-ids": (lambda h, _: ordered_ids(h), lambda h, _: is_ordered(h)),
}


def small(expect: str, random: Random) -> tuple[list[Op], Any]:
    """A history for that checker, and its initial value."""
    if expect == "consistent-prefix":
        return prefixes(random)
    return (ids(random) if expect.endswith("-ids") else decisions(random)), None


def examine(tally: Tally, expect: str, seed: int) -> None:
    """Compare one history's verdict with the definition."""
    lines, initial = small(expect, Random(f"{expect} {seed}"))
    history = History(lines)
    check, define = CHECKS[expect]
    result, truth = check(history, initial), define(history, initial)
    tally.counts[f"{expect}: {result.valid}"] += 1
    if result.reason == Reason.CHECKER_ERROR or result.valid not in ("unknown", truth):
        tally.disagreements.append(f"{expect}, seed {seed}: {result.valid}, by definition {truth}: {result}")
    for anomaly in result.anomalies:
        tally.counts[f"{expect}: {anomaly.type}"] += 1
        known = {call.invoke for call in history.calls()}
        if not anomaly.operations or not set(anomaly.operations) <= known:
            tally.disagreements.append(f"{expect}, seed {seed}: operations that are none: {anomaly}")
        elif not _is_witness(history, anomaly.operations, define, initial):
            tally.disagreements.append(f"{expect}, seed {seed}: no violation by itself: {anomaly}")


def _is_witness(history: History, members: Sequence[int], define: Define, initial: Any) -> bool:
    """Whether the definition is violated even if all reads but the anomaly's are left out. Whatever was written or
    proposed stays; of the ids only the anomaly's stay."""
    kept = set()
    for call in history.calls():
        if call.invoke in members or call.f in ("append", "write", "propose"):
            kept |= {call.invoke, call.complete}
    lines = []
    for op in history:
        if op.index in kept:
            told = op.f == "propose" and op.type == "ok" and history.partners[op.index] not in members
            lines.append(replace(op, value=None) if told else op)
    return not define(History(lines), initial)


def campaign(histories: int, seed: int, deadline: float, names: Sequence[str] = tuple(CHECKS)) -> Tally:
    """Examine that many histories of each checker, until the deadline."""
    tally = Tally()
    for number in range(seed, seed + histories):
        if monotonic() > deadline:
            break
        for name in names:
            examine(tally, name, number)
        tally.counts["histories"] += 1
    return tally


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign and print its counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--histories", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--time-limit", type=float, default=600.0, help="seconds")
    options = parser.parse_args(arguments)
    began = monotonic()
    tally = campaign(options.histories, options.seed, began + options.time_limit)
    for name, count in sorted(tally.counts.items()):
        print(f"{count:9,}  {name}")
    print(f"{len(tally.disagreements):9,}  disagreements, in {monotonic() - began:.1f} s")
    for message in tally.disagreements[:20]:
        print(message[:1500], file=sys.stderr)
    if tally.disagreements:
        return 1
    return 0 if tally.counts["histories"] == options.histories else 2


if __name__ == "__main__":
    sys.exit(main())
