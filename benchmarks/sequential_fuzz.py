"""The campaign for sequential consistency: random small histories, every method against brute force, and all evidence.

    python -m benchmarks.sequential_fuzz [--histories 20000] [--models all] [--seed 0] [--z3-every 4]
                                         [--time-limit 1200]

That many histories of each model, of one key or two, whose lines are those of a linearizable object (spoilt or not) put
together anew, so that each process keeps its order and real time is lost; some with sessions of several processes. Of
each, for ``sequential`` and ``sequential-per-key``: the verdicts of the search, of what is chosen automatically, of z3
(registers) and of the polynomial methods must be those of brute force; each order must replay; each witness must be
invalid by brute force, and must not be without any one of its operations. Exit status 0 if all agree, 1 if anything
does not (with the seed that shows it), 2 if the time limit came first.
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

from benchmarks import random_object
from checkers.guard import Unsupported
from checkers.linearizable.decide import Method
from checkers.linearizable.limit import Limit
from checkers.linearizable.models import BY_NAME
from checkers.sequential import PER_KEY, SEQUENTIAL, brute
from checkers.sequential.certificate import refute
from checkers.sequential.decide import decide
from checkers.sequential.scope import Scope, scopes
from checkers.sequential.verdict import judged
from checkers.value import Codes
from harness.history import History, HistoryError, Op
from harness.result import Reason, Result

CAS_REGISTER = "cas-register"
MODELS = (CAS_REGISTER, *random_object.MODELS)


@dataclass(slots=True)
class Tally:
    """What was checked, by name; and what disagreed, in words."""

    counts: Counter[str] = field(default_factory=Counter)
    disagreements: list[str] = field(default_factory=list)

    def expect(self, agrees: bool, message: str) -> None:
        if not agrees:
            self.disagreements.append(message)


@dataclass(slots=True)
class Swapping:
    """A register with compare-and-set, for ``random_object.play``."""

    random: Random
    distinct: bool
    content: Any = None
    last: int = 0

    def ask(self, random: Random, process: int) -> tuple[str, Any]:
        self.last += 1
        fresh = self.last if self.distinct else random.randint(1, 3)
        f = random.choice(["read", "read", "write", "cas"])
        return f, {"read": None, "write": fresh, "cas": [self.content, fresh]}[f]

    def apply(self, f: str, argument: Any, process: int) -> Any:
        if f == "cas":
            if argument[0] != self.content:
                return random_object.FAIL
            self.content = argument[1]
            return argument
        if f == "write":
            self.content = argument
        return self.content


@dataclass(slots=True)
class Keyed:
    """Several objects, each under its key; arguments and results are (key, value)."""

    things: dict[str, Any]

    def ask(self, random: Random, process: int) -> tuple[str, Any]:
        key = random.choice(list(self.things))
        f, argument = self.things[key].ask(random, process)
        return f, (key, argument)

    def apply(self, f: str, argument: Any, process: int) -> Any:
        key, given = argument
        result = self.things[key].apply(f, given, process)
        return result if result is random_object.FAIL else (key, result)


def made(model: str, random: Random) -> tuple[Any, Any]:
    """An object of the model, right or faulty, and its initial value."""
    thing: Any = Swapping(random, random.random() < 0.5)
    initial: Any = None
    if model != CAS_REGISTER:
        thing, initial = random_object.make(model, random)
    if random.random() < 0.4:
        return thing, initial
    return random_object.Faulty(thing, random, random.choice((0.3, 0.6))), initial


def small(model: str, random: Random) -> tuple[list[Op], Any]:
    """A history small enough for brute force, and its initial value."""
    names = random.choice((["x"], ["x", "y"], ["x", "y"]))
    objects = {name: made(model, random) for name in names}
    things = {name: thing for name, (thing, _) in objects.items()}
    if random.random() < 0.5:
        lines = _each_key_in_its_own_order(things, random)
    else:
        lines = random_object.play(Keyed(things), random.randint(2, 9), random.randint(1, 4), 0.1, random)
        lines = [_unkeyed(op, names) for op in lines]
    lines = random_object.spoil(lines, random, random.choice((0, 1, 2, 3, 5)))
    if random.random() < 0.7:
        lines = remerged(lines, random)
    if random.random() < 0.25:
        count = random.randint(1, 3)
        lines = [replace(op, session=f"s{int(op.process) % count}") for op in lines]
    return lines, next(iter(objects.values()))[1]


def _each_key_in_its_own_order(things: dict[str, Any], random: Random) -> list[Op]:
    """What processes did, one after the other; every key is sequential, and all together now and then."""
    asked: list[list[Op]] = []
    crossing = random.random() < 0.7  # each process begins with a key of its own, and ends with another one
    for process in range(random.randint(2, 3)):
        asked.append([])
        count = random.randint(2, 4)
        for place in range(count):
            half = process + (2 * place >= count)
            key = list(things)[half % len(things)] if crossing else random.choice(list(things))
            f, argument = things[key].ask(random, process)
            asked[-1].append(Op("invoke", process, f, argument, key=key))
    answers: dict[int, Op] = {}
    for key, thing in things.items():
        for op in remerged([op for ops in asked for op in ops if op.key == key], random):
            result = thing.apply(op.f, op.value, int(op.process))
            refused = result is random_object.FAIL
            answers[id(op)] = replace(op, type="fail" if refused else "ok", value=None if refused else result)
    for ops in asked:
        if random.random() < 0.1:
            answers[id(ops[-1])] = replace(ops[-1], type="info")
    return [line for ops in asked for op in ops for line in (op, answers[id(op)])]


def _unkeyed(op: Op, names: Sequence[str]) -> Op:
    if op.value is None:
        return replace(op, key=names[0])
    key, value = op.value
    return replace(op, key=key, value=value)


def remerged(lines: Sequence[Op], random: Random) -> list[Op]:
    """The same lines of each process in their order, the processes put together anew."""
    by_process: dict[Any, list[Op]] = {}
    for op in lines:
        by_process.setdefault(op.process, []).append(op)
    merged: list[Op] = []
    while by_process:
        process = random.choice(list(by_process))
        merged.append(by_process[process].pop(0))
        if not by_process[process]:
            del by_process[process]
    return merged


def examine(tally: Tally, name: str, model: str, lines: Sequence[Op], initial: Any, *, z3: bool) -> None:
    """Judge one history in every way."""
    history = History(lines)
    try:  # answers that were exchanged may be of another key's kind
        scopes(history, BY_NAME[model], Codes(), "value", initial, per_key=False)
    except (Unsupported, HistoryError):
        tally.counts["no histories of the model"] += 1
        return
    verdicts: dict[str, bool] = {}
    for expect in (PER_KEY, SEQUENTIAL):
        found = scopes(history, BY_NAME[model], Codes(), "value", initial, per_key=expect == PER_KEY)
        truths = [brute.decide(each) for each in found]
        if None in truths:
            tally.counts["undecided by brute force"] += 1
            continue
        truth = verdicts[expect] = all(truths)
        tally.counts[f"{expect}: {'valid' if truth else 'invalid'}"] += 1
        tally.counts[f"{model}: {'valid' if truth else 'invalid'}"] += 1
        for scope, scope_truth in zip(found, truths, strict=True):
            _examine_decisions(tally, f"{name}: {expect}", scope, scope_truth, z3=z3)
        result = judged(history, expect, BY_NAME[model], initial, "value", "auto", None, certify=True)
        tally.expect(result.valid is truth, f"{name}: {expect}: {result.valid}, brute force {truth}: {result}")
        _examine_evidence(tally, f"{name}: {expect}", result, found, truths)
    tally.counts["each key sequential, not all together"] += verdicts == {PER_KEY: True, SEQUENTIAL: False}


def _examine_decisions(tally: Tally, name: str, scope: Scope, truth: bool | None, *, z3: bool) -> None:
    methods: tuple[Method, ...] = ("polynomial", "search", "z3") if z3 else ("polynomial", "search")
    for method in methods:
        decision = decide(scope, method, Limit())
        if decision.reason == Reason.UNSUPPORTED:
            continue
        tally.counts[f"{truth} by {decision.method} {decision.algorithm}"] += 1
        tally.expect(decision.valid is truth, f"{name}: {method}: {decision.valid}, brute force {truth}")
        if decision.valid:
            objection = refute(scope, decision.order)
            tally.expect(objection is None, f"{name}: {method}: {objection}")
            tally.counts["certificates"] += 1


def _examine_evidence(
    tally: Tally, name: str, result: Result, found: Sequence[Scope], truths: Sequence[bool | None]
) -> None:
    invalid = [scope for scope, truth in zip(found, truths, strict=True) if truth is False]
    tally.expect(len(invalid) == len(result.anomalies), f"{name}: {len(invalid)} invalid, {len(result.anomalies)} told")
    for scope, anomaly in zip(invalid, result.anomalies, strict=False):
        members = [item for item in scope.required if item.operation.invoke in anomaly.operations]
        tally.counts["witnesses"] += 1
        tally.expect(len(members) == len(anomaly.operations), f"{name}: a witness of strangers")
        tally.expect(brute.decide(scope.asking(members)) is not True, f"{name}: no witness: {anomaly}")
        tally.counts["confirmed by brute force"] += "brute" in anomaly.details["confirmed_by"]
        for member in members if anomaly.details["minimal"] else ():
            rest = [item for item in members if item is not member]
            tally.expect(brute.decide(scope.asking(rest)) is not False, f"{name}: not minimal: {anomaly}")


def campaign(histories: int, seed: int, z3_every: int, deadline: float, models: Sequence[str] = MODELS) -> Tally:
    """Examine that many histories of each model, z3 deciding each ``z3_every``-th (0: none), until the deadline."""
    tally = Tally()
    for number in range(seed, seed + histories):
        if monotonic() > deadline:
            break
        for model in models:
            lines, initial = small(model, Random(f"{model} {number}"))
            z3 = bool(z3_every) and number % z3_every == 0 and BY_NAME[model].kind == "register"
            examine(tally, f"{model}, seed {number}", model, lines, initial, z3=z3)
        tally.counts["histories"] += 1
    return tally


def _models(text: str) -> Iterator[str]:
    return (name for name in (MODELS if text == "all" else text.split(",")))


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign and print its counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--histories", type=int, default=20_000)
    parser.add_argument("--models", default="all", help="separated by commas")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--z3-every", type=int, default=4, help="z3 decides one history in so many (0: none)")
    parser.add_argument("--time-limit", type=float, default=1200.0, help="seconds")
    options = parser.parse_args(arguments)
    began = monotonic()
    models = list(_models(options.models))
    tally = campaign(options.histories, options.seed, options.z3_every, began + options.time_limit, models)
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
