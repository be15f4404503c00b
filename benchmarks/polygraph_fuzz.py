"""The campaign for the polygraph of registers: each way to decide it, against brute force over all orders.

    python -m benchmarks.polygraph_fuzz [--histories 5000] [--seed 0] [--size 5] [--ways guess,sat,z3-lazy,z3]
                                        [--levels 99] [--time-limit 3600]

``--histories`` are those that have one explanation of their reads; others are passed over. ``--size 6`` and ``--seed``
mean what they mean in benchmarks.transactions_fuzz. Of each small history every level that takes a search (or as many,
picked at random) is decided in each way: by a guess and windows, or all at once by a solver. A proof must pass its
check, what refutes must refute by itself. Exit status 0 if all agree, 1 if anything does not (with the seed that shows
it), 2 if the time limit came first.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from time import monotonic, process_time

if __name__ == "__main__":  # run as a file, too
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.random_registers import small
from benchmarks.registers_fuzz import explained, fails
from benchmarks.transactions_fuzz import Tally, drawn, numbered, size_of
from checkers.transactional.brute import TooLarge
from checkers.transactional.lattice import MODELS, Model, forbids
from checkers.transactional.register import brute
from checkers.transactional.register.excerpt import excerpt
from checkers.transactional.register.history import RegisterHistory
from checkers.transactional.register.polygraph.decide import DECIDED, Decision, Polygraphs
from checkers.transactional.register.polygraph.proof import objection
from checkers.transactional.register.polygraph.window import SOLVERS, SolverName
from checkers.transactional.register.reading import read_transactions
from checkers.transactional.register.refutation import Undecided, refute
from harness.history import History

GUESS = "guess"
WAYS = (GUESS, *SOLVERS)


def graphs_of(history: RegisterHistory, ways: Sequence[str]) -> dict[str, Polygraphs]:
    """One for each way to decide."""
    solvers: dict[str, SolverName] = {each: each for each in SOLVERS}
    return {way: Polygraphs(history, solvers.get(way, "sat"), None, way == GUESS) for way in ways}


def examine(tally: Tally, seed: int, size: int, ways: Sequence[str], levels: int) -> None:
    """One history, if it has one explanation of its reads."""
    random = Random(f"polygraph {seed} {size}")
    models = [each for each in MODELS.values() if each.family in DECIDED]
    most = size_of(random, size)
    reading = read_transactions(drawn(random, lambda: History(small(random, most)), fails, models))
    several = explained(tally, reading)
    if len(several) != 1:
        return
    history = several[0]
    graphs = graphs_of(history, ways)
    tally.counts["histories"] += 1
    for model in random.sample(models, min(levels, len(models))):
        if any(forbids(model, each.type) for each in history.observations):
            continue
        try:
            truth = brute.holds(reading, model)
        except TooLarge:
            continue
        for way, graph in graphs.items():
            decision = graph.decide(model.family, model.order)
            tally.counts[f"{way}: {decision.valid}{' (open pairs)' * (decision.pairs > 0)}"] += 1
            tally.counts["verdicts valid" if decision.valid else "verdicts invalid"] += 1
            name = f"seed {seed}, size {size}, {model.name}, {way}"
            tally.expect(decision.valid is truth, f"{name}: {decision.valid}, by its definition {truth}")
            examine_evidence(tally, name, history, model, decision)


def examine_evidence(tally: Tally, name: str, history: RegisterHistory, model: Model, decision: Decision) -> None:
    """The proof proves; or the members refute, and none of them is there without need."""
    if decision.proof is not None:
        why = objection(history, model.family, model.order, decision.proof)
        tally.expect(why is None, f"{name}: {why}")
        return
    try:
        alone = refute(excerpt(history, decision.members, model.order), model.family)
        tally.expect(alone is not None, f"{name}: {decision.members} refute nothing")
        for number in decision.members:
            rest = [each for each in decision.members if each != number]
            fewer = refute(excerpt(history, rest, model.order), model.family)
            tally.expect(fewer is None, f"{name}: {decision.members} need no {number}")
    except Undecided:
        tally.counts["evidence undecided"] += 1


def campaign(
    count: int, seed: int, size: int, ways: Sequence[str], levels: int, deadline: float = float("inf")
) -> Tally:
    """That many histories."""
    tally = Tally()
    for number in numbered(tally, 2 * count, seed, deadline):
        if tally.counts["histories"] == count:
            break
        examine(tally, number, size, ways, levels)
    return tally


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign and print its counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--histories", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--size", type=int, default=5)
    parser.add_argument("--ways", default=",".join(WAYS))
    parser.add_argument("--levels", type=int, default=99)
    parser.add_argument("--time-limit", type=float, default=3600.0, help="seconds")
    options = parser.parse_args(arguments)
    ways = options.ways.split(",")
    tally = campaign(
        options.histories, options.seed, options.size, ways, options.levels, monotonic() + options.time_limit
    )
    for name, count in sorted(tally.counts.items()):
        print(f"{count:>9} {name}")
    for message in tally.disagreements[:20]:
        print(message)
    valid, invalid = tally.counts["verdicts valid"], tally.counts["verdicts invalid"]
    print(f"{tally.counts['histories']:,} histories from --seed {options.seed}, each in {len(ways)} ways: {valid:,} "
          f"verdicts valid, {invalid:,} invalid ({invalid / max(1, valid + invalid):.0%}); "
          f"{len(tally.disagreements)} disagreements; {process_time():.0f} CPU s")  # fmt: skip
    if tally.disagreements:
        return 1
    return 0 if tally.counts["histories"] == options.histories else 2


if __name__ == "__main__":
    sys.exit(main())
