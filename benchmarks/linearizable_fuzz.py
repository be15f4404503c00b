"""The campaign: random small histories, every method against brute force, every piece of evidence checked again.

    python -m benchmarks.linearizable_fuzz [--histories 20000] [--models all] [--seed 0] [--z3-every 1]
                                           [--witness-every 1] [--time-limit 1200] [--columns]

That many histories of each model. Of each: the verdicts of the polynomial method where there is one, of the search, of
z3, of what is chosen automatically, and of the search given up early so that z3 has to take over, must be
those of brute force; a history that a correct object made must be valid; each linearization must replay; each witness
must be invalid by brute force, and must not be without any one of its operations. CAS registers are examined with nil
reads as values and as no information. Exit status 0 if all agree, 1 if anything does not (with the seed that shows it),
2 if the time limit came first.

With --columns the methods that decide large histories are examined instead (``benchmarks.columnar_fuzz``).
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
from typing import Any, Literal, get_args

if __name__ == "__main__":  # run as a file, too
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import random_object
from benchmarks.random_history import small
from checkers.linearizable import brute, check
from checkers.linearizable.certificate import refute
from checkers.linearizable.decide import Method, decide
from checkers.linearizable.limit import Limit
from checkers.linearizable.models import BY_NAME
from checkers.linearizable.operation import KeyHistory, Operation, by_key
from checkers.value import Codes
from harness.history import History, Op
from harness.result import Reason, Result

NilReads = Literal["value", "unknown"]
CAS_REGISTER = "cas-register"
MODELS = (CAS_REGISTER, *random_object.MODELS)


@dataclass(frozen=True, slots=True)
class Case:
    """A history to examine. ``valid``: it is linearizable by construction."""

    name: str
    model: str
    lines: Sequence[Op]
    initial: Any = None
    nil_reads: NilReads = "value"
    valid: bool = False


@dataclass(slots=True)
class Tally:
    """What was checked, by name; and what disagreed, in words."""

    counts: Counter[str] = field(default_factory=Counter)
    disagreements: list[str] = field(default_factory=list)

    def expect(self, agrees: bool, message: str) -> None:
        if not agrees:
            self.disagreements.append(message)


def examine(tally: Tally, case: Case, *, z3: bool, witnesses: bool = True) -> None:
    """Decide one history in every way and compare; what was seen goes into the tally."""
    history = History(case.lines)
    keys = by_key(history, BY_NAME[case.model], Codes(), case.nil_reads, case.initial)
    truths = [brute.decide(key.model, key.initial, key.required, key.optional) for key in keys]
    if None in truths:
        tally.counts["undecided by brute force"] += 1
        return
    truth = all(truths)
    tally.counts["valid" if truth else "invalid"] += 1
    tally.counts[f"{case.model}: {'valid' if truth else 'invalid'}"] += 1
    tally.expect(truth or not case.valid, f"{case.name}: brute force says {truth} of what a correct object did")
    methods: tuple[Method, ...] = ("search", "auto", "z3") if z3 else ("search", "auto")
    for method in methods if witnesses else ():
        result = check(history, model=case.model, initial=case.initial, nil_reads=case.nil_reads, method=method)
        tally.counts[f"verdicts by {method}"] += 1
        tally.expect(result.valid is truth, f"{case.name}: {method} says {result.valid}, brute force {truth}: {result}")
        examine_witnesses(tally, f"{case.name}: {method}", result, keys, truths)
    for key, key_truth in zip(keys, truths, strict=True):
        _examine_decisions(tally, case, key, key_truth, z3=z3)


def _examine_decisions(tally: Tally, case: Case, key: KeyHistory, truth: bool | None, *, z3: bool) -> None:
    ways: list[tuple[Method, Limit]] = [("search", Limit()), ("polynomial", Limit())]
    if z3:  # with so few configurations the search gives up, and z3 has to take over some windows or all
        ways.append(("auto", Limit(configurations=len(case.lines) % 3)))
    for way, limit in ways:
        decision = decide(key, way, limit)
        if decision.reason == Reason.UNSUPPORTED:
            continue
        tally.counts[f"keys decided by {decision.method}"] += 1
        if way == "polynomial":
            tally.counts[f"{case.model}: {truth} by {decision.algorithm}"] += 1
        tally.expect(decision.valid is truth, f"{case.name}: key {key.key}: {decision.method} says {decision.valid}")
        if decision.valid:
            tally.counts["certificates"] += 1
            objection = refute(key, decision.order)
            tally.expect(objection is None, f"{case.name}: key {key.key}: {decision.method}: {objection}")
        elif way == "polynomial":
            members = {operation.invoke for operation in decision.refuted}
            examine_witness(tally, f"{case.name}: {decision.algorithm}", key, members)


def examine_witnesses(
    tally: Tally, name: str, result: Result, keys: Sequence[KeyHistory], truths: Sequence[bool | None]
) -> None:
    """Every invalid object has its witness, and it is as small as it says."""
    invalid = [key for key, truth in zip(keys, truths, strict=True) if not truth]
    tally.expect(len(result.anomalies) == len(invalid), f"{name}: {len(result.anomalies)} anomalies, {len(invalid)}")
    for key, anomaly in zip(invalid, result.anomalies, strict=False):
        tally.counts["witnesses"] += 1
        members = set(anomaly.operations)
        tally.expect(members <= {each.invoke for each in key.required}, f"{name}: a witness of strangers {anomaly}")
        examine_witness(tally, name, key, members)
        if anomaly.details["minimal"]:
            tally.counts["minimal witnesses"] += 1
            for member in members:
                verdict = _explained(key, members - {member})
                tally.expect(verdict is not False, f"{name}: not minimal: {anomaly} without {member}")


def examine_witness(tally: Tally, name: str, key: KeyHistory, members: set[int]) -> None:
    """The operations of these invocations are a witness."""
    explained = _explained(key, members)
    if explained is None:
        tally.counts["witnesses undecided by brute force"] += 1
    tally.expect(explained is not True, f"{name}: no witness: {sorted(members)}")


def _explained(key: KeyHistory, members: set[int]) -> bool | None:
    """Brute force on a witness: what only observes is removed outside it, all else may happen at any time, or never."""
    chosen = [each for each in key.required if each.invoke in members]
    return brute.decide(key.model, key.initial, chosen, list(_freed(key, members)))


def _freed(key: KeyHistory, members: set[int]) -> Iterator[Operation]:
    for each in (*key.required, *key.optional):
        if each.invoke not in members and not key.model.observes(each.step):
            yield replace(each, complete=None)


def cases(model: str, number: int) -> Iterator[Case]:
    """The histories of one seed."""
    if model == CAS_REGISTER:
        for nil_reads in get_args(NilReads):
            lines, initial = small(Random(number))
            yield Case(f"{model}, seed {number}, nil {nil_reads}", model, lines, initial, nil_reads)
    else:
        lines, initial, valid = random_object.small(model, Random(f"{model} {number}"))
        yield Case(f"{model}, seed {number}", model, lines, initial, valid=valid)


def campaign(
    histories: int,
    seed: int,
    z3_every: int,
    deadline: float,
    models: Sequence[str] = MODELS,
    witness_every: int = 1,
) -> Tally:
    """Examine that many histories of each model, z3 deciding each ``z3_every``-th (0: none), and the witnesses of each
    ``witness_every``-th, until the deadline."""
    tally = Tally()
    for number in range(seed, seed + histories):
        if monotonic() > deadline:
            break
        for model in models:
            for case in cases(model, number):
                z3 = bool(z3_every) and number % z3_every == 0
                examine(tally, case, z3=z3, witnesses=number % witness_every == 0)
        tally.counts["histories"] += 1
    return tally


def _on_operations(options: argparse.Namespace, began: float) -> Tally:
    models = options.models.split(",") if options.models else MODELS
    deadline = began + options.time_limit
    return campaign(options.histories, options.seed, options.z3_every, deadline, models, options.witness_every)


def _on_columns(options: argparse.Namespace, began: float) -> Tally:
    from benchmarks import columnar_fuzz

    models = options.models.split(",") if options.models else columnar_fuzz.MODELS
    return columnar_fuzz.campaign(options.histories, options.seed, began + options.time_limit, models)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign and print its counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--histories", type=int, default=20_000)
    parser.add_argument("--models", help="separated by commas (default: all)")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--z3-every", type=int, default=1, help="z3 decides one history in so many (0: none)")
    parser.add_argument("--witness-every", type=int, default=1, help="witnesses of one history in so many")
    parser.add_argument("--time-limit", type=float, default=1200.0, help="seconds")
    parser.add_argument("--columns", action="store_true", help="examine the methods on columns")
    options = parser.parse_args(arguments)
    began = monotonic()
    tally = _on_columns(options, began) if options.columns else _on_operations(options, began)
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
