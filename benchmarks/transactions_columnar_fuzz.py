"""The campaign for large histories: what compiled code says of transactions must be what the plain checker says.

    python -m benchmarks.transactions_columnar_fuzz [--histories 2000] [--seed 0] [--time-limit 600]

Small histories of every kind, as JSON lines read by the compiled reader, and the same without columns. Of lists the
whole result of a few levels must be the same, word by word, witnesses, serial orders and all; of registers each level
that is decided in polynomial time. Of histories of up to 5 transactions brute force over all orders says the same. Of
most small ones some level fails, picked at random; ``--seed`` is the first history's number. Exit status 0 if all
agree, 1 if not, 2 if the time limit came first.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from time import monotonic, process_time
from typing import Any

if __name__ == "__main__":  # run as a file, too
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import random_registers, random_transactions
from benchmarks.random_transactions import LEVELS, random_shape
from benchmarks.registers_fuzz import explained
from benchmarks.registers_fuzz import fails as registers_fail
from benchmarks.transactions_fuzz import Tally, drawn, numbered
from benchmarks.transactions_fuzz import fails as lists_fail
from checkers.transactional import MODELS, brute, check
from checkers.transactional.columnar import examined
from checkers.transactional.columnar.registers import POLYNOMIAL, Left, registers
from checkers.transactional.register import brute as registers_brute
from checkers.transactional.register.reading import read_transactions
from checkers.transactional.register.verdict import Choices, verdicts
from checkers.transactional.transaction import transactions
from harness.columns import PADDING
from harness.formats import jsonl_columns
from harness.history import History, Op

TRANSACTIONS_MAX = 5  # of what brute force decides
_SEPARATORS = ((",", ":"), (", ", ": "), (" ,  ", ":"))


def text_of(random: Random, lines: Sequence[Op]) -> bytes:
    """As JSON lines, in some writing; that of a few lists differs from the others'."""
    texts = []
    usual = random.choice(_SEPARATORS)
    strange = random.choice((0.0, 0.0, 0.1))
    for line in lines:
        fields: dict[str, Any] = {"type": line.type, "process": line.process, "f": line.f, "value": line.value}
        fields |= {} if line.session is None else {"session": line.session}
        fields |= {} if line.key is None else {"key": line.key}
        separators = random.choice(_SEPARATORS) if random.random() < strange else usual
        texts.append(json.dumps(fields, separators=separators) + "\n")
    return "".join(texts).encode()


def with_columns(text: bytes) -> History:
    """As the compiled reader reads it."""
    columns = jsonl_columns.columns_in(bytearray(text) + bytes(PADDING), 0)
    assert columns is not None, "the compiled reader does not read it"
    return History.from_columns(columns)


def spoiled(random: Random, lines: Sequence[Op]) -> list[Op]:
    """With a few reads changed."""
    changed = list(lines)
    reads = [(line, micro) for line in changed if line.type == "ok" for micro in line.value
             if micro[0] == "r" and isinstance(micro[2], list) and micro[2]]  # fmt: skip
    for _, micro in random.sample(reads, min(len(reads), random.choice((0, 1, 1, 2, 5)))):
        way = random.randrange(5)
        if way == 0:
            micro[2] = micro[2][:-1]
        elif way == 1:
            micro[2] = micro[2][:-2] + micro[2][-1:] + micro[2][-2:-1]
        elif way == 2:
            micro[2] = [*micro[2], random.choice(micro[2])]
        elif way == 3:
            micro[2] = [*micro[2], random.choice([10**6, "x", 2**63, None, True, 1.5, -1])]
        else:
            micro[2] = random.choice([None, [], micro[2][1:]])
    return changed


def lists(random: Random) -> list[Op]:
    """A history of lists."""
    kind = random.randrange(4)
    if kind < 2:
        make = random_transactions.unread if kind else random_transactions.small
        size = random.choice((4, 5, 6))
        return list(drawn(random, lambda: History(make(random, size)), lists_fail, wrong=0.8))
    lines = random_transactions.stored(random, random.choice(LEVELS), random_shape(random))
    return spoiled(random, lines) if kind == 3 else lines


def examine_lists(tally: Tally, name: str, lines: Sequence[Op], random: Random) -> None:
    """A few levels, all that is said of them."""
    large = with_columns(text_of(random, lines))
    assert large.columns is not None
    found = examined(large.columns, None)
    tally.counts["lists, by columns" if found else "lists, left"] += 1
    tally.counts["lists with odd keys"] += bool(found and found.listed.observations)
    listed = transactions(History(lines))
    for level in random.sample(list(MODELS), 3):
        ours, theirs = (check(each, expect=level).as_json() for each in (large, History(lines)))
        tally.counts[f"lists: {theirs['valid']}"] += 1
        ours["seconds"] = theirs["seconds"]
        tally.expect(ours == theirs, f"{name}: {level}: {ours}, plainly {theirs}")
        if len(listed) <= TRANSACTIONS_MAX and ours["valid"] != "unknown":
            truth = brute.holds(listed, MODELS[level])
            tally.judged(level, truth)
            tally.expect(ours["valid"] is truth, f"{name}: {level} is {ours['valid']}, by its definition {truth}")


def examine_registers(tally: Tally, name: str, lines: Sequence[Op], random: Random) -> None:
    """Every polynomial level."""
    large = with_columns(text_of(random, lines))
    assert large.columns is not None
    found = registers(large.columns, None)
    if found is None:
        tally.counts["registers, left"] += 1
        return
    tally.counts["registers, by columns"] += 1
    reading = read_transactions(History(lines))
    plain = Choices([verdicts(each) for each in explained(tally, reading)])
    tally.expect(bool(plain.several), f"{name}: the plain checker does not decide it")
    known: registers_brute.Known = {}
    for level, model in MODELS.items():
        if model.family in POLYNOMIAL:
            try:
                ours = found.of(model)
            except Left:
                tally.counts["registers: no telling"] += 1
                continue
            theirs = plain.of(model)
            tally.counts[f"registers: {theirs}"] += 1
            tally.expect(ours is theirs, f"{name}: {level} is {ours}, plainly {theirs}")
            if len(reading.transactions) <= TRANSACTIONS_MAX:
                truth = registers_brute.holds(reading, model, known)
                tally.judged(level, truth)
                tally.expect(ours is truth, f"{name}: {level} is {ours}, by its definition {truth}")


def some_registers(random: Random) -> list[Op]:
    """A few transactions; or what a store did, in which a few reads may see another value of their register."""
    if random.random() < 0.75:
        size, levels = random.choice((4, 5, 6)), [each for each in MODELS.values() if each.family in POLYNOMIAL]
        return list(drawn(random, lambda: History(random_registers.small(random, size)), registers_fail, levels, 0.95))
    lines = random_registers.stored(random, random.choice(LEVELS), random_shape(random))
    micros = [micro for line in lines if line.type == "ok" for micro in line.value]
    reads = [micro for micro in micros if micro[0] == "r"]
    for read in random.sample(reads, min(len(reads), random.choice((0, 1, 1, 2)))):
        read[2] = random.choice([None, *(value for f, key, value in micros if f == "w" and key == read[1])])
    return lines


def campaign(count: int, seed: int, deadline: float) -> Tally:
    """Examine that many of each kind until the deadline."""
    tally = Tally()
    for number in numbered(tally, count, seed, deadline):
        random = Random(f"columns {number}")
        examine_lists(tally, f"lists {number}", lists(random), random)
        lines = some_registers(random)
        examine_registers(tally, f"registers {number}", lines, random)
        tally.counts["histories"] += 1
    return tally


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign and print its counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--histories", type=int, default=2_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--time-limit", type=float, default=600.0, help="seconds")
    options = parser.parse_args(arguments)
    tally = campaign(options.histories, options.seed, monotonic() + options.time_limit)
    for name, counted in sorted(tally.counts.items()):
        print(f"{counted:9,}  {name}")
    for message in tally.disagreements[:10]:
        print(message, file=sys.stderr)
    valid, invalid = (tally.counts[f"lists: {each}"] + tally.counts[f"registers: {each}"] for each in (True, False))
    brute_force = tally.counts["verdicts valid"] + tally.counts["verdicts invalid"]
    print(f"{tally.counts['histories']:,} histories of lists, and of registers, from --seed {options.seed}: "
          f"{valid:,} verdicts valid, {invalid:,} invalid ({invalid / max(1, valid + invalid):.0%}), "
          f"{brute_force:,} of them by brute force, too; {len(tally.disagreements)} disagreements; "
          f"{process_time():.0f} CPU s")  # fmt: skip
    if tally.disagreements:
        return 1
    return 0 if tally.counts["histories"] == options.histories else 2


if __name__ == "__main__":
    sys.exit(main())
