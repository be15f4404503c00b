"""The campaign for sets, counters and ranges: random histories, every isolation level against its definition.

    python -m benchmarks.composite_fuzz [--histories 5000] [--seed 0] [--size 4] [--kind mixed] [--stores 200]

As benchmarks.registers_fuzz, whose words its output has: verdicts against brute force over all orders, the lattice, the
anomalies of one level, whose transactions must refute it by themselves. Repeatable read beside predicate reads may be
unknown where two readings of its definition differ, or a phantom is in it; and any level where too many choices explain
what was read, which are counted. What a store of some level did must be valid
at that level. Exit status 0 if all agree, 1 if anything
does not (with the seed that shows it), 2 if the time limit came first.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Container, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from time import monotonic

if __name__ == "__main__":  # run as a file, too
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.random_composite import KINDS, LEVELS, small, stored
from benchmarks.transactions_fuzz import (
    Tally,
    arguments_of,
    drawn,
    examine_lattice,
    examine_result,
    numbered,
    report,
    size_of,
)
from checkers.guard import Unsupported
from checkers.transactional import MODELS, check
from checkers.transactional.brute import TooLarge
from checkers.transactional.composite import brute
from checkers.transactional.composite.reading import Composite, Micro, Parsed, is_composite, read_composite
from checkers.transactional.composite.scope import CONDENSED_MIN, answers
from checkers.transactional.composite.verdict import TOO_MANY
from checkers.transactional.lattice import Model
from checkers.transactional.transaction import value_of
from harness.history import History
from harness.result import Validity


def examine(tally: Tally, name: str, history: History, random: Random) -> None:
    """Every level of one small history, and the whole result of one of them."""
    composite = read_composite(history)
    found = answers(composite, condensed_min=random.choice((0, CONDENSED_MIN)))
    tally.counts["condensed, no cycle"] += bool(found.serial)
    models = list(MODELS.items())
    random.shuffle(models)  # a level may be decided by another one
    verdicts: dict[str, Validity] = {level: found.of(model) for level, model in models}
    known: brute.Known = {}
    for level, model in models:
        answer = verdicts[level]
        try:
            agrees, truth = _agrees(composite, model, answer, known)
        except TooLarge:
            tally.counts["undecided by brute force"] += 1
            continue
        tally.judged(level, answer)
        if answer == "unknown" and found.unsure.get(level) == TOO_MANY:
            tally.counts["unknown: too many choices"] += 1
            continue
        tally.expect(agrees, f"{name}: {level} is {answer}, by its definition {truth}")
        examine_lattice(tally, name, level, verdicts)
    if not is_composite(history):
        return
    examine_few(tally, name, composite, verdicts)
    asked = random.choice(list(MODELS))
    examine_result(tally, name, history, asked, verdicts)
    examine_witnesses(tally, name, history, composite, asked)


def _agrees(composite: Composite, model: Model, answer: Validity, known: brute.Known) -> tuple[bool, bool]:
    """Whether the answer is what the definition says, and that."""
    truth = brute.holds(composite, model, known)
    if not model.name.endswith("repeatable-read") or answer is truth:
        return answer is truth and (answer is not True or brute.holds(composite, model, known, literal=False)), truth
    return answer == "unknown" and brute.holds(composite, model, known, literal=False), truth


def examine_few(tally: Tally, name: str, composite: Composite, verdicts: dict[str, Validity]) -> None:
    """As of a set too large to look at all cycles: what is told then must be true."""
    found = answers(composite, condensed_min=0, tied_max=0)
    if found.settled is not None:
        tally.counts["looked at a few cycles"] += 1
        for level, model in MODELS.items():
            answer = found.of(model)
            tally.counts[f"of a few cycles: {answer}"] += 1
            agrees = answer in (verdicts[level], "unknown")
            tally.expect(agrees, f"{name}: {level} is {answer} by a few cycles, and {verdicts[level]}")


def examine_witnesses(tally: Tally, name: str, history: History, composite: Composite, level: str) -> None:
    """The transactions of an anomaly must refute the level by themselves: what a read saw of the others left out."""
    for anomaly in check(history, expect=level).anomalies:
        members = {each.number for each in composite.transactions if each.invoke in anomaly.operations}
        alone = without(composite, members)
        if alone is None:
            continue
        tally.counts["witnesses"] += 1
        refuted = not brute.holds(alone, MODELS[level], literal=False)
        tally.expect(refuted, f"{name}: {level}: {anomaly.type} of {anomaly.operations} refutes nothing")


def without(composite: Composite, members: Container[int]) -> Composite | None:
    """Only those transactions, each read without what others did; None if a read does not say what that was."""
    transactions: list[Parsed] = []
    for each in composite.transactions:
        if each.number in members:
            micros = [_without(composite, each, micro, members) for micro in each.micros]
            if any(micro is None for micro in micros):
                return None
            kept = [micro for micro in micros if micro is not None and micro.f != "nothing"]
            transactions.append(replace(each, number=len(transactions), micros=kept))
    return replace(composite, transactions=transactions)


def _without(composite: Composite, reader: Parsed, micro: Micro, members: Container[int]) -> Micro | None:
    others = [each for each in composite.transactions if each.number not in members]
    if micro.f == "rp":
        # by keys that no other transaction wrote: the rest of the range is not asked for
        keys = {other.key for each in others for other in each.micros if other.f == "w"}
        return micro if not keys & set(composite.inside(micro.key)) else None
    if micro.f != "r":
        return micro
    type_ = composite.types.get(micro.key, "register")
    theirs = [other for each in others for other in each.micros if other.f != "rp" and other.key == micro.key]
    changed = [other for other in theirs if other.f != "r"]
    if type_ == "counter":
        return micro if not changed else None
    if type_ == "register":
        wrote = any(other.value == micro.value for other in changed)
        return micro._replace(f="nothing") if wrote and value_of(micro.value) is not None else micro
    ours = {other.value for each in composite.transactions if each.number in members for other in each.micros
            if (other.f, other.key) == ("add", micro.key)}  # fmt: skip
    twice = {each for each in micro.value if micro.value.count(each) > 1}
    added = {other.value for other in changed} - ours - twice
    return micro._replace(value=tuple(each for each in micro.value if each not in added))


def fails(history: History, model: Model) -> bool:
    try:
        return answers(read_composite(history)).of(model) is False
    except Unsupported:
        return False


def examine_store(tally: Tally, level: str, kind: str, number: int) -> None:
    """What a store of that level did must be valid at that level; unknown, where totals leave too much to choose."""
    random = Random(f"{number} {level} {kind}")
    result = check(History(stored(random, level, kind)), expect=level)
    tally.counts[f"store {level}: {result.valid}"] += 1
    counts = kind in ("counter", "mixed") and level != "strict-serializable"
    agrees = result.valid is True or (counts and result.valid == "unknown")
    tally.expect(agrees, f"store {level} {kind}, seed {number}: {result.explanation or result.anomalies}")


def campaign(
    histories: int, seed: int, size: int, deadline: float, kind: str | None = None, stores: int = 0
) -> Tally:  # fmt: skip
    """Examine that many until the deadline."""
    tally = Tally()
    for number in numbered(tally, histories, seed, deadline):
        random = Random(f"composite {number} {size} {kind}")
        most = size_of(random, size)
        history = drawn(random, lambda: History(small(random, most, kind)), fails)  # noqa: B023 - called at once
        try:
            examine(tally, f"seed {number}, size {size}, kind {kind}", history, random)
        except Unsupported as error:
            tally.counts["unsupported"] += 1
            tally.expect("expected at most" in str(error), f"seed {number}, size {size}, kind {kind}: {error}")
        tally.counts["histories"] += 1
    for number in numbered(tally, stores, seed, deadline, "stores"):
        for level in LEVELS:
            for each in (kind,) if kind else KINDS:
                examine_store(tally, level, each, number)
        tally.counts["stores"] += 1
    return tally


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign and print its counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kind", choices=KINDS)
    options = arguments_of(parser, arguments, stores=200)
    began = monotonic()
    tally = campaign(
        options.histories, options.seed, options.size, began + options.time_limit, options.kind, options.stores
    )
    return report(tally, options, monotonic() - began)


if __name__ == "__main__":
    sys.exit(main())
