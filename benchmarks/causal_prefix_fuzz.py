"""The campaign for causal prefix: random small histories of lists against the definition, read off word for word.

    python -m benchmarks.causal_prefix_fuzz [--histories 100000] [--seed 0] [--time-limit 600]

The reads that the checker finds wrong must be those of the definition below, which shares nothing with it; and of each
anomaly its four operations alone must be wrong, and no three of them. Exit status 0 if all agree, 1 if anything does
not (with the seed that shows it), 2 if the time limit came first.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

if __name__ == "__main__":  # run as a file, too
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from checkers.causal_prefix import check
from harness.history import Call, History, Op


@dataclass(slots=True)
class Tally:
    """What was checked, by verdict; and what disagreed, in words."""

    counts: Counter[str] = field(default_factory=Counter)
    disagreements: list[str] = field(default_factory=list)


def random_history(random: Random) -> History:
    """Appends to a few lists, and reads that show their beginnings, mostly without holes; operations overlap. Elements
    may be equal; sessions are processes, or made of two."""
    lists: dict[str, list[int]] = {key: [] for key in "xyz"[: random.randint(2, 3)]}
    sessions = random.choice((None, None, ("a", "b", "b", "c")))
    running: dict[int, Op] = {}
    lines: list[Op] = []
    for _ in range(random.randint(8, 50)):
        process = random.randrange(3 if sessions is None else 4)
        if process in running:
            lines.append(running.pop(process))
            continue
        op = Op("invoke", process, "read", key=random.choice(list(lists)), session=sessions and sessions[process])
        lines.append(_begun(random, op, lists[op.key]))
        running[process] = _ended(random, lines[-1], lists[op.key])
    return History(lines)


def _begun(random: Random, op: Op, elements: list[int]) -> Op:
    if random.random() < 0.6:
        return op
    elements.append(random.randrange(200))
    return replace(op, f="append", value=elements[-1])


def _ended(random: Random, op: Op, elements: Sequence[int]) -> Op:
    if op.f == "append":
        return replace(op, type=random.choice(("ok",) * 8 + ("info", "fail")))
    length = random.choice((len(elements), random.randint(0, len(elements))))
    return replace(op, type="ok", value=[element for element in elements[:length] if random.random() < 0.97])


# The definition


def wrong_reads(history: History) -> set[int]:
    """The invocations of the reads that lack something which they had to show."""
    calls = [call for call in history.calls() if call.outcome != "fail"]
    reads = [call for call in calls if call.f == "read" and call.outcome == "ok"]
    return {read.invoke for read in reads if any(cause not in read.result for cause in _causes(history, read, calls))}


def _causes(history: History, late: Call, calls: Sequence[Call]) -> Iterator[Any]:
    """What the read ``late`` had to show: per earlier read of another list in its session, and element that this one
    showed, what the session that appended the element had known of the list of ``late``."""
    session = _session(history, late)
    for early in calls:
        if early.f != "read" or early.key == late.key or not _precedes(history, early, late, session):
            continue
        for element in early.result:
            appends = [call for call in calls if (call.f, call.key, call.argument) == ("append", early.key, element)
                       and call.invoke < (early.complete or 0)]  # fmt: skip
            if len(appends) != 1 or (writer := _session(history, appends[0])) == session:
                continue
            for known in calls:
                if known.key == late.key and _precedes(history, known, appends[0], writer):
                    yield from [known.argument] if known.f == "append" else known.result


def _session(history: History, call: Call) -> Any:
    return history.sessions[call.invoke] if history.sessions else call.process


def _precedes(history: History, first: Call, second: Call, session: Any) -> bool:
    done = first.outcome == "ok" and first.complete is not None and first.complete < second.invoke
    return done and _session(history, first) == session


# The comparison


def examine(tally: Tally, seed: int) -> None:
    """Compare one history's verdict with the definition."""
    history = random_history(Random(f"causal-prefix {seed}"))
    result, wrong = check(history), wrong_reads(history)
    tally.counts[str(result.valid)] += 1
    told = {anomaly.operations[-1] for anomaly in result.anomalies}
    if (result.valid is False) != bool(wrong) or result.details.get("wrong_reads") != len(wrong) or not told <= wrong:
        tally.disagreements.append(f"seed {seed}: {result}; by definition these reads are wrong: {sorted(wrong)}")
    for anomaly in result.anomalies:
        if not _is_minimal(history, anomaly.operations):
            tally.disagreements.append(f"seed {seed}: no smallest violation by itself: {anomaly}")


def _is_minimal(history: History, operations: Sequence[int]) -> bool:
    subsets = [[each for each in operations if each != left] for left in operations]
    return _alone(history, operations) and not any(_alone(history, subset) for subset in subsets)


def _alone(history: History, operations: Sequence[int]) -> bool:
    """Whether anything is wrong with these operations by themselves."""
    kept = {place for call in history.calls() if call.invoke in operations for place in (call.invoke, call.complete)}
    return bool(wrong_reads(History(op for op in history if op.index in kept)))


def campaign(histories: int, seed: int, deadline: float) -> Tally:
    """Examine that many histories, until the deadline."""
    tally = Tally()
    for number in range(seed, seed + histories):
        if monotonic() > deadline:
            break
        examine(tally, number)
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
