"""The campaign: random histories of a few transactions, every isolation level against its definition.

    python -m benchmarks.transactions_fuzz [--histories 20000] [--seed 0] [--size 4] [--stores 2000] [--time-limit 1200]

Of each small history every level's verdict must be that of brute force over all orders; what holds must hold for every
weaker level; each anomaly's evidence and each serial order is checked again (a failure there makes the verdict
unknown, which is a disagreement, too). Of each of ``--stores`` histories of a store that keeps a level, that level must
hold. Exit status 0 if all agree, 1 if anything does not (with the seed that shows it), 2 if the time limit came first.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import monotonic

if __name__ == "__main__":  # run as a file, too
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.random_transactions import LEVELS, random_shape, small, stored, unread
from checkers.transactional import MODELS, brute, check
from checkers.transactional.lattice import Family, implied
from checkers.transactional.transaction import transactions
from checkers.transactional.verdict import examined
from checkers.transactional.version_order import infer
from harness.history import History
from harness.result import Validity


@dataclass(slots=True)
class Tally:
    """What was checked, by name; and what disagreed, in words."""

    counts: Counter[str] = field(default_factory=Counter)
    disagreements: list[str] = field(default_factory=list)

    def expect(self, agrees: bool, message: str) -> None:
        if not agrees:
            self.disagreements.append(message)


def examine(tally: Tally, name: str, history: History, random: Random) -> None:
    """Every level of one small history, and the whole result of one of them."""
    listed = transactions(history)
    inference = infer(listed)
    found = examined(inference)
    verdicts = {level: found.of(model) for level, model in MODELS.items()}
    for level, model in MODELS.items():
        try:
            truth = brute.holds(listed, model)
        except brute.TooLarge:
            tally.counts["undecided by brute force"] += 1
            continue
        open_ = model.family is Family.WRITES and not inference.ordered
        agrees = verdicts[level] is truth or (open_ and verdicts[level] == "unknown")
        tally.counts[f"{level}: {verdicts[level]}"] += 1
        tally.expect(agrees, f"{name}: {level} is {verdicts[level]}, by its definition {truth}")
        examine_lattice(tally, name, level, verdicts)
    examine_result(tally, name, history, random.choice(list(MODELS)), verdicts)
    tally.counts["dilemmas"] += bool(found.dilemmas)


def examine_lattice(tally: Tally, name: str, level: str, verdicts: dict[str, Validity]) -> None:
    """What holds for a level must hold for the weaker ones."""
    if verdicts[level] is True:
        wrong = [weaker for weaker in implied(level) if verdicts[weaker] is False]
        tally.expect(not wrong, f"{name}: {level} holds, and not {wrong}")


def examine_result(tally: Tally, name: str, history: History, level: str, verdicts: dict[str, Validity]) -> None:
    """The whole result of one level."""
    result = check(history, expect=level)
    tally.expect(result.valid == verdicts[level], f"{name}: {level}: {result.valid}: {result.explanation}")
    for anomaly in result.anomalies:
        tally.counts[f"anomaly {anomaly.type}"] += 1
        tally.expect(bool(anomaly.explanation and anomaly.operations), f"{name}: nothing told of {anomaly}")


def examine_store(tally: Tally, level: str, number: int) -> None:
    """What a store of that level did must be valid at that level."""
    random = Random(f"{number} {level}")
    history = History(stored(random, level, random_shape(random)))
    result = check(history, expect=level)
    tally.counts[f"store {level}"] += 1
    tally.expect(result.valid is True, f"store {level}, seed {number}: {result.explanation or result.anomalies}")


def campaign(histories: int, stores: int, seed: int, size: int, deadline: float) -> Tally:
    """Examine that many of each kind until the deadline."""
    tally = Tally()
    for number in range(seed, seed + histories):
        if monotonic() > deadline:
            break
        random = Random(f"{number} {size}")
        make = unread if number % 5 == 4 else small
        examine(tally, f"seed {number}, size {size}", History(make(random, size)), random)
        tally.counts["histories"] += 1
    for number in range(seed, seed + stores):
        if monotonic() > deadline:
            break
        for level in LEVELS:
            examine_store(tally, level, number)
        tally.counts["stores"] += 1
    return tally


def arguments_of(
    parser: argparse.ArgumentParser, arguments: Sequence[str] | None, *, stores: int
) -> argparse.Namespace:
    """The options of a campaign."""
    parser.add_argument("--histories", type=int, default=20_000)
    parser.add_argument("--stores", type=int, default=stores)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", type=int, default=4, help="the most transactions of a history")
    parser.add_argument("--time-limit", type=float, default=1200.0, help="seconds")
    return parser.parse_args(arguments)


def report(tally: Tally, options: argparse.Namespace, seconds: float) -> int:
    """Print the counts; the exit status."""
    for name, count in sorted(tally.counts.items()):
        print(f"{count:9,}  {name}")
    print(f"{len(tally.disagreements):9,}  disagreements, in {seconds:.1f} s")
    for message in tally.disagreements[:20]:
        print(message, file=sys.stderr)
    if tally.disagreements:
        return 1
    complete = tally.counts["histories"] == options.histories and tally.counts["stores"] == options.stores
    return 0 if complete else 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign and print its counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options = arguments_of(parser, arguments, stores=2_000)
    began = monotonic()
    tally = campaign(options.histories, options.stores, options.seed, options.size, began + options.time_limit)
    return report(tally, options, monotonic() - began)


if __name__ == "__main__":
    sys.exit(main())
