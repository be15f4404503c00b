"""The campaign for large histories: what compiled code says of transactions must be what the plain checker says.

    python -m benchmarks.transactions_columnar_fuzz [--histories 2000] [--seed 0] [--time-limit 600]

Small histories of every kind, as JSON lines read by the compiled reader, and the same without columns. Of lists the
whole result of a few levels must be the same, word by word, witnesses, serial orders and all; of registers each level
that is decided in polynomial time. Exit status 0 if all agree, 1 if not, 2 if the time limit came first.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from random import Random
from time import monotonic
from typing import Any

if __name__ == "__main__":  # run as a file, too
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks import random_registers, random_transactions
from benchmarks.random_transactions import LEVELS, random_shape
from benchmarks.transactions_fuzz import Tally
from checkers.transactional import MODELS, check
from checkers.transactional.columnar import examined
from checkers.transactional.columnar.registers import POLYNOMIAL, Left, registers
from checkers.transactional.register.reading import read_transactions
from checkers.transactional.register.sources import histories
from checkers.transactional.register.verdict import Choices, verdicts
from harness.columns import PADDING
from harness.formats import jsonl_columns
from harness.history import History, Op

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
        return (random_transactions.unread if kind else random_transactions.small)(random, 6)
    lines = random_transactions.stored(random, random.choice(LEVELS), random_shape(random))
    return spoiled(random, lines) if kind == 3 else lines


def examine_lists(tally: Tally, name: str, lines: Sequence[Op], random: Random) -> None:
    """A few levels, all that is said of them."""
    large = with_columns(text_of(random, lines))
    assert large.columns is not None
    found = examined(large.columns, None)
    tally.counts["lists, by columns" if found else "lists, left"] += 1
    tally.counts["lists with odd keys"] += bool(found and found.listed.observations)
    for level in random.sample(list(MODELS), 3):
        ours, theirs = (check(each, expect=level).as_json() for each in (large, History(lines)))
        tally.counts[f"lists: {theirs['valid']}"] += 1
        ours["seconds"] = theirs["seconds"]
        tally.expect(ours == theirs, f"{name}: {level}: {ours}, plainly {theirs}")


def examine_registers(tally: Tally, name: str, lines: Sequence[Op], random: Random) -> None:
    """Every polynomial level."""
    large = with_columns(text_of(random, lines))
    assert large.columns is not None
    found = registers(large.columns, None)
    if found is None:
        tally.counts["registers, left"] += 1
        return
    tally.counts["registers, by columns"] += 1
    plain = Choices([verdicts(each) for each in histories(read_transactions(History(lines)))])
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


def campaign(count: int, seed: int, deadline: float) -> Tally:
    """Examine that many of each kind until the deadline."""
    tally = Tally()
    for number in range(seed, seed + count):
        if monotonic() > deadline:
            break
        random = Random(f"columns {number}")
        examine_lists(tally, f"lists {number}", lists(random), random)
        few = random.random() < 0.5
        lines = random_registers.small(random, 6) if few else random_registers.stored(
            random, random.choice(LEVELS), random_shape(random))  # fmt: skip
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
    began = monotonic()
    tally = campaign(options.histories, options.seed, began + options.time_limit)
    for name, counted in sorted(tally.counts.items()):
        print(f"{counted:9,}  {name}")
    print(f"{len(tally.disagreements):9,}  disagreements, in {monotonic() - began:.1f} s")
    for message in tally.disagreements[:10]:
        print(message, file=sys.stderr)
    if tally.disagreements:
        return 1
    return 0 if tally.counts["histories"] == options.histories else 2


if __name__ == "__main__":
    sys.exit(main())
