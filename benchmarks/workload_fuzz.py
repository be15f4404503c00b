"""The campaign for bank, long fork, causal reverse, write skew, booking and log: random histories, and the definitions.

    python -m benchmarks.workload_fuzz [--histories 100000] [--seed 0] [--time-limit 600] [--expect NAME]

Each verdict must be that of the definition, and unknown only where it may be; each anomaly must be one by itself: with
the reads of all other operations left out the definition is still violated (of logs, all anomalies are counted and
compared instead). Exit status 0 if all agree, 1 if anything does not (with the seed that shows it), 2 if the time limit
came first.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any, Literal

if __name__ == "__main__":  # run as a file, too
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import booking_definitions, log_definitions, workload_definitions
from benchmarks.workload_histories import HISTORIES
from checkers.names import checker
from harness.history import Call, History, Op
from harness.result import Reason, Result

Define = Callable[[History, dict[str, Any]], bool]
DEFINITIONS: dict[str, Define] = {
    "bank": workload_definitions.is_bank,
    "long-fork": workload_definitions.sees_prefixes,
    "causal-reverse": workload_definitions.keeps_order,
    "write-skew": workload_definitions.is_serial,
    "booking": lambda history, _: not booking_definitions.wrong(history),
}
READS = ("read", "bookings")


@dataclass(slots=True)
class Tally:
    """What was checked, by name; and what disagreed, in words."""

    counts: Counter[str] = field(default_factory=Counter)
    disagreements: list[str] = field(default_factory=list)


def examine(tally: Tally, expect: str, seed: int) -> None:
    """Compare one history's verdict with the definition."""
    lines, options = HISTORIES[expect](Random(f"{expect} {seed}"))
    history = History(lines)
    result = checker(expect)(history, **options)
    objections: list[str] = []
    if expect == "log":
        wrong, allowed = log_definitions.anomalies(history)
        truth = not wrong
        objections += _miscounted(result, wrong, allowed)
    else:
        truth = DEFINITIONS[expect](history, options)
    if expect == "booking":
        objections += _otherwise_told(result, history)
    tally.counts[f"{expect}: {result.valid}"] += 1
    for anomaly in result.anomalies:
        tally.counts[f"{expect}: {anomaly.type}"] += 1
    objections += _objections(expect, history, options, result, truth=truth)
    for objection in objections:
        tally.disagreements.append(f"{expect}, seed {seed}: by definition {truth}: {objection}: {result}")


def _objections(
    expect: str, history: History, options: dict[str, Any], result: Result, *, truth: bool
) -> Iterator[str]:  # fmt: skip
    if result.valid == "unknown":
        if not _may_be_unknown(expect, history, result, options, truth=truth):
            yield f"unknown ({result.reason})"
    elif result.valid is not truth:
        yield "another verdict"
    for anomaly in result.anomalies:
        if not anomaly.operations or not anomaly.explanation.endswith("."):
            yield f"an anomaly without operations or end: {anomaly}"
        elif expect != "log" and DEFINITIONS[expect](alone(expect, history, anomaly.operations), options):
            yield f"no violation by itself: {anomaly}"
        elif expect == "write-skew":
            yield from _smaller(history, anomaly.operations, options)


def _miscounted(result: Result, wrong: Counter[str], allowed: Counter[str]) -> Iterator[str]:
    counted = {name: count for name, count in result.details["allowed"].items() if name not in ("G0", "G1c-ww")}
    if result.details["anomalies"] != dict(wrong) or counted != dict(allowed):
        yield f"counted {result.details}, by definition {wrong} and {allowed}"


def _otherwise_told(result: Result, history: History) -> Iterator[str]:
    """Bookings: other types of anomalies than by definition, or valid where that may not be said."""
    wrong = booking_definitions.wrong(history)
    if {anomaly.type for anomaly in result.anomalies} != wrong:
        yield f"told {[anomaly.type for anomaly in result.anomalies]}, by definition {sorted(wrong)}"
    if result.valid is True and (booking_definitions.is_unread(history) or booking_definitions.is_uncontested(history)):
        yield "valid, and not tested"


def _may_be_unknown(
    expect: str, history: History, result: Result, options: dict[str, Any], *, truth: bool
) -> bool:  # fmt: skip
    """A wrong history only where it needs more than is looked at: the order of several writes of one key."""
    if not truth and (expect, result.reason) != ("long-fork", Reason.UNSUPPORTED):
        return False
    reads = [call for call in history.calls() if call.outcome == "ok" and call.f == "read"]
    match expect, result.reason:
        case "bank", Reason.TOO_FEW_OK:
            return len(reads) < (1 if "total" in options else 2)
        case "long-fork", Reason.UNSUPPORTED:
            keys = Counter(micro[1] for call in history.calls() if call.outcome != "fail"
                           for micro in call.argument if micro[0] == "w")  # fmt: skip
            return max(keys.values(), default=0) > 1
        case "booking", Reason.MISSING_FINAL_READ:
            return booking_definitions.is_unread(history)
        case "booking", Reason.TOO_FEW_OK:
            return booking_definitions.is_uncontested(history)
        case "log", Reason.MISSING_FINAL_READ:
            return log_definitions.is_unseen(history)
        case "log", Reason.UNSUPPORTED:
            return log_definitions.repeats(history)
        case _, reason:
            return reason is Reason.TOO_FEW_OK


def alone(expect: str, history: History, members: Collection[int]) -> History:
    """The history with all reads left out but those of the members; what others wrote may have happened or not."""
    lines: list[Op] = []
    for call in history.calls():
        if call.invoke in members:
            lines += [history[position] for position in (call.invoke, call.complete) if position is not None]
        elif call.f not in READS:
            lines += _unread(expect, history, call)
    return History(sorted(lines, key=lambda op: op.index))


def _unread(expect: str, history: History, call: Call) -> list[Op]:
    """What is left of a call that is no member."""
    halves = [history[position] for position in (call.invoke, call.complete) if position is not None]
    type_: Literal["fail", "info"] = "fail" if call.outcome == "fail" else "info"
    if call.f != "txn":
        return [op if op.type == "invoke" else replace(op, type=type_) for op in halves]
    told = call.result if call.outcome == "ok" else call.argument
    writes = [micro for micro in told if micro[0] == "w"]
    if not writes:
        return []
    return [replace(op, value=writes, type=op.type if op.type == "invoke" else type_) for op in halves]


def _smaller(history: History, members: Sequence[int], options: dict[str, Any]) -> Iterator[str]:
    """Whether a member could be left out."""
    for call in history.calls():
        if call.invoke in members:
            fewer = set(members) - {call.invoke, call.complete}
            if not workload_definitions.is_serial(alone("write-skew", history, fewer), options):
                yield f"the witness {members} does not need {call.invoke}"


def campaign(histories: int, seed: int, deadline: float, names: Sequence[str] = tuple(HISTORIES)) -> Tally:
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
    parser.add_argument("--expect", choices=tuple(HISTORIES), action="append", help="(default: all)")
    options = parser.parse_args(arguments)
    began = monotonic()
    names = options.expect or tuple(HISTORIES)
    tally = campaign(options.histories, options.seed, began + options.time_limit, names)
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
