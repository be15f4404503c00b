"""The campaign for evidence about isolation levels: what is right is accepted, what is wrong never.

    python -m benchmarks.certificates_fuzz [--histories 2000] [--stores 200] [--seed 0] [--size 5] [--time-limit 600]

Of each small history (lists and registers, plainly and by columns) some levels are asked. If one holds, its commit
order must be accepted, and a changed one only if those that it says committed satisfy the level by brute force; if it
fails, each anomaly must be accepted that says itself what is wrong, and no order may be: of a few transactions none at
all, of more none that proves another level, changed or not. Every anomaly, and cycles made up at random, must be
refused where a level holds. Histories of stores are larger. Exit status 0 if all is so, 1 if not (with the seed that
shows it), 2 if the time limit came first.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import combinations, islice, permutations, product
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

if __name__ == "__main__":  # run as a file, too
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import random_registers, random_transactions
from benchmarks.random_transactions import LEVELS, random_shape
from benchmarks.transactions_columnar_fuzz import text_of, with_columns
from benchmarks.transactions_fuzz import Tally, arguments_of, report
from checkers.transactional import MODELS, check
from checkers.transactional.again import violates
from checkers.transactional.axiom import SNAPSHOTS, refute
from checkers.transactional.commit_order import CommitOrder, Initial, commit_order
from checkers.transactional.counterexample import History as Counterexamples
from checkers.transactional.counterexample import is_explicit
from checkers.transactional.counterexample import refute as refute_anomaly
from checkers.transactional.lattice import Model
from checkers.transactional.register.reading import read_transactions
from checkers.transactional.shown import Lists, Registers, Touching
from checkers.transactional.transaction import Transaction, transactions
from harness.history import History, Op
from harness.result import Anomaly, Reason, Result

DATA = ("list", "register")
_WORDS = {True: "valid", False: "invalid", "unknown": "unknown"}
FEW = 4
TRIALS_MAX = 3_000


@dataclass(frozen=True, slots=True)
class Case:
    """A history; ``initial``: what registers held at first; None: it is of lists."""

    name: str
    history: History
    transactions: Sequence[Transaction]
    initial: Initial | None

    def anomalies(self, model: Model) -> Counterexamples:
        touching = Touching(self.transactions)
        facts = Lists(touching) if self.initial is None else Registers(touching, self.initial)
        return Counterexamples(self.transactions, facts, model)


def case_of(name: str, data: str, history: History) -> Case:
    if data == "list":
        return Case(name, history, transactions(history), None)
    reading = read_transactions(history)
    return Case(name, history, reading.transactions, reading.initial)


def small(data: str, number: int, size: int) -> list[Op]:
    random = Random(f"certificate {data} {number} {size}")
    if data == "register":
        return random_registers.small(random, size)
    return (random_transactions.unread if number % 4 == 3 else random_transactions.small)(random, size)


def examine(tally: Tally, case: Case, random: Random, levels: Sequence[str]) -> None:
    """All evidence about some levels."""
    results = {level: check(case.history, expect=level, certify=True) for level in levels}
    for level, result in results.items():
        tally.counts[f"{level}: {result.valid}"] += 1
        tally.counts[f"verdicts {_WORDS[result.valid]}"] += 1
        crashed = result.reason is Reason.CHECKER_ERROR
        tally.expect(not crashed, f"{case.name}: {level}: {result.explanation}")
    holding = [level for level in levels if results[level].valid is True]
    failing = [level for level in levels if results[level].valid is False]
    orders = [order for level in holding if (order := examine_order(tally, case, level, results[level])) is not None]
    for level in random.sample(holding, min(len(holding), 6)) if orders else ():
        examine_changed(tally, case, MODELS[level], changed(random, case, random.choice(orders)))
    for level in failing:
        for order in random.sample(orders, min(len(orders), 3)):
            for wrong in (order, changed(random, case, order)):
                refused = refute(case.transactions, wrong, MODELS[level], case.initial) is not None
                tally.counts["orders refused where the level fails"] += 1
                tally.expect(refused, f"{case.name}: {level} fails, and {wrong} is accepted")
        if len(case.transactions) <= FEW:
            examine_every_order(tally, case, MODELS[level])
        for anomaly in results[level].anomalies:
            examine_anomaly(tally, case, level, anomaly, results[level], holding)
    for level in random.sample(holding, min(len(holding), 6)):
        for _ in range(10):
            made_up = {"edges": cycle(random, case)}
            tally.counts["cycles made up, refused"] += 1
            accepted = refute_anomaly(case.anomalies(MODELS[level]), "G2-item", made_up) is None
            tally.expect(not accepted, f"{case.name}: {level} holds, and {made_up} is accepted")


def examine_order(tally: Tally, case: Case, level: str, result: Result) -> CommitOrder | None:
    """The certificate of a level that holds, through JSON."""
    if "proof" not in result.details:
        tally.counts["valid, without a certificate"] += 1
        tally.expect("unproved" in result.details, f"{case.name}: {level}: neither a certificate nor why not")
        return None
    order = commit_order(json.loads(json.dumps(result.details["proof"])))
    objection = refute(case.transactions, order, MODELS[level], case.initial)
    tally.counts["commit orders accepted"] += 1
    tally.counts["commit orders with snapshots"] += order.snapshots is not None
    tally.counts["commit orders with sources"] += bool(order.sources)
    tally.expect(objection is None, f"{case.name}: {level}: {order}: {objection}")
    return order


def changed(random: Random, case: Case, order: CommitOrder) -> CommitOrder:
    """With one thing changed."""
    listed, snapshots, sources = list(order.order), order.snapshots, dict(order.sources)
    way = random.randrange(6)
    if way == 0 and len(listed) > 1:
        one, two = random.sample(range(len(listed)), 2)
        listed[one], listed[two] = listed[two], listed[one]
    elif way == 1 and listed:
        listed.pop(random.randrange(len(listed)))
        snapshots = None if snapshots is None else [min(each, place) for place, each in enumerate(snapshots[:-1])]
    elif way == 2:
        listed.insert(random.randint(0, len(listed)), random.choice(case.transactions).invoke)
        snapshots = None if snapshots is None else [*snapshots, random.randint(0, len(listed) - 1)]
    elif way == 3 and snapshots:
        place = random.randrange(len(snapshots))
        snapshots = [*snapshots[:place], random.randint(0, place), *snapshots[place + 1 :]]
    elif way == 4 and sources:
        sources[random.choice(list(sources))] = random.choice([None, *listed])
    else:
        random.shuffle(listed)
    return CommitOrder(listed, snapshots, sources)


def examine_every_order(tally: Tally, case: Case, model: Model) -> None:
    """Nothing proves a level that fails."""
    for order in islice(every_order(case, model), TRIALS_MAX):
        tally.counts["all orders of a few refused"] += 1
        accepted = refute(case.transactions, order, model, case.initial) is None
        tally.expect(not accepted, f"{case.name}: {model.name} fails, and {order} is accepted")


def every_order(case: Case, model: Model) -> Iterator[CommitOrder]:
    certain = [each.invoke for each in case.transactions if each.outcome == "ok"]
    unknown = [each.invoke for each in case.transactions if each.outcome == "info"]
    for count in range(len(unknown) + 1):
        for chosen in combinations(unknown, count):
            for listed in permutations([*certain, *chosen]):
                shown = (range(place + 1) for place in range(len(listed))) if model.family in SNAPSHOTS else ()
                for snapshots in product(*shown):
                    for sources in every_source(case):
                        yield CommitOrder(listed, snapshots or None, sources)


def every_source(case: Case) -> Iterator[dict[tuple[int, int], int | None]]:
    """Of each read of a register each transaction that may have written it, where there are several."""
    reads: dict[tuple[int, int], list[int | None]] = {}
    for reader in case.transactions if case.initial is not None else ():
        for read in reader.reads:
            writers: list[int | None] = [
                each.invoke for each in case.transactions if each.appends.get(read.key, [None])[-1] == read.elements[0]
            ]  # fmt: skip
            reads[reader.invoke, read.place] = [None, *writers]
    several = {read: writers for read, writers in reads.items() if len(writers) > 2}
    for choice in product(*several.values()):
        yield dict(zip(several, choice, strict=True))


def examine_changed(tally: Tally, case: Case, model: Model, order: CommitOrder) -> None:
    """A changed certificate of a level that holds is refused; or those that it says committed, and no others, satisfy
    the level by brute force."""
    if refute(case.transactions, order, model, case.initial) is not None:
        tally.counts["changed orders refused"] += 1
        return
    tally.counts["changed orders accepted"] += 1
    placed = set(order.order)
    kept = [each for each in case.transactions if each.outcome != "info" or each.invoke in placed]
    said = [replace(each, outcome="ok") if each.invoke in placed else each for each in kept]
    violated = violates(said, {each.invoke for each in said}, model, case.initial)
    tally.counts["of them decided by brute force"] += violated is not None
    tally.expect(violated is not True, f"{case.name}: {model.name}: {order} is accepted, and those violate it")


def examine_anomaly(
    tally: Tally, case: Case, level: str, anomaly: Anomaly, result: Result, holding: Sequence[str]
) -> None:
    """The evidence holds at its level, and at none that holds."""
    details = json.loads(json.dumps(dict(anomaly.details)))
    if result.details.get("readings") or not is_explicit(details):
        tally.counts["anomalies that name transactions only"] += 1
        members = {*anomaly.operations}
        if not result.details.get("readings"):
            violated = violates(case.transactions, members, MODELS[level], case.initial)
            tally.expect(violated is not False, f"{case.name}: {level}: {anomaly} is none by brute force")
        return
    objection = refute_anomaly(case.anomalies(MODELS[level]), anomaly.type, details)
    tally.counts["anomalies accepted"] += 1
    tally.counts[f"anomaly {anomaly.type}"] += 1
    tally.expect(objection is None, f"{case.name}: {level}: {anomaly}: {objection}")
    for other in holding:
        accepted = refute_anomaly(case.anomalies(MODELS[other]), anomaly.type, details) is None
        tally.counts["anomalies refused where the level holds"] += 1
        tally.expect(not accepted, f"{case.name}: {other} holds, and {anomaly} is accepted")


def cycle(random: Random, case: Case) -> list[dict[str, Any]]:
    """A cycle of two to four, of any kinds."""
    count = min(len(case.transactions), random.randint(2, 4))
    nodes = [each.invoke for each in random.sample(list(case.transactions), count)]
    return [
        {"from": source, "to": target, "type": random.choice(("ww", "wr", "rw", "rw", "process", "realtime"))}
        for source, target in zip(nodes, [*nodes[1:], nodes[0]], strict=True)
    ]


def cases(data: str, number: int, size: int) -> Iterator[Case]:
    """A small history, and the same by columns."""
    lines = small(data, number, size)
    yield case_of(f"{data} {number}", data, History(lines))
    if all(type(line.key) in (int, str, type(None)) for line in lines):
        large = with_columns(text_of(Random(number), lines))
        plain = case_of("", data, History(lines))
        yield Case(f"{data} {number} by columns", large, plain.transactions, plain.initial)


def store(data: str, level: str, number: int) -> list[Op]:
    random = Random(f"certificate {number} {level} {data}")
    stored = random_transactions.stored if data == "list" else random_registers.stored
    return list(stored(random, level, random_shape(random)))


def campaign(histories: int, stores: int, seed: int, size: int, deadline: float) -> Tally:
    """Examine that many of each kind until the deadline."""
    tally = Tally()
    for number in range(seed, seed + histories):
        if monotonic() > deadline:
            break
        for data in DATA:
            for case in cases(data, number, size):
                random = Random(case.name)
                examine(tally, case, random, random.sample(list(MODELS), 12))
        tally.counts["histories"] += 1
    for number in range(seed, seed + stores):
        if monotonic() > deadline:
            break
        for data in DATA:
            level = LEVELS[number % len(LEVELS)]
            case = case_of(f"store {level} {data} {number}", data, History(store(data, level, number)))
            examine(tally, case, Random(case.name), [level, *Random(number).sample(list(MODELS), 2)])
        tally.counts["stores"] += 1
    return tally


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign and print its counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options = arguments_of(parser, arguments, stores=200)
    began = monotonic()
    tally = campaign(options.histories, options.stores, options.seed, options.size, began + options.time_limit)
    return report(tally, options, monotonic() - began)


if __name__ == "__main__":
    sys.exit(main())
