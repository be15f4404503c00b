"""Which solver decides the open pairs of a polygraph how fast: SAT, and z3 in three ways, on the same ones.

    python -m benchmarks.polygraph_solvers [--transactions 50,100,200,500,1000] [--solvers sat,z3-lazy,z3-propagator,z3]
                                           [--first guess,reading] [--time-limit 20] [--seeds 2]

Each row is of all polygraphs of one size that known order alone does not decide: of stores with serializable and
with snapshot isolation, whose keys are picked uniformly or by Zipf's law, for serializability, snapshot isolation and
parallel snapshot isolation. Printed per solver: the median and the worst CPU seconds to decide the pairs, without
saturation; and how many were given up at the limit (of the wall; the worst is then that of the others). ``--first``:
whether the solver begins with the orders of the guess, as the checker has it, or with those of the invocations. Exit
status 1 if two solvers differ.
"""

from __future__ import annotations

import argparse
import gc
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from time import monotonic, process_time

if __name__ == "__main__":  # run as a file, too
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.register_transactions import lines
from checkers.guard import OutOfTimeError
from checkers.transactional.lattice import Family, Order
from checkers.transactional.register.polygraph.facts import Facts, facts
from checkers.transactional.register.polygraph.polygraph import Contradiction, polygraph
from checkers.transactional.register.polygraph.residue import Residue, residue
from checkers.transactional.register.polygraph.schedule import schedule
from checkers.transactional.register.polygraph.window import SOLVERS, Question, SolverName, chosen_values
from checkers.transactional.register.reading import read_transactions
from checkers.transactional.register.sources import histories
from harness.history import History

FAMILIES = (Family.ANY, Family.SNAPSHOT, Family.ONE_RW)
FIRST = ("guess", "reading")
Found = tuple[bool | None, float]
"""(whether there is an order, None if it was given up; CPU seconds)."""


def known(count: int, seeds: int) -> Iterator[Facts]:
    """Histories of that size."""
    for store in ("serializable", "snapshot"):
        for zipf in (False, True):
            for seed in range(seeds):
                yield facts(next(histories(read_transactions(History(lines(count, store, zipf, seed=seed))))))


def open_pairs(history: Facts, family: Family) -> Residue | None:
    """What a solver is asked; None if it is not."""
    count = len(history)
    try:
        open_ = residue(polygraph(history, family, Order.NONE, tuple(range(count)), range(count)))
    except Contradiction:
        return None
    return open_ if open_.pairs else None


def first_values(history: Facts, family: Family, open_: Residue, first: str) -> list[bool]:
    """The orders with which a solver begins."""
    if first == "reading":
        return [one < other for one, other in open_.pairs]
    commits = schedule(history, family, [0] * len(history)).commits
    return [commits[one] < commits[other] for one, other in open_.pairs]


def decide(
    history: Facts, family: Family, open_: Residue, solver: SolverName, first: Sequence[bool], limit_s: float
) -> Found:
    """By one solver."""
    open_.graph.deadline = monotonic() + limit_s
    began = process_time()
    try:
        values = chosen_values(Question(history, family, Order.NONE, range(len(history)), solver), open_, first)
    except (OutOfTimeError, MemoryError):
        return None, process_time() - began
    return values is not None, process_time() - began


def measure(count: int, first: str, solvers: Sequence[SolverName], limit_s: float, seeds: int) -> bool:
    """Print a row per solver; whether they agree."""
    found: dict[SolverName, list[Found]] = {solver: [] for solver in solvers}
    pairs: list[int] = []
    agree = True
    for history in known(count, seeds):
        for family in FAMILIES:
            open_ = open_pairs(history, family)
            if open_ is None:
                continue
            pairs.append(len(open_.pairs))
            begin = first_values(history, family, open_, first)
            answers = {solver: decide(history, family, open_, solver, begin, limit_s) for solver in solvers}
            agree = agree and len({answer for answer, _ in answers.values()} - {None}) <= 1
            for solver, answer in answers.items():
                found[solver].append(answer)
    for solver, listed in found.items():
        what = f"{count:>6,} transactions, {len(pairs)} polygraphs of {median(pairs):>6,.0f} open pairs"
        print(f"{what}, first {first:<8}{solver:<14}{row(listed)}", flush=True)
    return agree


def row(listed: Sequence[Found]) -> str:
    """The median counts those given up as slowest."""
    done = sorted(seconds for answer, seconds in listed if answer is not None)
    lost = len(listed) - len(done)
    middle = f"{done[len(listed) // 2]:8.3f} s" if len(listed) // 2 < len(done) else f"{'> limit':>10}"
    return f"median {middle}  worst {done[-1] if done else 0:8.3f} s  given up {lost}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure every size."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--transactions", default="50,100,200,500,1000")
    parser.add_argument("--solvers", default="sat,z3-lazy,z3-propagator,z3")
    parser.add_argument("--first", default=",".join(FIRST))
    parser.add_argument("--time-limit", type=float, default=20)
    parser.add_argument("--seeds", type=int, default=2)
    options = parser.parse_args(arguments)
    solvers = [each for each in SOLVERS if each in options.solvers.split(",")]
    gc.disable()  # as the checker does
    agree = True
    for count in map(int, options.transactions.split(",")):
        for first in options.first.split(","):
            agree = measure(count, first, solvers, options.time_limit, options.seeds) and agree
    return 0 if agree else 1


if __name__ == "__main__":
    sys.exit(main())
