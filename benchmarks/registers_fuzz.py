"""The campaign for registers: random histories of a few transactions, every isolation level against its definition.

    python -m benchmarks.registers_fuzz [--histories 20000] [--seed 0] [--size 4] [--stores 500] [--time-limit 1200]

As benchmarks.transactions_fuzz, whose words its output has: verdicts against brute force over all orders, the lattice,
the anomalies of one level, stores that keep a level; ``--size 6`` and ``--seed`` mean what they mean there. Exit status
0 if all agree, 1 if anything does not (with the seed that shows it), 2 if the time limit came first.
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

from benchmarks.random_registers import small, stored
from benchmarks.random_transactions import LEVELS, random_shape
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
from checkers.transactional.lattice import Model
from checkers.transactional.register import brute
from checkers.transactional.register.history import RegisterHistory
from checkers.transactional.register.reading import Reading, read_transactions
from checkers.transactional.register.sources import histories
from checkers.transactional.register.verdict import Choices, verdicts
from checkers.transactional.transaction import Transaction
from harness.history import History
from harness.result import Validity


def explained(tally: Tally, reading: Reading) -> list[RegisterHistory]:
    """One history for each choice of what was read; none, and that is counted, where there are too many."""
    try:
        return list(histories(reading))
    except Unsupported:
        tally.counts["too many choices"] += 1
        return []


def fails(history: History, model: Model) -> bool:
    several = explained(Tally(), read_transactions(history))
    return bool(several) and not Choices([verdicts(each) for each in several]).of(model)


def examine(tally: Tally, name: str, history: History, random: Random) -> None:
    """Every level of one small history, and the whole result of one of them."""
    reading = read_transactions(history)
    found = Choices([verdicts(each) for each in explained(tally, reading)])
    if not found.several:
        return
    models = list(MODELS.items())
    random.shuffle(models)  # a level may be decided by another one
    answers: dict[str, Validity] = {level: found.of(model) for level, model in models}
    known: brute.Known = {}
    for level, model in models:
        try:
            truth = brute.holds(reading, model, known)
        except TooLarge:
            tally.counts["undecided by brute force"] += 1
            continue
        tally.judged(level, answers[level])
        tally.expect(answers[level] is truth, f"{name}: {level} is {answers[level]}, by its definition {truth}")
        examine_lattice(tally, name, level, answers)
    asked = random.choice(list(MODELS))
    examine_result(tally, name, history, asked, answers)
    examine_witnesses(tally, name, history, reading, asked)


def examine_witnesses(tally: Tally, name: str, history: History, reading: Reading, level: str) -> None:
    """The transactions of an anomaly must refute the level by themselves, the reads of others' writes left out."""
    result = check(history, expect=level)
    for anomaly in result.anomalies if "readings" not in result.details else ():
        members = {each.number for each in reading.transactions if each.invoke in anomaly.operations}
        listed = [_without(reading, each, members) for each in reading.transactions if each.number in members]
        alone = Reading([replace(each, number=place) for place, each in enumerate(listed)], reading.initial)
        tally.counts["witnesses"] += 1
        refuted = not brute.holds(alone, MODELS[level])
        tally.expect(refuted, f"{name}: {level}: {anomaly.type} of {anomaly.operations} refutes nothing")


def _without(reading: Reading, reader: Transaction, members: Container[int]) -> Transaction:
    """Without the reads of what a transaction wrote that is none of the members."""
    kept = []
    for read in reader.reads:
        writers = [each.number for each in reading.transactions if read.elements[0] in each.appends.get(read.key, ())]
        if read.own or not writers or any(number in members for number in writers):
            kept.append(read)
    return replace(reader, reads=kept)


def examine_store(tally: Tally, level: str, number: int) -> None:
    """What a store of that level did must be valid at that level."""
    random = Random(f"{number} {level}")
    result = check(History(stored(random, level, random_shape(random))), expect=level)
    tally.counts[f"store {level}: {result.valid}"] += 1
    tally.expect(result.valid is True, f"store {level}, seed {number}: {result.explanation or result.anomalies}")


def campaign(histories: int, stores: int, seed: int, size: int, deadline: float) -> Tally:
    """Examine that many of each kind until the deadline."""
    tally = Tally()
    for number in numbered(tally, histories, seed, deadline):
        random = Random(f"registers {number} {size}")
        most = size_of(random, size)
        history = drawn(random, lambda: History(small(random, most)), fails)  # noqa: B023 - called at once
        examine(tally, f"seed {number}, size {size}", history, random)
        tally.counts["histories"] += 1
    for number in numbered(tally, stores, seed, deadline, "stores"):
        for level in LEVELS:
            examine_store(tally, level, number)
        tally.counts["stores"] += 1
    return tally


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign and print its counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options = arguments_of(parser, arguments, stores=500)
    began = monotonic()
    tally = campaign(options.histories, options.stores, options.seed, options.size, began + options.time_limit)
    return report(tally, options, monotonic() - began)


if __name__ == "__main__":
    sys.exit(main())
