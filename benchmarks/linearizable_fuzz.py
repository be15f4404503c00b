"""The campaign: random small histories, every method against brute force, every piece of evidence checked again.

    python -m benchmarks.linearizable_fuzz [--histories 20000] [--seed 0] [--z3-every 1] [--time-limit 1200]

Of each history, with nil reads as values and as no information: the verdicts of the search, of z3, of both together,
and of the search given up early so that z3 has to take over, must be those of brute force; each linearization must
replay; each witness must be invalid by brute force, and must not be without any one of its operations. Exit status 0 if
all agree, 1 if anything does not (with the seed that shows it), 2 if the time limit came first.
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
from typing import Any, Literal

if __name__ == "__main__":  # run as a file, too
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.random_history import small
from checkers.linearizable import brute, check
from checkers.linearizable.certificate import refute
from checkers.linearizable.decide import Method, decide
from checkers.linearizable.limit import Limit
from checkers.linearizable.models import BY_NAME
from checkers.linearizable.operation import KeyHistory, Operation, by_key
from checkers.value import Codes
from harness.history import History, Op
from harness.result import Result

NilReads = Literal["value", "unknown"]
MODEL = BY_NAME["cas-register"]


@dataclass(slots=True)
class Tally:
    """What was checked, by name; and what disagreed, in words."""

    counts: Counter[str] = field(default_factory=Counter)
    disagreements: list[str] = field(default_factory=list)

    def expect(self, agrees: bool, message: str) -> None:
        if not agrees:
            self.disagreements.append(message)


def examine(
    tally: Tally, name: str, lines: Sequence[Op], initial: Any, nil_reads: NilReads, methods: Sequence[Method]
) -> None:
    """Decide one history in every way and compare; what was seen goes into the tally."""
    history, codes = History(lines), Codes()
    first = codes.code(initial)
    keys = by_key(history, MODEL, codes, nil_reads)
    truths = [brute.decide(MODEL, first, key.required, key.optional) for key in keys]
    if None in truths:
        tally.counts["undecided by brute force"] += 1
        return
    truth = all(truths)
    tally.counts["valid" if truth else "invalid"] += 1
    for method in methods:
        result = check(history, initial=initial, nil_reads=nil_reads, method=method)
        tally.counts[f"verdicts by {method}"] += 1
        tally.expect(result.valid is truth, f"{name}: {method} says {result.valid}, brute force {truth}: {result}")
        _examine_witnesses(tally, f"{name}: {method}", result, keys, truths, first)
    for key, key_truth in zip(keys, truths, strict=True):
        # With so few configurations the search gives up, and z3 has to take over some windows or all.
        few: list[tuple[Method, Limit]] = [("auto", Limit(configurations=len(lines) % 3))] if "z3" in methods else []
        for way, limit in [("search", Limit()), *few]:
            decision = decide(key, first, way, limit)
            tally.counts[f"keys decided by {decision.method}"] += 1
            tally.expect(decision.valid is key_truth, f"{name}: key {key.key}: {decision.method} says {decision.valid}")
            if decision.valid:
                tally.counts["certificates"] += 1
                objection = refute(MODEL, first, key, decision.order)
                tally.expect(objection is None, f"{name}: key {key.key}: {decision.method}: {objection}")


def _examine_witnesses(
    tally: Tally, name: str, result: Result, keys: Sequence[KeyHistory], truths: Sequence[bool | None], initial: int
) -> None:
    invalid = [key for key, truth in zip(keys, truths, strict=True) if not truth]
    tally.expect(len(result.anomalies) == len(invalid), f"{name}: {len(result.anomalies)} anomalies, {len(invalid)}")
    for key, anomaly in zip(invalid, result.anomalies, strict=False):
        tally.counts["witnesses"] += 1
        members = set(anomaly.operations)
        tally.expect(members <= {each.invoke for each in key.required}, f"{name}: a witness of strangers {anomaly}")
        tally.expect(_explained(key, members, initial) is False, f"{name}: no witness: {anomaly}")
        if anomaly.details["minimal"]:
            tally.counts["minimal witnesses"] += 1
            for member in members:
                verdict = _explained(key, members - {member}, initial)
                tally.expect(verdict is not False, f"{name}: not minimal: {anomaly} without {member}")


def _explained(key: KeyHistory, members: set[int], initial: int) -> bool | None:
    """Brute force on a witness: reads outside it are removed, all else outside it may happen at any time, or never."""
    chosen = [each for each in key.required if each.invoke in members]
    return brute.decide(MODEL, initial, chosen, list(_freed(key, members)))


def _freed(key: KeyHistory, members: set[int]) -> Iterator[Operation]:
    for each in (*key.required, *key.optional):
        if each.invoke not in members and each.step.f != "read":
            yield replace(each, complete=None)


def campaign(histories: int, seed: int, z3_every: int, deadline: float) -> Tally:
    """Examine that many histories, z3 deciding each ``z3_every``-th (0: none), until the deadline."""
    tally = Tally()
    for number in range(seed, seed + histories):
        if monotonic() > deadline:
            break
        lines, initial = small(Random(number))
        methods: tuple[Method, ...] = (
            ("search", "auto", "z3") if z3_every and number % z3_every == 0 else ("search", "auto")
        )
        for nil_reads in ("value", "unknown"):
            examine(tally, f"seed {number}, nil {nil_reads}", lines, initial, nil_reads, methods)
        tally.counts["histories"] += 1
    return tally


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign and print its counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--histories", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--z3-every", type=int, default=1, help="z3 decides one history in so many (0: none)")
    parser.add_argument("--time-limit", type=float, default=1200.0, help="seconds")
    options = parser.parse_args(arguments)
    began = monotonic()
    tally = campaign(options.histories, options.seed, options.z3_every, began + options.time_limit)
    for name, count in sorted(tally.counts.items()):
        print(f"{count:9,}  {name}")
    print(f"{len(tally.disagreements):9,}  disagreements, in {monotonic() - began:.1f} s")
    for message in tally.disagreements[:20]:
        print(message, file=sys.stderr)
    if tally.disagreements:
        return 1
    return 0 if tally.counts["histories"] == options.histories else 2


if __name__ == "__main__":
    sys.exit(main())
