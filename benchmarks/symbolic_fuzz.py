"""The campaign of z3: random histories of every model, decided by it, against brute force and against the search.

    python -m benchmarks.symbolic_fuzz [--histories 5000] [--models all] [--seed 0] [--witness-every 4]
                                       [--longer 0] [--time-limit 3600]

That many small histories of each model, at least a third of them invalid: the verdict must be that of brute force, in
one window and in the smallest ones, and of what is chosen automatically where the search gives up at once; each
linearization must replay; each witness must be invalid by brute force, and must not be without any one of its
operations. With --longer so many histories of 60 to 150 operations, too: where both z3 and the search decide one, they
must agree. Exit status 0 if all agree, 1 if anything does not (with the seed that shows it), 2 if the time limit came
first.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from time import monotonic

if __name__ == "__main__":  # run as a file, too
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import random_history, random_object
from benchmarks.linearizable_fuzz import CAS_REGISTER, MODELS, Case, Tally, cases, examine_witnesses
from checkers.linearizable import brute, check
from checkers.linearizable.certificate import refute
from checkers.linearizable.decide import Decision, decide
from checkers.linearizable.limit import Limit
from checkers.linearizable.models import BY_NAME
from checkers.linearizable.operation import KeyHistory, by_key
from checkers.linearizable.symbolic.window import unwind
from checkers.value import Codes
from harness.history import History, Op

LONGER_MAX_S = 3.0  # for each of the two


def campaign(
    histories: int, seed: int, deadline: float, models: Sequence[str] = MODELS, witness_every: int = 1, longer: int = 0
) -> Tally:
    """Examine that many histories of each model, and so many longer ones, until the deadline."""
    tally = Tally()
    for number in range(seed, seed + max(histories, longer)):
        if monotonic() > deadline:
            break
        for model in models:
            for case in _spoilt(model, number) if number < seed + histories else ():
                examine(tally, case, witnesses=number % witness_every == witness_every - 1)
            if number < seed + longer:
                compare(tally, _longer(model, number))
        tally.counts["histories"] += 1
    return tally


def examine(tally: Tally, case: Case, *, witnesses: bool) -> None:
    """Decide one history by z3 in several ways, and compare with brute force."""
    keys = _keys(case)
    truths = [_truth(key) for key in keys]
    if None in truths:
        tally.counts["undecided by brute force"] += 1
        return
    tally.counts[f"{case.model}: {'valid' if all(truths) else 'invalid'}"] += 1
    for key, truth in zip(keys, truths, strict=True):
        unwound = unwind(key, Limit(), operations_min=1)
        tally.counts["windows"] += unwound.windows
        message = f"{case.name}: key {key.key}: in small windows {unwound.outcome}, brute force {truth}"
        tally.expect(unwound.outcome == ("valid" if truth else "invalid"), message)
        _certify(tally, case, key, Decision(truth, "z3", order=unwound.order))
        decision = decide(key, "auto", Limit(configurations=len(case.lines) % 3))
        tally.counts[f"decided by {decision.method}"] += 1
        tally.expect(decision.valid is truth, f"{case.name}: key {key.key}: {decision.method} says {decision.valid}")
        _certify(tally, case, key, decision)
    if witnesses:
        _examine_evidence(tally, case, keys, truths)


def compare(tally: Tally, case: Case) -> None:
    """Decide one history by z3 and by the search, and compare."""
    for key in _keys(case):
        verdicts = {}
        for method in ("z3", "search"):
            decision = decide(key, method, Limit().at_most(seconds=LONGER_MAX_S))
            verdicts[method] = decision.valid
            tally.counts[f"{case.model}: longer, {decision.valid} by {method}"] += 1
            _certify(tally, case, key, decision)
        tally.expect(None in verdicts.values() or len(set(verdicts.values())) == 1, f"{case.name}: {verdicts}")


def _examine_evidence(tally: Tally, case: Case, keys: Sequence[KeyHistory], truths: Sequence[bool | None]) -> None:
    history = History(case.lines)
    result = check(history, model=case.model, initial=case.initial, nil_reads=case.nil_reads, method="z3")
    tally.expect(result.valid is all(truths), f"{case.name}: z3 says {result.valid}: {result}")
    examine_witnesses(tally, case.name, result, keys, truths)
    for anomaly in result.anomalies:
        tally.counts[f"witnesses from the {anomaly.details['from']}"] += 1


def _certify(tally: Tally, case: Case, key: KeyHistory, decision: Decision) -> None:
    if decision.valid:
        objection = refute(key, decision.order)
        tally.counts["certificates"] += 1
        tally.expect(objection is None, f"{case.name}: key {key.key}: {decision.method}: {objection}")


def _keys(case: Case) -> list[KeyHistory]:
    return by_key(History(case.lines), BY_NAME[case.model], Codes(), case.nil_reads, case.initial)


def _truth(key: KeyHistory) -> bool | None:
    return brute.decide(key.model, key.initial, key.required, key.optional)


def _spoilt(model: str, number: int) -> Iterator[Case]:
    """The histories of one seed; every second one is spoilt until it is invalid, if a few attempts are enough."""
    for case in cases(model, number):
        attempts = 9 if number % 2 else 0
        for attempt in range(attempts):
            if not all(_truth(key) for key in _keys(case)):
                break
            lines = random_object.spoil(case.lines, Random(f"{number} {attempt}"), 4)
            case = replace(case, name=f"{case.name}, spoilt {attempt + 1} times", lines=lines, valid=False)  # noqa: PLW2901
        yield case


def _longer(model: str, number: int) -> Case:
    random = Random(f"longer {model} {number}")
    operations, processes = random.randint(60, 150), random.randint(3, 8)
    crash_share = random.choice((0, 0, 0.03))
    if model == CAS_REGISTER:
        shape = random_history.Shape(operations, processes, crashes=int(crash_share * operations))
        lines: list[Op] = random_history.linearizable(shape, random)
        initial = None
    else:
        thing, initial = random_object.make(model, random, distinct=False)
        lines = random_object.play(thing, operations, processes, crash_share, random)
    return Case(f"{model}, longer, seed {number}", model, random_object.spoil(lines, random, number % 3), initial)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign and print its counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--histories", type=int, default=5_000)
    parser.add_argument("--models", default=",".join(MODELS), help="separated by commas")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--witness-every", type=int, default=4, help="witnesses of one history in so many")
    parser.add_argument("--longer", type=int, default=0, help="so many histories that only the search can compare with")
    parser.add_argument("--time-limit", type=float, default=3600.0, help="seconds")
    options = parser.parse_args(arguments)
    began = monotonic()
    tally = campaign(options.histories, options.seed, began + options.time_limit, options.models.split(","),
                     options.witness_every, options.longer)  # fmt: skip
    for name, count in sorted(tally.counts.items()):
        print(f"{count:9,}  {name}")
    print(f"{len(tally.disagreements):9,}  disagreements, in {monotonic() - began:.1f} s")
    for message in tally.disagreements[:20]:
        print(message, file=sys.stderr)
    if tally.disagreements:
        return 1
    return 0 if tally.counts["histories"] == max(options.histories, options.longer) else 2


if __name__ == "__main__":
    sys.exit(main())
