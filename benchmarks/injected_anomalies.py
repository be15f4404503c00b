"""The campaign of injected anomalies: each planted in histories that are valid otherwise, and found by its name.

    python -m benchmarks.injected_anomalies [--histories 50] [--seed 0] [--table]

Every anomaly of PLANTED is put into so many strict serializable histories of 20 to 200 transactions, at any moment, on
lists or registers of its own; its transactions also read what was written before, and what they write is read later, so
that it is part of one graph. Exactly the levels that forbid it must fail, and exactly its names be reported. Every
other history is read by the compiled reader, too. ``--table`` prints what is found at the weakest level. Exit status 0
if all is as expected, 1 if anything is not (with the seed that shows it).
"""

from __future__ import annotations

import argparse
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from math import inf
from pathlib import Path
from random import Random
from time import process_time
from typing import Any, Final

if __name__ == "__main__":  # run as a file, too
    sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from benchmarks.planted_anomalies import LISTS, PREDICATES, REGISTERS, Planted
from benchmarks.transaction_clients import Micro, Traffic, recorded
from benchmarks.transactions_columnar_fuzz import text_of, with_columns
from benchmarks.transactions_fuzz import Tally, numbered
from checkers.transactional import MODELS, check
from checkers.transactional.lattice import STRICT, implied
from harness.history import History, Op
from harness.result import Result

PLANTED: Final = (*LISTS, *REGISTERS, *PREDICATES)
FRESH: Final = 10_000  # keys and processes from here on are not the store's
_ONE: Final = r"[awr][a-z](?:\[[\d ]*\]|\d+|_)|p[a-z][a-z]\[[a-z\d ]*\]"
_TRANSACTION: Final = re.compile(rf"(\*?)(?:(\d+):)?([?!]?)((?:(?:{_ONE}) ?)+)")
_MICRO: Final = re.compile(_ONE)
_READS: Final = ("r", "rp")
_TYPES: Final = {"": "ok", "?": "info", "!": "fail"}


def micros(text: str) -> list[Micro]:
    """``ax1`` appends 1 to x, ``wx1`` writes it; ``rx[1 2]``, ``rx1``, ``rx_`` read x as [1, 2], as 1, as null;
    ``pxz[y1]`` is a predicate read of x to z that found only y, with 1."""
    return [_micro(each) for each in _MICRO.findall(text)]


def _micro(text: str) -> Micro:
    f, key, value = text[0], FRESH + ord(text[1]), text[2:]
    if f == "p":
        pairs = [[FRESH + ord(each[0]), int(each[1:])] for each in value[2:-1].split()]
        return ["rp", [key, FRESH + ord(text[2])], pairs]
    listed = [int(each) for each in value[1:-1].split()]
    single = None if value == "_" else int(value) if value.isdigit() else listed
    return ["append" if f == "a" else f, key, single]


def lines_of(text: str) -> list[Op]:
    """Transactions between commas overlap; what stands before a bar has completed before the rest begins, except for
    those with an asterisk, which last from the beginning to the end. ``2:`` is of process 2, others of one of their
    own; ``?`` has an unknown outcome, ``!`` failed."""
    invocations: list[Op] = []
    parts: list[tuple[list[Op], list[Op]]] = []
    ends: list[Op] = []
    for number, group in enumerate(text.split("|")):
        begun: list[Op] = []
        done: list[Op] = []
        for place, each in enumerate(group.split(",")):
            whole, process, outcome, body = _matched(each)
            who = FRESH + (int(process) if process else 100 * (number + 1) + place)
            asked = [[f, key, None if f in _READS else value] for f, key, value in micros(body)]
            answer = micros(body) if not outcome else asked
            (invocations if whole else begun).append(Op("invoke", who, "txn", asked))
            (ends if whole else done).append(Op(_TYPES[outcome], who, "txn", answer))  # type: ignore[arg-type]
        parts.append((begun, done))
    return [*invocations, *(op for begun, done in parts for op in (*begun, *done)), *ends]


def _matched(text: str) -> tuple[str, str, str, str]:
    match = _TRANSACTION.fullmatch(text.strip())
    assert match is not None, f"read {text!r}; expected a transaction"
    return match[1], match[2] or "", match[3], match[4]


# ---------------------------------------------------------------------------- injection


@dataclass(slots=True)
class _Call:
    """A transaction of a history in the making: its lines' values are changed in place."""

    begin: int
    end: int
    lines: tuple[Op, Op]

    def add(self, f: str, key: int, value: Any, *, first: bool) -> None:
        """One more micro-operation, at its beginning or its end."""
        for line in self.lines:
            micro = [f, key, None if f == "r" and line.type == "invoke" else value]
            line.value.insert(0 if first else len(line.value), micro)

    @property
    def writes(self) -> bool:
        return any(micro[0] not in _READS for micro in self.lines[0].value)


def injected(random: Random, planted: Planted) -> list[Op]:
    """A valid history with the anomaly in it."""
    traffic = Traffic(
        transactions=random.randint(20, 200) - planted.text.count(",") - planted.text.count("|") - 1,
        processes=random.randint(2, 10), keys=random.randint(2, 6), sessions=random.random() < 0.2,
        plain=0.2 * (planted.data == "register" and planted not in PREDICATES), unknown=random.choice((0.0, 0.05)),
    )  # fmt: skip
    around = recorded("serial", planted.data, random, traffic).lines
    within = lines_of(planted.text)
    if traffic.sessions:
        within = [replace(line, session=f"g{line.process}") for line in within]
    start = random.randint(len(around) // 4, len(around) // 2)
    places = sorted(random.randint(start, start + len(around) // 4) for _ in within)
    lines: list[Op] = []
    for place, line in enumerate(around):
        while places and places[0] <= place:
            places.pop(0)
            lines.append(within.pop(0))
        lines.append(line)
    lines += within
    _tie(random, lines, "append" if planted.data == "list" else "w")
    return lines


def _calls(lines: Sequence[Op]) -> Iterator[_Call]:
    """The transactions that are certain."""
    begun: dict[Any, int] = {}
    for place, line in enumerate(lines):
        if line.type == "invoke":
            begun[line.process] = place
        elif line.type == "ok" and line.f == "txn":
            yield _Call(begun[line.process], place, (lines[begun[line.process]], line))


def _tie(random: Random, lines: Sequence[Op], write: str) -> None:
    """What the anomaly's transactions read of earlier ones, and what later ones read of theirs: no way leads through
    the others from one of them to another. Who only reads goes on doing so."""
    calls = list(_calls(lines))
    inside = [place for place, line in enumerate(lines) if isinstance(line.process, int) and line.process >= FRESH]
    planted = [each for each in calls if each.lines[0].process >= FRESH]  # type: ignore[operator]
    others = [each for each in calls if each not in planted]
    before = [each for each in others if each.end < inside[0]]
    after = [each for each in others if each.begin > inside[-1]]
    key = FRESH + 1000
    for source, targets in [*((each, planted) for each in random.sample(before, min(2, len(before)))),
                            *((each, after) for each in planted if each.writes)]:  # fmt: skip
        key += 1
        source.add(write, key, 7, first=random.random() < 0.5)
        for target in random.sample(targets, min(2, len(targets))):
            target.add("r", key, [7] if write == "append" else 7, first=random.random() < 0.5)


# ---------------------------------------------------------------------------- what must be found


def failing(weakest: Sequence[str]) -> set[str]:
    """The levels that imply one of these."""
    return {name for name in MODELS if implied(name) & set(weakest)}


def examine(tally: Tally, planted: Planted, seed: int) -> None:
    """One history with the anomaly: every level, the names, and a level or two by themselves."""
    random = Random(f"{planted.name} {planted.data} {planted.text} {seed}")
    lines = injected(random, planted)
    name = f"{planted.name}, {planted.data}, {planted.text!r}, seed {seed}"
    history = with_columns(text_of(random, lines)) if seed % 2 else History(lines)
    tally.counts["histories"] += 1
    tally.counts["transactions"] += sum(line.type == "invoke" for line in lines)
    result = check(history, expect=STRICT)
    examine_levels(tally, name, planted, result)
    wrong = failing(planted.weakest)
    for level in (random.choice(list(MODELS)), random.choice(planted.weakest)):
        found = check(history, expect=level)
        expected = level not in wrong
        fine = found.valid is expected or (level in planted.open and found.valid == "unknown")
        tally.expect(fine, f"{name}: {level} is {found.valid}, expected {expected}: {found.explanation}")
        tally.counts[f"level asked: {found.valid}"] += 1
    weakest = planted.weakest[0]
    found = check(history, expect=weakest)
    types = {each.type for each in found.anomalies}
    tally.expect(bool(types & set(planted.types)), f"{name}: {weakest} is {found.valid}, with {sorted(types)}")


def examine_levels(tally: Tally, name: str, planted: Planted, result: Result) -> None:
    """Which levels fail and which hold, and what is reported."""
    types = [each.type for each in result.anomalies]
    again = {each for each in types if planted.ordered and each.endswith("-realtime")}
    fine = set(types) - again <= set(planted.types) <= set(types)
    tally.expect(fine, f"{name}: found {types}, expected {planted.types}")
    tally.expect(len(types) == len(set(types)), f"{name}: found {types}, one of them twice")
    told = all(each.explanation.endswith(".") and each.operations for each in result.anomalies)
    tally.expect(told, f"{name}: an anomaly is not told: {result.anomalies}")
    failed = failing(result.details["weakest_failing"])
    holding = {weaker for level in result.details["strongest"] for weaker in implied(level)}
    expected = failing(planted.weakest)
    tally.expect(failed == expected, f"{name}: {sorted(failed ^ expected)} should not fail, or should")
    missing = set(MODELS) - expected - holding - set(planted.open)
    tally.expect(not missing, f"{name}: {sorted(missing)} should hold")
    tally.expect(not holding & expected, f"{name}: {sorted(holding & expected)} should not hold")


def campaign(histories: int, seed: int, planted: Sequence[Planted] = PLANTED) -> Tally:
    """That many histories of each."""
    tally = Tally()
    for each in planted:
        for number in numbered(tally, histories, seed, inf, f"histories with {each.name}"):
            examine(tally, each, number)
    return tally


def table(planted: Sequence[Planted] = PLANTED) -> Iterator[str]:
    """Of each anomaly alone: what is reported at the strongest level, and by what the weakest failing ones fail."""
    for each in planted:
        history = History(lines_of(each.text))
        types = " ".join(found.type for found in check(history, expect=STRICT).anomalies)
        weakest = [
            f"{level} ({' '.join(found.type for found in check(history, expect=level).anomalies)})"
            for level in check(history, expect=STRICT).details["weakest_failing"]
        ]
        text = each.text.replace("|", "\\|")
        yield f"| {each.name} | {each.data} | `{text}` | {types} | {', '.join(weakest)} |"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the campaign and print its counts."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--histories", type=int, default=50, help="of each anomaly")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args(arguments)
    if options.table:
        print("\n".join(table()))
        return 0
    began = process_time()
    tally = campaign(options.histories, options.seed)
    for name, count in sorted(tally.counts.items()):
        print(f"{count:9,}  {name}")
    for message in tally.disagreements[:20]:
        print(message, file=sys.stderr)
    print(f"{len(LISTS)} anomalies of lists, {len(REGISTERS)} of registers, {len(PREDICATES)} of predicate reads, in "
          f"{tally.counts['histories']:,} histories: {len(tally.disagreements)} disagreements; "
          f"{process_time() - began:.0f} CPU s")  # fmt: skip
    return 1 if tally.disagreements else 0


if __name__ == "__main__":
    sys.exit(main())
