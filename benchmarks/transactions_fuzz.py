"""The campaign: random histories of a few transactions, every isolation level against its definition.

    python -m benchmarks.transactions_fuzz [--histories 20000] [--seed 0] [--size 4] [--stores 2000] [--time-limit 1200]

``--size 6``: one history in a hundred has up to 6 transactions, one in seven up to 5, the others up to 4 (brute force
over 6 takes a quarter of a second). Of most histories some level fails, picked at random, as far as a few drafts have
one. ``--seed`` is the first history's number: what a time limit cut short goes on from there.

Of each small history every level's verdict must be that of brute force over all orders; what holds must hold for every
weaker level; each anomaly's evidence and each serial order is checked again (a failure there makes the verdict
unknown, which is a disagreement, too). Of each of ``--stores`` histories of a store that keeps a level, that level must
hold. Exit status 0 if all agree, 1 if anything does not (with the seed that shows it), 2 if the time limit came first.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from time import monotonic, process_time
from typing import Final

if __name__ == "__main__":  # run as a file, too
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.random_transactions import LEVELS, random_shape, small, stored, unread
from checkers.transactional import MODELS, brute, check
from checkers.transactional.lattice import Family, Model, implied
from checkers.transactional.transaction import transactions
from checkers.transactional.verdict import examined
from checkers.transactional.version_order import infer
from harness.history import History
from harness.result import Validity

WRONG: Final = 0.6
DRAFTS_MAX: Final = 12
PROGRESS_S: Final = 30.0
_SHOWN: Final = {True: "valid", False: "invalid", "unknown": "unknown"}


@dataclass(slots=True)
class Tally:
    """What was checked, by name; and what disagreed, in words."""

    counts: Counter[str] = field(default_factory=Counter)
    disagreements: list[str] = field(default_factory=list)

    def expect(self, agrees: bool, message: str) -> None:
        if not agrees:
            self.disagreements.append(message)

    def judged(self, level: str, verdict: Validity) -> None:
        """One verdict that was compared with its definition."""
        self.counts[f"{level}: {verdict}"] += 1
        self.counts[f"verdicts {_SHOWN[verdict]}"] += 1


def drawn(
    random: Random, make: Callable[[], History], fails: Callable[[History, Model], bool], models: Sequence[Model] = (),
    wrong: float = WRONG,
) -> History:  # fmt: skip
    """Mostly the first of a few drafts at which some level fails: else most levels would hold, mostly."""
    history = make()
    if random.random() < wrong:
        model = random.choice(models or list(MODELS.values()))
        for _ in range(DRAFTS_MAX):
            if fails(history, model):
                break
            history = make()
    return history


def size_of(random: Random, size: int) -> int:
    """How many transactions a history may have: rarely 6, for brute force takes long."""
    return random.choices((size, size - 1, size - 2), (1, 14, 85))[0] if size > 5 else size


def numbered(tally: Tally, count: int, seed: int, deadline: float, what: str = "histories") -> Iterator[int]:
    """The numbers of the histories until the deadline; now and then a line on standard error says how far it is."""
    began = told = monotonic()
    for number in range(seed, seed + count):
        now = monotonic()
        if now > deadline:
            print(f"out of time: {what} go on with --seed {number}, {seed + count - number:,} more", file=sys.stderr)
            return
        if now - told > PROGRESS_S:
            told = now
            wrong = f"{len(tally.disagreements)} disagreements, {now - began:.0f} s; next --seed {number}"
            print(f"{number - seed:,} of {count:,} {what}, {wrong}", file=sys.stderr, flush=True)
        yield number


def fails(history: History, model: Model) -> bool:
    return examined(infer(transactions(history))).of(model) is False


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
        tally.judged(level, verdicts[level])
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
    for number in numbered(tally, histories, seed, deadline):
        random = Random(f"{number} {size}")
        make = unread if number % 5 == 4 else small
        most = size_of(random, size)
        history = drawn(random, lambda: History(make(random, most)), fails)  # noqa: B023 - called at once
        examine(tally, f"seed {number}, size {size}", history, random)
        tally.counts["histories"] += 1
    for number in numbered(tally, stores, seed, deadline, "stores"):
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
    print(summary(tally, options.seed))
    if tally.disagreements:
        return 1
    complete = tally.counts["histories"] == options.histories and tally.counts["stores"] == options.stores
    return 0 if complete else 2


def summary(tally: Tally, seed: int) -> str:
    """All of it in one line."""
    counts = tally.counts
    valid, invalid, unknown = (counts[f"verdicts {each}"] for each in _SHOWN.values())
    shares = [
        counts[f"{level}: False"] / (counts[f"{level}: True"] + counts[f"{level}: False"])
        for level in MODELS if counts[f"{level}: True"]
    ]  # fmt: skip
    return (f"{counts['histories']:,} histories from --seed {seed}: {valid:,} verdicts valid, {invalid:,} invalid "
            f"({invalid / max(1, valid + invalid):.0%}; of each level {min(shares, default=0.0):.0%} or more), "
            f"{unknown:,} unknown; {len(tally.disagreements)} disagreements; {process_time():.0f} CPU s")  # fmt: skip


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign and print its counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options = arguments_of(parser, arguments, stores=2_000)
    began = monotonic()
    tally = campaign(options.histories, options.stores, options.seed, options.size, began + options.time_limit)
    return report(tally, options, monotonic() - began)


if __name__ == "__main__":
    sys.exit(main())
